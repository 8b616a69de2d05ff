"""Amounts that hang on a quantity: what a part of an open quantity is worth.

open (10, 100.00), 4 go → 40.00; the last 6 take the 60.00 that are left, to the cent
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal

__all__ = ["release", "rounded"]

EXACT = Context(prec=80, rounding=ROUND_HALF_UP)  # 20 digits times 24 must not round


def rounded(value: Decimal, digits: int) -> Decimal:
    """Half away from zero."""
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def release(
    open_quantity: Decimal, open_value: Decimal, quantity: Decimal, given: Decimal, *, digits: int = 2
) -> Decimal:
    """The change of value that goes with a change of an open quantity.

    Towards zero it takes its share of the open value, all of it with the last piece. What is beyond zero, or
    away from it, is worth its part of `given`, the value that the whole movement has by itself.
    """
    if quantity == 0 or open_quantity == 0 or (open_quantity > 0) == (quantity > 0):
        return given
    if abs(quantity) < abs(open_quantity):
        return -rounded(EXACT.divide(EXACT.multiply(open_value, abs(quantity)), abs(open_quantity)), digits)
    beyond = open_quantity + quantity
    return rounded(EXACT.divide(EXACT.multiply(given, beyond), quantity), digits) - open_value

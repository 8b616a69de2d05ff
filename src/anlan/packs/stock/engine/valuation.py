"""Moving average over one key, as a value ledger: quantity and value are kept, a unit cost never is.

    10 in at 10.00 → (10, 100.00); 10 in at 20.00 → (20, 300.00); 15 out → (5, 75.00), 225.00 went out

Invariants: the sum of all changes of value equals the value on hand; no quantity, no value.

Negative stock: what leaves before it arrives goes out at the last known rate. A receipt that brings the
quantity to zero or above values what is left at its own rate; while it stays negative the old rate holds.
What the receipt was worth less what it changed is its cost variance.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import NamedTuple

__all__ = ["EMPTY", "Change", "Stock", "counted", "move", "rounded"]

ZERO = Decimal(0)
RATE = Decimal("1E-10")  # the scale of a remembered rate
EXACT = Context(prec=80, rounding=ROUND_HALF_UP)  # 20 digits times 24 must not round


class Stock(NamedTuple):
    """What is there: `rate` is the last known unit cost, which outlives the stock."""

    quantity: Decimal
    value: Decimal
    rate: Decimal

    @property
    def unit_cost(self) -> Decimal:
        """The average of one unit; the last known one when nothing is there."""
        return EXACT.divide(self.value, self.quantity) if self.quantity > 0 else self.rate


class Change(NamedTuple):
    """What a movement does: the stock after it, how the value changed, and the variance of a receipt."""

    stock: Stock
    value: Decimal
    variance: Decimal


EMPTY = Stock(ZERO, ZERO, ZERO)


def move(stock: Stock, quantity: Decimal, value: Decimal | None = None, *, digits: int = 2) -> Change:
    """One movement: `quantity` above zero comes in, below zero goes out.

    `value` of what comes in, None for the current cost; of what goes out only when it is known already (the
    other half of a transfer). `digits` are those of the company's currency.
    """
    if quantity < 0:
        return _issue(stock, -quantity, None if value is None else -value, digits)
    if quantity == 0:
        worth = value or ZERO
        return Change(_after(stock, ZERO, worth), worth, ZERO)
    if value is None:
        value = times(quantity, stock.unit_cost, digits)
    return _receipt(stock, quantity, value, digits)


def counted(stock: Stock, difference: Decimal, unit_cost: Decimal | None, *, digits: int = 2) -> Change:
    """A count: `difference` was found more (or less) than the books said.

    With a unit cost all that is there afterwards is worth it; without one the difference moves at the
    current cost.
    """
    if unit_cost is None:
        return move(stock, difference, digits=digits)
    quantity = stock.quantity + difference
    value = times(quantity, unit_cost, digits)
    return Change(Stock(quantity, value, unit_cost), value - stock.value, ZERO)


def rounded(value: Decimal, digits: int) -> Decimal:
    """Half away from zero."""
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def times(quantity: Decimal, rate: Decimal, digits: int) -> Decimal:
    """An amount: quantity times rate, rounded once."""
    return rounded(EXACT.multiply(quantity, rate), digits)


def _receipt(stock: Stock, quantity: Decimal, value: Decimal, digits: int) -> Change:
    if stock.quantity >= 0:
        return Change(_after(stock, quantity, value), value, ZERO)
    left = stock.quantity + quantity
    rate = EXACT.divide(value, quantity) if left >= 0 else stock.rate
    worth = times(left, rate, digits)
    change = worth - stock.value
    return Change(Stock(left, worth, rate.quantize(RATE, ROUND_HALF_UP)), change, value - change)


def _issue(stock: Stock, quantity: Decimal, value: Decimal | None, digits: int) -> Change:
    if value is None:
        value = _cost_of(stock, quantity, digits)
    return Change(_after(stock, -quantity, -value), -value, ZERO)


def _cost_of(stock: Stock, quantity: Decimal, digits: int) -> Decimal:
    if stock.quantity <= 0:
        return times(quantity, stock.rate, digits)
    if quantity < stock.quantity:
        return rounded(EXACT.divide(EXACT.multiply(stock.value, quantity), stock.quantity), digits)
    # All that is there goes with all of its value; what goes beyond it leaves at the same rate.
    return stock.value + times(quantity - stock.quantity, stock.unit_cost, digits)


def _after(stock: Stock, quantity: Decimal, value: Decimal) -> Stock:
    left, worth = stock.quantity + quantity, stock.value + value
    if left > 0:
        rate = EXACT.divide(worth, left)
    elif stock.quantity > 0:
        rate = stock.unit_cost
    else:
        rate = stock.rate
    return Stock(left, worth, rate.quantize(RATE, ROUND_HALF_UP))

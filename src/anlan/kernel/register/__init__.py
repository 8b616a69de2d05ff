"""Registers: append-only movements, exact balances, period totals, limits; postings that fill them."""

from anlan.kernel.register.read import balance, movements, turnover

__all__ = ["balance", "movements", "turnover"]

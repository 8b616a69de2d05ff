"""Registers: append-only movements, exact balances, period totals, limits; postings that fill them."""

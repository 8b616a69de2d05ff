"""Postings: what documents move in registers, as compiled statements; limits of balances; computed resources."""

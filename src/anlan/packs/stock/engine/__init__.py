"""The algorithms that stock exists for: pure functions on plain data."""

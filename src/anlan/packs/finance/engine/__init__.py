"""The algorithms that finance exists for: pure functions on plain data."""

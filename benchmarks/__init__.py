"""Measurements: ours beside the floor, in one run."""

"""What stands between states: approvals, and the list of what waits for whom."""

"""Floor 4: the command `anlan`; each file parses and prints, the work is in functions elsewhere."""

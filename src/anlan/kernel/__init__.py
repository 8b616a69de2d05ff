"""Floor 1: definitions, records, registers, workflow, access, audit. It knows no business word."""

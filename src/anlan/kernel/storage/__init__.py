"""Storage: the embedded server, connections, the kernel's own tables and their upgrade steps."""

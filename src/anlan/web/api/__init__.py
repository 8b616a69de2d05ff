"""The HTTP API: thin handlers around the kernel's calls, one table of routes, one shape of errors."""

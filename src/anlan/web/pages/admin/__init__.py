"""The administrator's pages: plain functions on `kernel/admin`, which asks for the right itself."""

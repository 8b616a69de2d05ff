"""A pack of definitions; see its README."""

"""One snapshot of all definitions: built, checked, published, changed."""

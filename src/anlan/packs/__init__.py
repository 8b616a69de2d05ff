"""Floor 3: the business, one folder a pack, all laid out alike."""

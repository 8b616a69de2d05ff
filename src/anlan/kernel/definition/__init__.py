"""What can be defined, as pydantic models; read from YAML (packs) and JSON (the browser)."""

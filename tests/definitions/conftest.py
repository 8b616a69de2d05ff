"""The packs of this folder on small sites; see tests/kernel/small_site.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "kernel"))

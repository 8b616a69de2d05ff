"""A site: one company group, one database. Made once, opened by every process, kept up to date."""

from anlan.kernel.site.making import PackShown, create, migrate, open, packs
from anlan.kernel.site.site import Site

__all__ = ["PackShown", "Site", "create", "migrate", "open", "packs"]

"""The one way to read many records: filter, sort, page, search; row rules and field masks are applied here."""

from anlan.kernel.query.find import recent, search, suggest
from anlan.kernel.query.records import Query, groups, records, totals

__all__ = ["Query", "groups", "recent", "records", "search", "suggest", "totals"]

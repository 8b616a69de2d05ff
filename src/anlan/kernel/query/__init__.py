"""The one way to read many records: filter, sort, page, search; row rules and field masks are applied here."""

from anlan.kernel.query.find import recent, search, suggest
from anlan.kernel.query.hints import hints
from anlan.kernel.query.records import Query, groups, records, totals
from anlan.kernel.query.related import related

__all__ = ["Query", "groups", "hints", "recent", "records", "related", "search", "suggest", "totals"]

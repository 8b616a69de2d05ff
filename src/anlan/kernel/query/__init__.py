"""The one way to read many records: filter, sort, page, search; row rules and field masks are applied here."""

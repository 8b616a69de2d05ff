"""A list as a calendar: records on the day of one of their date fields, a month or a week at a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from anlan.kernel import query
from anlan.kernel.context import Context
from anlan.kernel.i18n import language_of
from anlan.web.pages.columns import cell, column
from anlan.web.pages.liststate import Listing

__all__ = ["content", "fields", "span_of"]

Json = Mapping[str, Any]
CARDS = {"month": 4, "week": 30}  # of a day
FIGURES = 2


def fields(form: Json, language: str) -> list[tuple[str, str]]:
    """Fields that can be the day, in the form's order."""
    paths = [*(form.get("order") or form["fields"]), "created_at"]
    found = [column(form, path, language) for path in dict.fromkeys(paths) if path in form["fields"]]
    return [(one["path"], one["label"]) for one in found if one["type"] in {"date", "instant"} and not one.get("hidden")]


def span_of(day: date, span: str) -> tuple[date, date]:
    """The first day that is shown and the one after the last: whole weeks, from Monday.

    >>> span_of(date(2026, 11, 24), "month")
    (datetime.date(2026, 10, 26), datetime.date(2026, 12, 7))
    >>> span_of(date(2026, 11, 24), "week")
    (datetime.date(2026, 11, 23), datetime.date(2026, 11, 30))
    """
    if span == "week":
        first = day - timedelta(days=day.weekday())
        return first, first + timedelta(days=7)
    first = day.replace(day=1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return first - timedelta(days=first.weekday()), last + timedelta(days=7 - last.weekday())


def content(ctx: Context, form: Json, listing: Listing) -> dict[str, Any]:
    """The days with their records. Three statements at most."""
    known = [path for path, _ in fields(form, ctx.language)]
    by = listing.by if listing.by in known else next(iter(known), "")
    if not by:
        return {"by": None, "days": []}
    span = "week" if listing.span == "week" else "month"
    at = _day(listing.at) or ctx.today
    start, end = span_of(at, span)
    field = column(form, by, ctx.language)
    title, *rest = [column(form, path, ctx.language) for path in listing.columns_shown if path != by]
    shown = [one for one in rest if one["path"] != "state"][:FIGURES]
    every = [start + timedelta(days=n) for n in range((end - start).days)]
    parts = {day.isoformat(): f"AND({by} >= {_literal(day)}, {by} < {_literal(day)} + 1)" for day in every}
    whole = [f"{by} >= {_literal(start)}", f"{by} < {_literal(end)}"]
    asked = listing.query()
    asked = asked._replace(
        where=f"AND({', '.join([*whole, *([asked.where] if asked.where else [])])})",
        limit=CARDS[span],
        fields=[title["path"], *(one["path"] for one in shown), *(["state"] if form["states"] else [])],
    )
    found = query.groups(ctx, form["form"], asked, parts)
    days = [
        {
            "day": day,
            "inside": span == "week" or day.month == at.month,
            "today": day == ctx.today,
            "cards": found[day.isoformat()]["data"],
            "count": found[day.isoformat()]["count"],
            "where": parts[day.isoformat()],
        }
        for day in every
    ]
    return {
        "by": field,
        "days": days,
        "card_title": title,
        "shown": shown,
        "cell": cell,
        "span": span,
        "at_day": at,
        "state_field": column(form, "state", ctx.language) if form["states"] else None,
        "count": sum(day["count"] for day in days),
        "heading": _heading(at, start, end, span, ctx.language),
        "previous": listing.url(at=(start - timedelta(days=1) if span == "week" else at.replace(day=1) - timedelta(days=1)).isoformat()),
        "following": listing.url(at=(end if span == "week" else (at.replace(day=1) + timedelta(days=32)).replace(day=1)).isoformat()),
    }


def _heading(at: date, start: date, end: date, span: str, language: str) -> str:
    if span == "week":
        return f"{start.isoformat()} – {(end - timedelta(days=1)).isoformat()}"
    return f"{at.year} 年 {at.month} 月" if language_of(language) == "zh" else at.strftime("%B %Y")


def _day(text: str) -> date | None:
    """A day of the address; None for what is none, or lies at the edge of the calendar."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1900 <= day.year <= 2200 else None


def _literal(day: date) -> str:
    return f"DATE({day.year}, {day.month}, {day.day})"

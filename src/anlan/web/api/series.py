"""Measurements: pushed in batches, read as they came or by steps."""

from __future__ import annotations

from anlan.kernel import series
from anlan.kernel.errors import invalid
from anlan.kernel.i18n.kinds import LIST, wrong_type
from anlan.web.api import params
from anlan.web.api.routing import Answer, Call

__all__ = ["READ_PARAMETERS", "push", "read"]

READ_PARAMETERS = ("from", "to", "step", "by", "where", "limit")


def push(call: Call) -> Answer:
    """POST /series/{register}: `{"rows": [{"at", dimension…, resource…}]}`, all or none."""
    body = params.object_body(call.body, known=("rows",))
    rows = body.get("rows")
    if not isinstance(rows, list):
        raise invalid([wrong_type("rows", LIST)])
    return Answer(series.push(call.ctx, call.path["register"], rows), status=201)


def read(call: Call) -> Answer:
    """GET /series/{register}"""
    asked = call.query
    return Answer(series.read(
        call.ctx, call.path["register"], start=asked.get("from") or None, end=asked.get("to") or None,
        step=asked.get("step") or "raw", by=params.names(asked, "by"), where=asked.get("where") or None,
        limit=params.whole(asked, "limit", 5_000, 1, series.MOST_POINTS),
    ))  # fmt: skip

"""Schemas of bodies and answers that do not depend on a form, by the name of their route, as OpenAPI shows
them.

`$record`, `$new` and `$change` stand for the schemas of the form whose path is written (openapi.py).
"""

from __future__ import annotations

from typing import Any

from anlan.web.api.schema import ref

__all__ = ["ANSWERS", "BODIES", "PARAMETERS", "SHAPES"]

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_ANY_OBJECT: Schema = {"type": "object"}


def _object(required: tuple[str, ...] = (), **properties: Any) -> Schema:
    return {"type": "object", "properties": properties, **({"required": list(required)} if required else {})}


def _closed(required: tuple[str, ...] = (), **properties: Any) -> Schema:
    return {**_object(required, **properties), "additionalProperties": False}


def _list(items: Any) -> Schema:
    return {"type": "array", "items": items}


def _data(items: Any) -> Schema:
    return _object(("data",), data=_list(items))


_PAGE: Schema = _object(
    ("data", "next", "count"),
    data=_list({}),
    next={"type": ["string", "null"]},
    count={"type": ["integer", "null"]},
)

SHAPES: dict[str, Schema] = {
    "Problem": _object(
        ("type", "title", "status", "detail", "code", "errors", "request_id"),
        type=_TEXT,
        title=_TEXT,
        status={"type": "integer"},
        detail=_TEXT,
        code=_TEXT,
        request_id=_TEXT,
        errors=_list(
            _object(
                ("path", "code", "message"),
                path=_TEXT,
                code=_TEXT,
                message=_TEXT,
                help=_TEXT,
                position={"type": "integer"},
            )
        ),
    ),
    "Event": _object(
        ("seq", "kind", "occurred_at", "recorded_at", "changes"),
        seq={"type": "integer"},
        kind=_TEXT,
        occurred_at=_TEXT,
        recorded_at=_TEXT,
        actor={},
        changes=_list(_object(("path",), path=_TEXT, old={}, new={})),
        comment={"type": ["string", "null"]},
    ),
    "Operation": {
        "oneOf": [
            _closed(("op", "form", "values"), op={"const": "create"}, form=_TEXT, values=_ANY_OBJECT),
            _closed(
                ("op", "form", "id", "version", "values"),
                op={"const": "update"},
                form=_TEXT,
                id=_TEXT,
                version={"type": "integer"},
                values=_ANY_OBJECT,
            ),
            _closed(
                ("op", "form", "id", "transition"),
                op={"const": "do"},
                form=_TEXT,
                id=_TEXT,
                transition=_TEXT,
                values=_ANY_OBJECT,
                comment=_TEXT,
                version={"type": "integer"},
            ),
            _closed(
                ("op", "form", "id", "to"),
                op={"const": "make"},
                form=_TEXT,
                id=_TEXT,
                to=_TEXT,
                body=_ANY_OBJECT,
            ),
        ]
    },
    "Page": _PAGE,
}

_RECORDS = {
    **_PAGE,
    "properties": {**_PAGE["properties"], "data": {"type": "array", "items": {"type": "object"}}},
}
_QUERY_BODY = _closed(
    where=_TEXT,
    search=_TEXT,
    sort={"anyOf": [_TEXT, _list(_TEXT)]},
    fields={"anyOf": [_TEXT, _list(_TEXT)]},
    limit={"type": "integer", "minimum": 1, "maximum": 500},
    after=_TEXT,
    count={"enum": ["none", "exact", "estimate"]},
    ids={"anyOf": [_TEXT, _list(_TEXT)]},
)
_NAMES = _list(_TEXT)
_VIEW_PARTS: dict[str, Schema] = {
    "label": {"type": "string", "minLength": 1, "maxLength": 40},
    "shared": {"type": "boolean"},
    "kind": {"enum": ["list", "board", "calendar"]},
    "where": _TEXT,
    "search": _TEXT,
    "sort": _NAMES,
    "columns": _NAMES,
    "totals": _NAMES,
    "by": _TEXT,
}
_VIEW = _object(
    ("id", "label", "shared", "editable", "kind", "where", "sort", "columns", "left_out"),
    id=_TEXT,
    editable={"type": "boolean"},
    left_out=_list(_object(("part", "reason", "name"), part=_TEXT, reason=_TEXT, name=_TEXT)),
    **_VIEW_PARTS,
)
_LAYOUT = _closed(
    widths={"type": "object", "additionalProperties": {"type": "integer", "minimum": 48, "maximum": 900}},
    frozen={"type": "integer", "minimum": 0, "maximum": 4},
    columns={"type": "object", "additionalProperties": _NAMES},
)
_FIRST: Schema = {"type": ["string", "null"], "maxLength": 60}
_CHOSEN: dict[str, Schema] = {"ids": _NAMES, "where": _TEXT, "search": _TEXT, "sort": {"anyOf": [_TEXT, _NAMES]}}
_JOB = _object(("job",), job=_TEXT)
_OUTCOME = _object(
    ("id", "title", "outcome", "messages"),
    id=_TEXT,
    title=_TEXT,
    outcome={"enum": ["done", "waiting", "refused"]},
    code=_TEXT,
    messages=_NAMES,
)
_COUNT: Schema = {"type": "integer"}
_CALENDAR_BODY = _object(
    ("calendar", "op"),
    calendar=_ANY_OBJECT,
    op={"enum": ["is_open", "add", "next_open", "elapsed"]},
    seconds={"type": "integer"},
    at=_TEXT,
    to=_TEXT,
)

_DECISIONS = ("approve", "reject", "return", "withdraw")
_PLACES = ("base", "overlay", "new")

BODIES: dict[str, Any] = {
    "records.query": _QUERY_BODY,
    "records.create": "$new",
    "records.create_many": _closed(
        ("records",), records={"type": "array", "maxItems": 1000, "items": "$new"}
    ),
    "records.preview": _ANY_OBJECT,
    "records.hints": _closed(
        ("path", "ids"), path=_TEXT, ids={"type": "array", "maxItems": 50, "items": _TEXT}, values=_ANY_OBJECT
    ),
    "records.change": "$change",
    "records.step": _closed(comment={"type": ["string", "null"]}, values={"type": ["object", "null"]}),
    "records.make": _ANY_OBJECT,
    "records.make_many": _object(
        ("ids",), ids={"type": "array", "items": _TEXT, "minItems": 1, "maxItems": 200}
    ),
    "records.copy": _ANY_OBJECT,
    "records.print_many": _closed(
        ("ids",),
        ids={"type": "array", "items": _TEXT, "minItems": 1, "maxItems": 200},
        language={"enum": ["zh", "en"]},
    ),
    "records.comment": _closed(
        ("text",), text={"type": "string", "minLength": 1}, mentions={"type": "array", "items": _TEXT}
    ),
    "records.attach": _object(("file",), file={"type": "string", "format": "binary"}),
    "records.batch": _closed(
        ("operations",), operations={"type": "array", "maxItems": 1000, "items": ref("Operation")}
    ),
    "files.save": _object(("file",), file={"type": "string", "format": "binary"}),
    "formula.evaluate": _closed(
        ("expression",),
        expression=_TEXT,
        values=_ANY_OBJECT,
        types=_ANY_OBJECT,
        today={"type": ["string", "null"]},
    ),
    "definitions.merge": _closed(_PLACES, base=_ANY_OBJECT, overlay=_ANY_OBJECT, new=_ANY_OBJECT),
    "definitions.put": {
        "oneOf": [
            _closed(("definition",), definition=_ANY_OBJECT),
            _closed(("overlay",), overlay=_ANY_OBJECT),
        ]
    },
    "catalogue.plan": _closed(),
    "catalogue.publish": _closed(comment=_TEXT),
    "catalogue.rollback": _closed(("version",), version={"type": "integer"}),
    "series.push": _closed(("rows",), rows={"type": "array", "maxItems": 50_000, "items": {"type": "object"}}),
    "calendar.compute": _CALENDAR_BODY,
    "me.password": _closed(("old", "new"), old=_TEXT, new=_TEXT),
    "approvals.decide": _closed(
        ("decision",), decision={"enum": list(_DECISIONS)}, comment={"type": ["string", "null"]}
    ),
    "approvals.decide_many": _closed(
        ("requests", "decision"),
        requests={"type": "array", "minItems": 1, "maxItems": 100, "items": _TEXT},
        decision={"enum": list(_DECISIONS)},
        comment={"type": ["string", "null"]},
    ),
    "approvals.transfer": _closed(("to",), to=_TEXT, of=_TEXT, comment={"type": ["string", "null"]}),
    "approvals.sign": _closed(
        ("who", "when"),
        who={"type": "array", "minItems": 1, "maxItems": 10, "items": _TEXT},
        when={"enum": ["before", "after"]},
        comment={"type": ["string", "null"]},
    ),
    "approvals.urge": _closed(comment={"type": ["string", "null"]}),
    "approvals.copy": _closed(("to",), to={"type": "array", "minItems": 1, "maxItems": 10, "items": _TEXT}),
    "delegations.create": _closed(
        ("deputy", "from", "to"),
        **{"deputy": _TEXT, "from": {"type": "string", "format": "date"}, "to": {"type": "string", "format": "date"}},
        forms={"type": ["array", "null"], "items": _TEXT},
        reason={"type": ["string", "null"]},
        person=_TEXT,
    ),
    "me.change_profile": _closed(
        ("name", "language"), name={"type": "string", "minLength": 1}, language={"enum": ["zh-CN", "en"]}, company=_TEXT
    ),
    "messages.read": _closed(ids={"type": ["array", "null"], "items": _TEXT}),
    "admin.invite": _object(("code", "name"), code=_TEXT, name=_TEXT, roles=_list(_TEXT)),
    "admin.activate": _closed(("active",), active={"type": "boolean"}),
    "admin.grant": _closed(("actions",), actions=_list(_TEXT), rows={"type": ["string", "null"]}),
    "admin.assign": _closed(("people",), people=_list(_TEXT)),
    "tokens.create": _closed(
        ("name",),
        name={"type": "string", "minLength": 1},
        forms=_list(_TEXT),
        actions=_list(_TEXT),
        addresses=_list(_TEXT),
        expires={"type": ["string", "null"]},
    ),
    "exchange.request_export": {
        **_QUERY_BODY,
        "properties": {**_QUERY_BODY["properties"], "format": {"enum": ["xlsx", "csv"]}},
    },
    "views.create": _closed(("label",), **_VIEW_PARTS),
    "views.change": _closed((), **_VIEW_PARTS),
    "views.layout": _closed(first=_FIRST, layout=_LAYOUT),
    "bulk.run": _closed(
        ("action",),
        action={"enum": ["step", "set", "delete"]},
        transition=_TEXT,
        comment=_TEXT,
        values=_ANY_OBJECT,
        **_CHOSEN,
    ),
    "print.request": _closed(("print",), print=_TEXT, **_CHOSEN),
    "exchange.import": _object(
        ("file",), file={"type": "string", "format": "binary"}, mapping=_TEXT, mode=_TEXT, run=_TEXT
    ),
    "service.simulate": _ANY_OBJECT,
}

ANSWERS: dict[str, Any] = {
    "views.list": _object(
        ("data", "first", "layout", "may_share"),
        data=_list(_VIEW),
        first=_FIRST,
        layout=_ANY_OBJECT,
        may_share={"type": "boolean"},
    ),
    "views.create": _VIEW,
    "views.change": _VIEW,
    "views.restore": _VIEW,
    "views.layout": _object(("first", "layout"), first=_FIRST, layout=_ANY_OBJECT),
    "bulk.run": {
        "anyOf": [
            _object(("data", "done", "waiting", "refused"), data=_list(_OUTCOME), done=_COUNT, waiting=_COUNT, refused=_COUNT),
            _JOB,
        ]
    },
    "bulk.results": _object(("state", "data"), state=_TEXT, data=_list(_OUTCOME)),
    "print.request": _JOB,
    "forms.list": _data(_object(("form", "kind", "label"), form=_TEXT, kind=_TEXT, label=_TEXT)),
    "forms.read": _object(
        ("form", "kind", "label", "fields"), form=_TEXT, kind=_TEXT, label=_TEXT, fields=_ANY_OBJECT
    ),
    "records.list": _RECORDS,
    "records.query": _RECORDS,
    "records.create": "$record",
    "records.create_many": _data("$record"),
    "records.read": "$record",
    "records.preview": _object(
        ("record", "faults"),
        record=_ANY_OBJECT,
        faults=_list(_object(("path", "code", "message"), path=_TEXT, code=_TEXT, message=_TEXT)),
    ),
    "records.change": "$record",
    "records.step": "$record",
    "records.make": _object(("id", "form", "version"), id=_TEXT, form=_TEXT, version={"type": "integer"}),
    "records.make_many": _object(("id", "form", "version"), id=_TEXT, form=_TEXT, version={"type": "integer"}),
    "records.copy": "$record",
    "records.trail": _data(ref("Event")),
    "records.related": _data(_object(("form", "field", "data"), form=_TEXT, field=_TEXT, data={"type": "array"})),
    "records.copied": _ANY_OBJECT,
    "records.mentionable": _data(_object(("id", "code", "label"), id=_TEXT, code=_TEXT, label=_TEXT)),
    "records.links": _data(_object(("relation", "record"), relation=_TEXT, record=_ANY_OBJECT)),
    "records.batch": _data({}),
    "recycle.list": _data(
        _object(
            ("id", "form", "deleted_at"),
            id=_TEXT,
            form=_TEXT,
            form_label=_TEXT,
            number={"type": ["string", "null"]},
            title={"type": ["string", "null"]},
            deleted_at=_TEXT,
            deleted_by={"type": ["object", "null"]},
        )
    ),
    "recycle.restore": _ANY_OBJECT,
    "registers.list": _data(_object(("register", "label"), register=_TEXT, label=_TEXT)),
    "registers.read": _object(("register", "label", "dimensions", "resources"), register=_TEXT, label=_TEXT),
    "registers.balance": _object(("data", "at"), data=_list(_ANY_OBJECT), at={"type": ["string", "null"]}),
    "registers.turnover": _data(_ANY_OBJECT),
    "registers.movements": _RECORDS,
    "todos.list": _data(_object(("kind", "form", "record", "request"), kind=_TEXT, form=_TEXT, record=_TEXT, request=_ANY_OBJECT)),
    "todos.counts": _object(
        ("open", "started", "copied", "done"),
        open={"type": "integer"},
        started={"type": "integer"},
        copied={"type": "integer"},
        done={"type": "integer"},
    ),
    "approvals.of_record": _data(_ANY_OBJECT),
    "approvals.read": _object(
        ("request", "form", "record", "figures", "may", "reasons"),
        request=_ANY_OBJECT,
        form=_TEXT,
        record=_ANY_OBJECT,
        figures=_list(_ANY_OBJECT),
        may=_list(_TEXT),
        instead_of={"type": ["object", "null"]},
        reasons=_list(_TEXT),
    ),
    "approvals.decide_many": _data(
        _object(("id", "status", "code"), id=_TEXT, status={"type": ["string", "null"]}, code={"type": ["string", "null"]}, message=_TEXT)
    ),
    "colleagues.find": _data(_object(("id", "code", "label"), id=_TEXT, code=_TEXT, label=_TEXT)),
    "delegations.list": _data(_ANY_OBJECT),
    "delegations.create": _ANY_OBJECT,
    "scan.find": _object(("data", "parts"), data=_list(_ANY_OBJECT), parts=_ANY_OBJECT),
    "me.read": _object(
        ("login", "name", "language", "roles"), login=_TEXT, name=_TEXT, language=_TEXT, roles=_list(_TEXT)
    ),
    "formula.evaluate": {
        "oneOf": [_object(("value", "type"), value={}, type=_TEXT), _object(("error",), error=_TEXT)]
    },
    "definitions.merge": _object(
        ("merged", "conflicts"), merged=_ANY_OBJECT, conflicts=_list({"type": "array", "items": _TEXT})
    ),
    "definitions.list": _data(_object(("kind", "name", "pack"), kind=_TEXT, name=_TEXT, pack=_TEXT)),
    "definitions.read": _object(
        ("kind", "name", "definition"), kind=_TEXT, name=_TEXT, definition=_ANY_OBJECT
    ),
    "reports.list": _data(_object(("report", "label"), report=_TEXT, label=_TEXT)),
    "dashboards.list": _data(_object(("dashboard", "label"), dashboard=_TEXT, label=_TEXT)),
    "dashboards.read": _object(
        ("dashboard", "label", "period", "widgets"), dashboard=_TEXT, label=_TEXT, period=_TEXT, widgets=_list(_ANY_OBJECT)
    ),
    "dashboards.widget": _object(("kind", "at"), kind=_TEXT, at=_TEXT),
    "pivot.read": _object(("rows", "columns", "values"), rows=_list(_ANY_OBJECT), columns=_list({}), values=_list(_ANY_OBJECT)),
    "pivot.fields": _object(("dimensions", "measures"), dimensions=_list(_ANY_OBJECT), measures=_list(_ANY_OBJECT)),
}


def _query(name: str, schema: Schema, description: str = "") -> Schema:
    return {
        "name": name,
        "in": "query",
        "schema": schema,
        **({"description": description} if description else {}),
    }


_COMMA = "names, parted by commas"
PARAMETERS: dict[str, Schema] = {
    "where": _query("where", _TEXT, 'a formula, e.g. state = "confirmed"'),
    "search": _query("search", _TEXT),
    "sort": _query("sort", _TEXT, f"{_COMMA}; - in front for descending"),
    "fields": _query("fields", _TEXT, _COMMA),
    "limit": _query("limit", {"type": "integer", "minimum": 1, "maximum": 500}),
    "after": _query("after", _TEXT, "`next` of the page before"),
    "ids": _query("ids", _TEXT, "ids, parted by commas"),
    "print": _query("print", _TEXT, "a print of the form"),
    "count": _query("count", {"enum": ["none", "exact", "estimate"]}),
    "form": _query("form", _TEXT, "a form's name"),
    "box": _query("box", {"enum": ["open", "started", "copied", "done"]}),
    "every": _query("every", {"enum": ["0", "1"]}),
    "before": _query("before", {"type": "integer", "minimum": 1}, "events before this `seq`"),
    "at": _query("at", _TEXT, "an instant, or a date for the end of that day"),
    "by": _query("by", _TEXT, f"dimensions: {_COMMA}"),
    "only": _query("only", _TEXT, "a formula that the record must satisfy"),
    "field": _query("field", _TEXT, "the link that is being filled, as form/path"),
    "unread": _query("unread", {"enum": ["0", "1"]}),
    "kind": _query("kind", _TEXT, "the code of a kind"),
    "action": _query("action", _TEXT, "read, create, update, …, or a transition"),
    "key": _query("key", _TEXT, "id, number or code of a record"),
    "login": _query("login", _TEXT, "whom it is about; oneself when absent"),
    "pack": _query("pack", _TEXT),
    "group": _query("group", {"enum": ["running", "waiting", "failed", "done"]}),
    "who": _query("who", _TEXT, "a log-in name"),
    "record": _query("record", _TEXT, "id, number or code"),
    "start": _query("start", {"type": "string", "format": "date"}),
    "end": _query("end", {"type": "string", "format": "date"}, "this day is included"),
    "first": _query("first", {"type": "integer", "minimum": 1}, "`seq` of the first event"),
    "last": _query("last", {"type": "integer", "minimum": 1}, "`seq` of the last event"),
    "zero": _query("zero", {"enum": ["0", "1"]}),
    "step": _query("step", {"enum": ["raw", "1m", "5m", "1h", "1d"]}, "of roll-ups, as far as the register has them"),
    "from": _query("from", _TEXT),
    "to": _query("to", _TEXT),
    "q": _query("q", _TEXT),
    "each": _query("each", _TEXT, "the lines to count by; left out: documents"),
    "rows": _query("rows", _TEXT, f"dimensions down: {_COMMA}; a date as date@month"),
    "columns": _query("columns", _TEXT, f"dimensions across: {_COMMA}"),
    "values": _query("values", _TEXT, f"{_COMMA}; sum:x, avg:x, min:x, max:x or count"),
    "period": _query("period", {"enum": ["month", "last_month", "quarter", "year", "days_30", "days_90"]}),
    "company": _query("company", _TEXT, "a company's code or id"),
    "code": _query("code", _TEXT, "as the scanner sends it: a number, a code, a barcode, GS1"),
    "format": _query("format", {"enum": ["json", "xlsx", "csv", "pdf"]}),
    "language": _query("language", {"enum": ["zh", "en"]}),
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "schema": {"type": "string", "pattern": '^"[0-9]{1,9}"$'},
    },
    "MustMatch": {
        "name": "If-Match",
        "in": "header",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[0-9]{1,9}"$'},
    },
}

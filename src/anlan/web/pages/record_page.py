"""The page of one record: what may be typed into, what stands as text, the steps, and the right column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from anlan.kernel import describe, record
from anlan.kernel.context import Context
from anlan.kernel.errors import forbidden
from anlan.kernel.workflow import approval
from anlan.web.pages import show
from anlan.web.pages.beside import has_chain
from anlan.web.pages.context import zone
from anlan.web.pages.frame import render, words
from anlan.web.pages.linked import names_of

__all__ = ["lines_of", "links_part", "new_page", "record_page", "sections_of", "trail_part"]

Json = Mapping[str, Any]


def new_page(request: Request, ctx: Context) -> Response:
    """`GET /f/{form}/new`: nothing is stored until something was typed; `?copy=` begins like another record."""
    form = describe.form(ctx, request.path_params["form"])
    if "create" not in form["actions"]:
        raise forbidden(form["form"], "create")
    copied = request.query_params.get("copy")
    values = record.copy_of(ctx, form["form"], copied) if copied else {}
    content = record.preview(ctx, form["form"], values)["record"]
    return _drawn(request, ctx, form, _page(request, ctx, form, content, copied=list(values)))


def record_page(request: Request, ctx: Context) -> Response:
    """`GET /f/{form}/{key}`: key is an id, a number or a code."""
    form = describe.form(ctx, request.path_params["form"])

    def work() -> dict[str, Any]:
        return _page(request, ctx, form, record.read(ctx, form["form"], request.path_params["key"]))

    return _drawn(request, ctx, form, ctx.atomically(work))


def trail_part(request: Request, ctx: Context) -> Response:
    """`GET /f/{form}/{key}/trail`: what happened, newest first."""
    form = describe.form(ctx, request.path_params["form"])
    return _trail(request, ctx, form, request.path_params["key"])


def links_part(request: Request, ctx: Context) -> Response:
    """`GET /f/{form}/{key}/links`: the chain of documents that this one stands in."""
    form, key = request.path_params["form"], request.path_params["key"]
    found = record.links(ctx, form, key)
    before = [_linked(ctx, one["record"]) for one in found if one["relation"] == "source"]
    after = [_linked(ctx, one["record"]) for one in found if one["relation"] != "source"]
    own = describe.form(ctx, form)
    return render(request, ctx, "part/links.html", title="", before=before, after=after, own=own)


def _linked(ctx: Context, other: Json) -> dict[str, Any]:
    states = describe.form(ctx, other["form"]).get("states") or {}
    colour = (states.get(other.get("state") or "") or {}).get("colour")
    return dict(other) | {"colour": colour or "grey"}


def _trail(request: Request, ctx: Context, form: Json, key: str) -> Response:
    found = record.trail(ctx, form["form"], key)
    names = names_of(ctx, form, found)
    events = [_event(ctx, form, event, names) for event in found]
    return render(request, ctx, "part/trail.html", title="", events=events, form=form, key=key)


def _event(ctx: Context, form: Json, event: Json, names: Mapping[str, str]) -> dict[str, Any]:
    """An event in words; `kind` is create, update, comment or a transition."""
    known = f"event.{event['kind']}"
    if event.get("label"):
        what = event["label"]
    elif known in words().sentences["zh"]:
        what = words().text(known, ctx.language)
    else:
        what = event["kind"]
    # What a record was created with is what it shows; only later changes are news.
    told = [] if event["kind"] in {"create", "delete", "restore"} else event.get("changes") or []
    changes = [_change(ctx, form, change, names) for change in told]
    return {
        "what": what,
        "who": _name(event.get("actor")),
        "when": event["occurred_at"],
        "comment": event.get("comment"),
        "seq": event["seq"],
        "file": _file_of(event),
        "notes": _notes(ctx, event),
        "changes": [one for one in changes if one is not None],
    }


def _file_of(event: Json) -> str:
    """The name of the file that came or went."""
    if not str(event["kind"]).startswith("file_"):
        return ""
    change: Json = next(iter(event.get("changes") or []), {})
    return str((change.get("new") or change.get("old") or {}).get("name") or "")


def _name_of(content: Any, names: Mapping[str, str]) -> Any:
    """The name of a linked record instead of its id; anything else as it is."""
    return names.get(content, content) if isinstance(content, str) else content


def _notes(ctx: Context, event: Json) -> list[str]:
    """What an approval notes beside its decision (that nobody else could be asked …): codes among the paths."""
    codes = [str(one["path"]) for one in event.get("changes") or [] if one["path"].startswith("approval.")]
    return [ctx.site.messages.text(code, ctx.language) for code in codes]


def _name(actor: Any) -> str:
    if isinstance(actor, Mapping):
        return str(actor.get("label") or actor.get("code") or "")
    return str(actor or "")


def _change(ctx: Context, form: Json, change: Json, names: Mapping[str, str]) -> dict[str, str] | None:
    """`lines[<id>].price` or `customer` in words; None for what nobody sees (versions, hidden fields), and for
    what computes itself: it follows from what was typed."""
    head, _, tail = change["path"].partition(".")
    if "[" in head and not tail:
        return _line_change(ctx, form, change, names)
    name = head.split("[")[0]
    field = form["fields"].get(name)
    if name == "state":
        field = {
            "type": "state",
            "label": words().text("field.state", ctx.language),
            "options": form.get("states"),
        }
    if field is None or field.get("hidden") or field.get("formula"):
        return None
    label = show.label(field.get("label"), ctx.language) or name
    if tail and field.get("fields"):
        inner = field["fields"].get(tail)
        if inner is None or inner.get("hidden") or inner.get("formula"):
            return None
        label, field = f"{label} · {show.label(inner.get('label'), ctx.language) or tail}", inner
    shown = [
        show.plain(_name_of(change.get(side), names), field, ctx.language, zone(ctx))
        for side in ("old", "new")
    ]
    return {"label": label, "old": shown[0], "new": shown[1]}


def _line_change(ctx: Context, form: Json, change: Json, names: Mapping[str, str]) -> dict[str, str] | None:
    """A whole line that came or went, told by its first field."""
    field = form["fields"].get(change["path"].split("[")[0])
    if field is None:
        return None
    side = "new" if change.get("new") else "old"
    line, inner = change.get(side), field["fields"]
    first = next((key for key in field.get("order") or inner if not inner[key].get("hidden")), None)
    told = ""
    if first and isinstance(line, Mapping):
        told = show.plain(_name_of(line.get(first), names), inner[first], ctx.language, zone(ctx))
    label = words().text(f"record.line_{'added' if side == 'new' else 'removed'}", ctx.language)
    return {"label": label, "old": "", "new": ""} | {side: told}


def _page(
    request: Request, ctx: Context, form: Json, content: Json, *, copied: Sequence[str] = ()
) -> dict[str, Any]:
    """What the page of a record says; asks the database, so that one transaction may hold it all."""
    saved = bool(content.get("id"))
    waiting = _waiting(ctx, form, content) if saved else None
    looked_at = _looked_at(request)
    editable = [] if waiting is not None or looked_at else _editable(form, content, saved=saved)
    label = show.label(form["label"], ctx.language)
    title = content.get("number") or content.get("code") or label
    if not saved:
        title = words().text("record.new_one", ctx.language, form=label)
    return {
        "title": f"{title} · {label}",
        "form": form,
        "record": content,
        "saved": saved,
        "editable": editable,
        "heading": title,
        "sections": sections_of(form, ctx.language),
        "lines": lines_of(form),
        "open_lines": {path.split(".")[0] for path in editable if "." in path},
        "totals": _totals(form),
        "secondary": _secondary(form),
        "steps": _steps(form, content) if saved and waiting is None else [],
        "makes": _makes(ctx, form, content) if saved else [],
        "left_to": _left_to(ctx, form, content) if saved and waiting is None else None,
        "state": (form.get("states") or {}).get(content.get("state") or "draft"),
        "waiting": waiting,
        "decisions": _decisions(ctx, waiting) if waiting else [],
        "side_folded": request.cookies.get("anlan_side") == "folded",
        "island": _island(ctx, form, content, editable) | {"copied": [one for one in copied if one in editable]},
        "chain": saved and has_chain(ctx, form),
        "may_copy": saved and "create" in form["actions"],
    }


def _looked_at(request: Request) -> bool:
    """Whether the record stands beside a list: to be read, not typed into."""
    return request.query_params.get("part") == "peek"


def _drawn(request: Request, ctx: Context, form: Json, values: dict[str, Any]) -> Response:
    crumbs = [(show.label(form["label"], ctx.language), f"/f/{form['form']}")]
    return render(request, ctx, "part/peek.html" if _looked_at(request) else "record.html", crumbs=crumbs, **values)


def _waiting(ctx: Context, form: Json, content: Json) -> Json | None:
    """The approval that the record waits for; only asked where a step of its form may need one."""
    if not any(one.get("approval") for one in (form.get("transitions") or {}).values()):
        return None
    with ctx.transaction():
        return approval.waiting(ctx.connection, [content["id"]]).get(content["id"])


def _decisions(ctx: Context, waiting: Json) -> list[str]:
    """What the caller may decide: who is asked approves or not, who asked may withdraw."""
    asked = [one["id"] for one in waiting["who"]]
    decisions = ["approve", "return", "reject"] if ctx.caller.user in asked else []
    return [*decisions, "withdraw"] if waiting["requested_by"]["id"] == ctx.caller.user else decisions


def _editable(form: Json, content: Json, *, saved: bool) -> list[str]:
    """The paths that may be typed into now: `customer`, `lines.price`, and `lines` when rows may come and go.

    The kernel decides again at the write.
    """
    if ("update" if saved else "create") not in form["actions"]:
        return []
    state = (form.get("states") or {}).get(content.get("state") or "draft")
    allowed = ["*"] if state is None else list(state.get("editable") or [])
    if form["kind"] == "document" and (content.get("state") or "draft") == "draft":
        allowed = ["*"]

    def open_(path: str, field: Json) -> bool:
        if field.get("readonly") or field.get("formula") or field.get("balance") or field.get("lookup"):
            return False
        if field.get("access", "write") != "write" or field["type"] == "number":
            return False
        return "*" in allowed or path in allowed or path.split(".", maxsplit=1)[0] in allowed

    paths = [key for key, field in form["fields"].items() if open_(key, field)]
    for key, field in form["fields"].items():
        paths += [
            f"{key}.{name}"
            for name, one in (field.get("fields") or {}).items()
            if open_(f"{key}.{name}", one)
        ]
    return paths


def _order(form: Json) -> list[str]:
    return [key for key in (form.get("order") or form["fields"]) if not form["fields"][key].get("hidden")]


def lines_of(form: Json) -> list[str]:
    """The fields of a form that hold lines, in their order."""
    return [key for key in _order(form) if form["fields"][key]["type"] == "lines"]


def _totals(form: Json) -> list[str]:
    """Computed figures that stand after the lines and belong at their foot; not what only time changes (what is paid)."""
    order = _order(form)
    last = max(
        (place for place, key in enumerate(order) if form["fields"][key]["type"] == "lines"), default=None
    )
    if last is None:
        return []
    return [
        key
        for key in order[last + 1 :]
        if form["fields"][key].get("formula")
        and form["fields"][key].get("stored", True)
        and form["fields"][key]["type"] in show.NUMERIC
    ]


def _secondary(form: Json) -> dict[str, str]:
    """Totals in another currency than the first one's, each with the total that it repeats."""
    totals = _totals(form)
    currency = [form["fields"][key].get("in") for key in totals]
    first = [key for key, one in zip(totals, currency, strict=True) if one == currency[0]]
    others = [key for key, one in zip(totals, currency, strict=True) if one != currency[0]]
    return dict(zip(others, first, strict=False)) if len(others) <= len(first) else {}


def sections_of(form: Json, language: str) -> list[dict[str, Any]]:
    """Named sections in their order; fields that none of them has come first, without a heading."""
    aside = {*lines_of(form), *_totals(form)}
    named = [
        {
            "label": show.label(one["label"], language),
            "fields": [key for key in one["fields"] if key in form["fields"] and key not in aside],
            "folded": one.get("folded", False),
        }
        for one in (form.get("sections") or {}).values()
    ]
    taken = {key for one in named for key in one["fields"]} | aside
    rest = [key for key in _order(form) if key not in taken]
    return [one for one in ({"label": "", "fields": rest, "folded": False}, *named) if one["fields"]]


def _steps(form: Json, content: Json) -> list[tuple[str, Json]]:
    """The transitions that are possible now, the primary one first."""
    found = [
        (key, one)
        for key, one in (form.get("transitions") or {}).items()
        if content.get("state") in one["from"] and key in form["actions"]
    ]
    return sorted(found, key=lambda pair: (not pair[1].get("primary"), bool(pair[1].get("danger"))))


def _left_to(ctx: Context, form: Json, content: Json) -> tuple[str, list[str]] | None:
    """The next step and who takes it, where it is not the caller's: else the page would seem to lack a button."""
    next_ones = [
        (key, one)
        for key, one in (form.get("transitions") or {}).items()
        if one.get("primary") and content.get("state") in one["from"]
    ]
    if not next_ones or any(key in form["actions"] for key, _ in next_ones):
        return None
    key, one = next_ones[0]
    roles = [ctx.catalogue.roles[name].label for name in ctx.caller.policy.explain(form["form"], key).would_grant]
    return show.label(one["label"], ctx.language), [role.text(ctx.language) for role in roles]


def _makes(ctx: Context, form: Json, content: Json) -> list[tuple[str, Json]]:
    """The documents that can be made now; what is delivered in full offers no further delivery."""
    offered = form.get("conversions") or {}
    if not any(content.get("state") in one["states"] for one in offered.values()):
        return []
    possible = record.makeable(ctx, form["form"], content["id"])
    found = [(key, one) for key, one in offered.items() if key in possible]
    return sorted(found, key=lambda item: bool(item[1].get("aside")))  # sending back or correcting is no next step


def _island(ctx: Context, form: Json, content: Json, editable: list[str]) -> dict[str, Any]:
    """What the page's script works on: fields with labels in one language, the record, what may change."""
    return {
        "form": form["form"],
        "kind": form["kind"],
        "record": content,
        "editable": editable,
        "fields": {key: _field(ctx, field) for key, field in form["fields"].items()},
        "order": _order(form),
        "totals": _totals(form),
        "prints": list(form.get("prints") or {}),
    }


def _field(ctx: Context, field: Json) -> dict[str, Any]:
    kept = {
        key: field[key]
        for key in ("type", "required", "to", "only", "formula", "default", "hidden", "grid")
        if field.get(key)
    }
    kept["label"] = show.label(field.get("label"), ctx.language)
    if (
        any(field.get(reason) for reason in ("formula", "balance", "lookup", "readonly"))
        or field.get("access", "write") != "write"
    ):
        kept["computed"] = True
    if field.get("options"):
        kept["options"] = [
            [key, show.label(one.get("label", one), ctx.language)]
            for key, one in field["options"].items()
            if not one.get("retired")
        ]
    if field.get("hints"):
        kept["hints"] = [
            {"key": key, "type": one["type"], "label": show.label(one["label"], ctx.language)}
            for key, one in field["hints"].items()
        ]
    if field.get("fields"):
        inner = field["fields"]
        kept["fields"] = {key: _field(ctx, one) for key, one in inner.items()}
        kept["order"] = [key for key in (field.get("order") or inner) if not inner[key].get("hidden")]
    return kept

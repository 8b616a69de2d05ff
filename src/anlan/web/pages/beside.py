"""What stands around a record and comes after it: files, related records, the steps of its chain of documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from anlan.kernel import describe, file, query, record
from anlan.kernel.context import Context
from anlan.web.pages import show
from anlan.web.pages.frame import render

__all__ = ["chain_part", "files_part", "has_chain", "order_of", "related_part", "size_words", "steps_of"]

Json = Mapping[str, Any]
Edges = Mapping[str, Mapping[str, bool]]  # form → the forms made of it → whether that is an exception
MOST_STEPS = 8


def files_part(request: Request, ctx: Context) -> Response:
    """`GET /f/{form}/{key}/files`: what hangs on the record, with who and when."""
    form = describe.form(ctx, request.path_params["form"])
    found = file.on_record(ctx, form["form"], request.path_params["key"])
    files = [
        one | {"size_words": size_words(one["size"]), "inline": one["media_type"] in file.INLINE} for one in found
    ]
    may_change = "update" in form["actions"]
    return render(request, ctx, "part/files.html", title="", files=files, form=form, may_change=may_change)


def size_words(size: int) -> str:
    """How large a file is, for people.

    >>> size_words(512), size_words(48_200), size_words(3_400_000)
    ('512 B', '48 kB', '3.4 MB')
    """
    if size < 1000:
        return f"{size} B"
    return f"{round(size / 1000)} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


def related_part(request: Request, ctx: Context) -> Response:
    """`GET /f/{form}/{key}/related`: records that link to this one, form by form, the newest first."""
    name = request.path_params["form"]
    found = query.related(ctx, name, request.path_params["key"])
    twice = {one["form"] for one in found if sum(other["form"] == one["form"] for other in found) > 1}
    groups = []
    for one in found:
        form = describe.form(ctx, one["form"])
        states = form.get("states") or {}
        for row in one["data"]:
            row["colour"] = (states.get(row["state"] or "") or {}).get("colour") or "grey"
        label = f"{one['form_label']} · {one['field_label']}" if one["form"] in twice else one["form_label"]
        groups.append(one | {"label": label, "all": _all_of(form, one["where"]) if one["where"] else None})
    return render(request, ctx, "part/related.html", title="", groups=groups)


def _all_of(form: Json, where: str) -> str:
    """The address of a form's list with only these records, in a view that leaves none of them out."""
    view = next((key for key, one in (form.get("views") or {}).items() if not one.get("where")), None)
    asked = {"view": view, "where": where} if view else {"where": where}
    return f"/f/{form['form']}?{urlencode(asked)}"


def has_chain(ctx: Context, form: Json) -> bool:
    """Whether the form stands in a chain of documents at all."""
    if form["conversions"]:
        return True
    return any(
        one.to == form["form"]
        for other in ctx.catalogue.forms.values()
        for one in other.definition.conversions.values()
    )


def chain_part(request: Request, ctx: Context) -> Response:
    """`GET /f/{form}/{key}/chain`: the documents before and after this one, what is done and what is open."""
    form = describe.form(ctx, request.path_params["form"])
    own = record.read(ctx, form["form"], request.path_params["key"])
    linked = [one["record"] for one in record.links(ctx, form["form"], own["id"])]
    offered = form["conversions"]
    open_now = any(own.get("state") in one["states"] for one in offered.values())
    makeable = record.makeable(ctx, form["form"], own["id"]) if open_now else frozenset()
    described = {one["form"]: one for one in describe.forms(ctx)}
    edges: dict[str, dict[str, bool]] = {}
    for name in described:
        for conversion in ctx.catalogue.forms[name].definition.conversions.values():
            if conversion.to in described:
                edges.setdefault(name, {})[conversion.to] = conversion.aside
    # What is left of nothing is done, also by documents that the caller may not see.
    complete = {one["to"] for key, one in offered.items() if own.get("state") in one["states"] and key not in makeable}
    opened = {offered[name]["to"]: name for name in makeable if name in offered}
    steps = [
        dict(one)
        | {
            "label": show.label(described[one["form"]]["label"], ctx.language),
            "complete": one["form"] in complete and one["form"] not in opened,
        }
        for one in steps_of(form["form"], edges, linked, opened)
    ]
    for one in steps:
        states = describe.form(ctx, one["form"]).get("states") or {}
        for document in one["documents"]:
            document["colour"] = (states.get(document.get("state") or "") or {}).get("colour") or "grey"
    state = (form.get("states") or {}).get(own.get("state") or "") or {}
    begun = own.get("state") != form["start"]
    return render(
        request, ctx, "part/chain.html", title="", steps=steps, own=own, own_state=state, form=form, begun=begun
    )


def steps_of(
    form: str, edges: Edges, linked: Iterable[Json], opened: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The steps of a chain in their order: `{"form", "documents", "here", "open": conversion or None, "drafts"}`.

    Documents before this one are shown where there are any; those after it always, but exceptions (sending back)
    only where there are any.

    >>> edges = {"a.offer": {"a.order": False}, "a.order": {"a.slip": False}, "a.slip": {"a.back": True}}
    >>> [one["form"] for one in steps_of("a.order", edges, [], {"a.slip": "slip"})]
    ['a.order', 'a.slip']
    """
    documents: dict[str, list[dict[str, Any]]] = {}
    in_chain = edges.keys() | {target for targets in edges.values() for target in targets}
    for one in linked:
        if one["form"] not in in_chain:
            continue  # what was booked, not what comes next: it stands among the links
        documents.setdefault(one["form"], []).append(dict(one))
    shown = {form, *documents} | _following(form, edges)
    return [
        {"form": name, "documents": documents.get(name, []), "here": name == form, "open": opened.get(name)}
        for name in order_of(shown, edges)[:MOST_STEPS]
    ]


def _following(form: str, edges: Edges) -> set[str]:
    """The forms that are ordinarily made of this one, of those, and so on."""
    found: set[str] = set()
    wait = [form]
    while wait:
        for target, aside in edges.get(wait.pop(), {}).items():
            if not aside and target not in found and target != form:
                found.add(target)
                wait.append(target)
    return found


def order_of(forms: set[str], edges: Edges) -> list[str]:
    """Forms in the order of their chain: each after all that it may be made of.

    >>> order_of({"pay", "bill", "slip", "order"}, {"order": {"slip": False, "bill": False}, "slip": {"bill": False}, "bill": {"pay": False}})
    ['order', 'slip', 'bill', 'pay']
    """
    place = dict.fromkeys(sorted(forms), 0)
    for _ in forms:  # the longest way to each; a circle ends with the rounds
        for source in place:
            for target in edges.get(source, {}):
                if target in place and target != source and place[target] <= place[source] < len(forms):
                    place[target] = place[source] + 1
    return sorted(place, key=lambda name: (place[name], name))

"""What there is, for the caller: forms with their fields, registers, reports. What pages and OpenAPI are made of.

Labels are `{"zh", "en"}`; a field that the caller may not see is not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anlan.kernel.catalogue.form import Field, Form
from anlan.kernel.context import Context
from anlan.kernel.definition.fields import OptionDefinition
from anlan.kernel.definition.model import Conversion, Label, View
from anlan.kernel.errors import not_found
from anlan.kernel.formula import DesignError
from anlan.kernel.query.hints import hint_type
from anlan.kernel.query.scope import visible_scope

__all__ = ["form", "forms", "register", "report", "reports"]

Json = dict[str, Any]
BASIC = ("read", "create", "update", "delete", "export", "import", "print", "share")


def _label(label: Label | None, key: str = "") -> Json:
    return {"zh": label.zh, "en": label.en} if label is not None else {"zh": key, "en": key}


def actions(ctx: Context, item: Form) -> list[str]:
    """What the caller may do with a form: the basic actions and the steps of its workflow."""
    return [action for action in (*BASIC, *item.transitions) if ctx.caller.policy.can(item.name, action)]


def forms(ctx: Context) -> list[Json]:
    """The forms that the caller may read, packs in their order, forms in the order of their menu.

    Made once per catalogue and set of roles; not to be changed. A token's scope and a password that must be changed first
    narrow it, and are looked at each time.
    """
    if ctx.caller.token_scope is not None or ctx.caller.must_change:
        return _forms(ctx)
    key = ("describe.forms", ctx.caller.roles)
    found: list[Json] | None = ctx.catalogue.compiled.get(key)
    if found is None:
        found = ctx.catalogue.compiled[key] = _forms(ctx)
    return list(found)


def _forms(ctx: Context) -> list[Json]:
    readable = ctx.caller.policy.forms("read")
    packs = list(ctx.catalogue.packs)
    found = [item for item in ctx.catalogue.forms.values() if item.name in readable]
    found.sort(key=lambda item: (_pack_place(ctx, packs, item.pack), item.definition.menu or 999, item.name))
    return [
        {"form": item.name, "kind": item.kind, "label": _label(item.definition.label), "pack": item.pack,
         "pack_label": _pack_label(ctx, item.pack), "pack_icon": ctx.catalogue.packs[item.pack].icon if item.pack in ctx.catalogue.packs else None,
         "menu": item.definition.menu, "icon": item.definition.icon, "actions": actions(ctx, item)}
        for item in found]


def _pack_place(ctx: Context, packs: list[str], name: str) -> tuple[int, int]:
    pack = ctx.catalogue.packs.get(name)
    return (pack.menu if pack else 90, packs.index(name) if name in packs else 99)


def _pack_label(ctx: Context, name: str) -> Json:
    pack = ctx.catalogue.packs.get(name)
    return _label(pack.label if pack else None, name)


def form(ctx: Context, name: str) -> Json:
    """One form with everything that a page needs. Refused 403, 404. Made once per catalogue and set of roles."""
    item = ctx.form(name)
    ctx.caller.policy.require(name, "read")
    key = ("describe", name, ctx.caller.roles, ctx.caller.token_scope)
    found = ctx.catalogue.compiled.get(key)
    if found is None:
        found = ctx.catalogue.compiled[key] = _form(ctx, item)
    result: Json = found
    return result


def _form(ctx: Context, item: Form) -> Json:
    access = ctx.caller.policy.fields(item.name)
    definition = item.definition
    prints = {key: {"label": _label(one.label), "paper": one.paper} for key, one in ctx.catalogue.prints.items() if one.form == item.name}
    return {
        "form": item.name, "kind": item.kind, "label": _label(definition.label), "help": _label(definition.help) if definition.help else None,
        "pack": item.pack, "icon": definition.icon, "menu": definition.menu,
        "fields": {key: _field(ctx, item, one, access) for key, one in item.fields.items() if _shown(one, access)},
        "order": [key for key in definition.order or definition.fields if key in definition.fields and access.get(key) != "none"],
        "sections": {key: {"label": _label(one.label), "fields": [path for path in one.fields if access.get(path) != "none"], "folded": one.folded}
                     for key, one in definition.sections.items()},
        "states": {key: {"label": _label(one.label), "colour": one.colour, "editable": list(one.editable) if key != item.start else ["*"]}
                   for key, one in item.states.items()},
        "start": item.start,
        "transitions": {key: {"label": _label(one.label), "from": one.source, "to": one.to, "primary": one.primary, "danger": one.danger,
                              "comment": one.comment, "approval": one.approval, "allowed": ctx.caller.policy.can(item.name, key)}
                        for key, one in item.transitions.items()},
        "conversions": {key: {"to": one.to, "label": _label(one.label), "states": one.states, "aside": one.aside,
                              "several": _takes_several(one), "open_heads": _open_heads(item, one)}
                        for key, one in definition.conversions.items() if ctx.caller.policy.can(one.to, "create")},
        "views": {key: {"kind": one.kind, "by": one.by, "label": _label(one.label), "columns": [path for path in one.columns if access.get(path) != "none"],
                        "where": one.where, "sort": one.sort, "totals": one.totals} for key, one in definition.views.items() if _usable(ctx, item, one)},
        "scan": definition.scan.model_dump() if definition.scan else None,
        "prints": prints, "actions": actions(ctx, item), "code": item.code_column, "title": item.label_column,
        "grants": dict.fromkeys(actions(ctx, item), True),
    }


def _takes_several(conversion: Conversion) -> bool:
    """Whether one document can be made from several: not where its head names the one it came from."""
    return conversion.each is not None and not any(
        source == "id" and "." not in target for target, source in conversion.copied.items()
    )


def _open_heads(form: Form, conversion: Conversion) -> list[str]:
    """The fields of the head that one may choose when several documents disagree: what they link to without having to.

    What the source only suggests is open; what it must name is not: the whole document is about it.
    """
    return [
        target
        for target, source in conversion.copied.items()
        if "." not in target and (field := form.fields.get(source)) is not None
        and field.to is not None and not field.definition.required
    ]  # fmt: skip


def _usable(ctx: Context, form: Form, view: View) -> bool:
    """Whether a view's filter and order speak only of what the caller may see; to others it would be an error."""
    scope = visible_scope(ctx, form)
    try:
        for text in (*([view.where] if view.where else []), *([view.by] if view.by else []), *(path.lstrip("-+") for path in view.sort)):
            ctx.catalogue.check(text, scope)
    except DesignError:
        return False
    return True


def _shown(item: Field, access: Mapping[str, str]) -> bool:
    return access.get(item.path) != "none"


def _field(ctx: Context, owner: Form, item: Field, access: Mapping[str, str]) -> Json:
    definition = item.definition
    typed = item.typed and not definition.readonly and not (item.reserved and item.key != "company")
    found: Json = {
        "type": item.type.key, "label": _label(definition.label, item.key), "required": definition.required,
        "readonly": not typed and not item.type.is_lines, "hidden": definition.hidden,
        "access": "read" if access.get(item.path) == "read" or (not typed and not item.type.is_lines) else "write",
    }
    if definition.help is not None:
        found["help"] = _label(definition.help)
    if item.to is not None:
        found["to"] = item.to
        found["only"] = definition.only
    if item.key == "state":
        found["options"] = {key: {"label": _label(one.label), "colour": one.colour} for key, one in owner.states.items()}
    elif definition.options is not None or definition.options_from is not None:
        found["options"] = _options(ctx, definition.options, definition.options_from)
    for key in ("unit", "digits", "max_length", "minimum", "maximum", "accept", "width"):
        value = getattr(definition, key)
        if value is not None:
            found[key] = value
    if definition.currency is not None:
        found["in"] = definition.currency
    if definition.default is not None:
        found["default"] = definition.default
    if definition.formula is not None or definition.lookup is not None:
        found["formula"] = True
        if item.column is None:
            found["stored"] = False  # computed when read
    if definition.balance is not None:
        found["balance"] = True
    if definition.hints:
        found["hints"] = {key: {"label": _label(one.label), "type": hint_type(ctx, one)} for key, one in definition.hints.items()}
    if definition.grid is not None:
        found["grid"] = definition.grid.model_dump(exclude={"retained": True, "scan": {"retained"}}, exclude_none=True)
    if item.type.is_lines:
        table = owner.lines[item.key]
        found["fields"] = {key: _field(ctx, owner, one, access) for key, one in table.fields.items() if _shown(one, access)}
        order = definition.order or list(table.fields)
        found["order"] = [key for key in order if key in found["fields"]]
    return found


def _options(ctx: Context, options: Mapping[str, OptionDefinition] | None, source: str | None) -> Json:
    if source == "roles":
        return {key: {"label": _label(role.label)} for key, role in ctx.catalogue.roles.items()}
    if source == "languages":
        return {"zh-CN": {"label": {"zh": "中文", "en": "Chinese"}}, "en": {"label": {"zh": "英文", "en": "English"}}}
    if source == "zones":
        return {name: {"label": {"zh": name, "en": name}} for name in ("Asia/Shanghai", "Asia/Hong_Kong", "Asia/Tokyo", "UTC", "Europe/Berlin", "America/New_York")}
    return {key: {"label": _label(one.label), "colour": one.colour, "retired": one.retired} for key, one in (options or {}).items()}


def register(ctx: Context, name: str) -> Json:
    """One register: dimensions and resources. Refused 403, 404."""
    item = ctx.catalogue.register(name)
    ctx.caller.policy.require(name, "read", kind="register")
    access = ctx.caller.policy.fields(name, kind="register")
    return {
        "register": name, "kind": item.definition.kind, "label": _label(item.definition.label), "pack": item.pack,
        "dimensions": {key: {"type": one.type, "to": one.to, "label": _label(one.label, key)}
                       for key, one in item.dimensions.items() if access.get(key) != "none"},
        "resources": {key: {"type": one.type, "label": _label(one.label, key)}
                      for key, one in item.resources.items() if access.get(key) != "none"},
        "rollups": list(item.definition.rollups),
        "periods": item.definition.periods,
    }


def reports(ctx: Context) -> list[Json]:
    """The reports that the caller may read."""
    readable = ctx.caller.policy.forms("read", kind="report")
    found = [(key, one) for key, one in ctx.catalogue.reports.items() if key in readable]
    found.sort(key=lambda pair: (pair[1].menu or 999, pair[0]))
    return [{"report": key, "label": _label(one.label), "pack": key.split(".")[0], "menu": one.menu} for key, one in found]


def report(ctx: Context, name: str) -> Json:
    """One report with its parameters. Refused 403, 404."""
    item = ctx.catalogue.reports.get(name)
    if item is None:
        raise not_found(name, "")
    ctx.caller.policy.require(name, "read", kind="report")
    return {
        "report": name, "label": _label(item.label), "pack": name.split(".", maxsplit=1)[0],
        "help": _label(item.help) if item.help else None, "reading": item.reading,
        "exports": ctx.caller.policy.can(name, "export", kind="report"),
        "parameters": {key: {"type": one.type, "label": _label(one.label), "to": one.to, "required": one.required, "default": one.default}
                       for key, one in item.parameters.items()},
    }

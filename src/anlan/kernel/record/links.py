"""Linked records: found by id or code, loaded once per transaction with the columns that formulas need.

Settings come from memory; other forms from one statement per linked form, whatever the number of lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from anlan.kernel.access.predicate import names_for, predicate, visible_ids
from anlan.kernel.catalogue.form import Field, Form, quoted
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault
from anlan.kernel.fieldtype import LinkValue
from anlan.kernel.ids import id_array
from anlan.kernel.record.compile import needs_of

__all__ = ["Want", "Wanted", "fetch_linked", "load_missing", "resolve"]


class Want(NamedTuple):
    """A link that was sent: where its id belongs, and what to call the place when there is no such record."""

    place: dict[str, Any]
    key: str
    field: Field
    path: str
    document: int = 0

    @property
    def value(self) -> LinkValue:
        found: LinkValue = self.place[self.key]
        return found

    @property
    def target(self) -> str:
        """The form that is linked to, or `form.lines`; for a reference the form that was sent, if any."""
        if self.field.type.key == "line":
            return self.field.definition.to or ""
        return self.field.to or self.value.form or ""

    def take(self, found: str | None) -> Iterator[tuple[int, Fault]]:
        """Put the id in its place; the fault when there is none."""
        if found is None:
            yield (
                self.document,
                Fault(
                    "unknown_link",
                    self.path,
                    {"value": self.value.text, "label": self.field.definition.label or self.field.key},
                ),
            )
        self.place[self.key] = found


Wanted = list[Want]


def resolve(ctx: Context, wanted: Wanted) -> list[tuple[int, Fault]]:
    """Replace every `LinkValue` by the id of the record that it names; faults, with their documents, where there is none.

    Reads the database: one statement per linked form that is neither setting nor in memory.
    """
    by_form: dict[str, Wanted] = {}
    for want in wanted:
        by_form.setdefault(want.target, []).append(want)
    forms = ctx.catalogue.forms
    ctx.know_versions()
    asked = {
        name: _ask_rows(ctx, forms[name], wants)
        for name, wants in by_form.items()
        if name in forms and not forms[name].is_setting
    }
    faults: list[tuple[int, Fault]] = []
    for name, wants in by_form.items():
        if wants[0].field.type.key == "line":
            faults += _resolve_lines(ctx, name, wants)
        elif name not in forms or wants[0].field.type.key == "reference":
            faults += _resolve_references(ctx, wants)
        elif forms[name].is_setting:
            faults += _resolve_settings(ctx, forms[name], wants)
        else:
            faults += _resolve_rows(ctx, forms[name], wants, asked[name])
    return faults


def _resolve_settings(ctx: Context, target: Form, wants: Wanted) -> Iterator[tuple[int, Fault]]:
    rows, companies = ctx.memory.rows(target.name), ctx.caller.companies
    for want in wants:
        value = want.value
        found = value.text if value.is_id and value.text in rows else ctx.memory.find(target.name, value.text)
        company = rows[found].get("company") if found is not None and target.has_company else None
        if company is not None and companies is not None and company not in companies:
            found = None  # a setting of a company that the caller does not see is not there for him
        yield from want.take(found)


def _resolve_lines(ctx: Context, owner: str, wants: Wanted) -> Iterator[tuple[int, Fault]]:
    """Lines of records that the caller may read: naming a line would show what it holds (a price, a cost).

    Lines of records that were loaded in this transaction have been asked for already.
    """
    name, _, key = owner.rpartition(".")
    form = ctx.catalogue.forms.get(name)
    ids = {want.value.text for want in wants}
    known = ids & ctx.rows(owner).keys()
    if form is not None and ids - known and ctx.caller.policy.can(name, "read"):
        names = names_for(ctx, form)
        rule = predicate(ctx, form, "read", names) or "true"
        known |= {
            row[0]
            for row in ctx.connection.execute(
                f'SELECT l."id" FROM {form.lines[key].table} l JOIN {form.table} h ON h."id" = l."record" {names.joins} '
                f'WHERE l."id" = ANY($1::uuid[]) AND {rule}',
                [id_array(ids - known)],
            ).fetchall()
        }
    for want in wants:
        yield from want.take(want.value.text if want.value.text in known else None)


def _ask_rows(ctx: Context, target: Form, wants: Wanted) -> Any:
    """Send the question for the rows that are not loaded yet; None when all are."""
    loaded = ctx.rows(target.name)
    values = [want.value for want in wants]
    ids = {value.text for value in values if value.is_id and value.text not in loaded}
    codes = {value.text for value in values if not value.is_id}
    if not target.has_company:  # a company's own masters are looked up each time: not everybody may see them
        ids = _remember(ctx, target, ids)
        codes -= _known_codes(ctx, target, codes)
    return _ask(ctx, target, ids, codes) if ids or codes else None


def _remember(ctx: Context, target: Form, ids: set[str]) -> set[str]:
    """Take rows that are in memory into the transaction; the ids that are not."""
    masters = ctx.tx.masters if ctx.tx is not None else None
    held = masters.rows.get(target.name) if masters is not None else None
    if not held:
        return ids
    loaded, left = ctx.rows(target.name), set()
    for key in ids:
        row = held.get(key)
        if row is None:
            left.add(key)
        else:
            loaded[key] = row
    return left


def _known_codes(ctx: Context, target: Form, codes: set[str]) -> set[str]:
    """The codes whose rows are in memory; they are taken into the transaction."""
    masters = ctx.tx.masters if ctx.tx is not None else None
    known = masters.codes.get(target.name) if masters is not None else None
    if not known or masters is None:
        return set()
    held, loaded, found = masters.rows[target.name], ctx.rows(target.name), set()
    for code in codes:
        key = known.get(code)
        row = held.get(key) if key is not None else None
        if row is not None and key is not None:
            loaded[key] = row
            found.add(code)
    return found


def _resolve_rows(ctx: Context, target: Form, wants: Wanted, asked: Any) -> Iterator[tuple[int, Fault]]:
    loaded = ctx.rows(target.name)
    by_code = _keep(ctx, target, asked.fetchall()) if asked is not None else {}
    masters = ctx.tx.masters if ctx.tx is not None else None
    remembered = masters.codes.get(target.name, {}) if masters is not None and not target.has_company else {}
    for want in wants:
        value = want.value
        if value.is_id:
            yield from want.take(value.text if value.text in loaded else None)
        else:
            yield from want.take(by_code.get(value.text) or remembered.get(value.text))


def _resolve_references(ctx: Context, wants: Wanted) -> Iterator[tuple[int, Fault]]:
    """References to records of any form, by way of the record index; one statement each, they are few."""
    for want in wants:
        value = want.value
        row = None
        if value.is_id:
            row = ctx.connection.execute(
                "SELECT id, form, code, title FROM record_index WHERE id = $1", [value.text], prepare=True
            ).fetchone()
        else:
            rows = ctx.connection.execute(
                "SELECT id, form, code, title FROM record_index WHERE ($1::text IS NULL OR form = $1) AND code = $2 LIMIT 2",
                [value.form, value.text],
            ).fetchall()
            row = rows[0] if len(rows) == 1 else None
        form = ctx.catalogue.forms.get(row[1]) if row is not None else None
        if row is None or form is None or not visible_ids(ctx, form, [row[0]]):
            yield from want.take(None)
            continue
        ctx.rows("")[row[0]] = {"form": row[1], "code": row[2], "label": row[3]}
        yield from want.take(row[0])


def _ask(ctx: Context, target: Form, ids: Iterable[str], codes: Iterable[str]) -> Any:
    """Send the question for linked rows by id and by code, of companies that the caller may see."""
    _, columns = _link_plan(ctx, target)
    company = ""
    params: list[Any] = [id_array(ids), list(codes)]
    if target.has_company and ctx.caller.companies is not None:
        company = ' AND (t."company" IS NULL OR t."company" = ANY($3::uuid[]))'
        params.append(list(ctx.caller.companies))
    by_code = (
        f" OR t.{quoted(target.code_column)} = ANY($2::text[])"
        if params[1]
        else " AND $2::text[] IS NOT NULL"
    )
    text = f'SELECT {columns} FROM {target.table} t WHERE (t."id" = ANY($1::uuid[]){by_code}){company}'
    return ctx.connection.execute(text, params, prepare=True)


def _ask_ids(ctx: Context, target: Form, ids: Iterable[str]) -> Any:
    _, columns = _link_plan(ctx, target)
    text = f'SELECT {columns} FROM {target.table} t WHERE t."id" = ANY($1::uuid[])'
    return ctx.connection.execute(text, [id_array(ids)], prepare=True)


def fetch_linked(ctx: Context, target: Form, ids: Iterable[str]) -> None:
    """Load linked rows by id, whatever company they belong to: for labels of what is linked already. One statement."""
    _keep(ctx, target, _ask_ids(ctx, target, ids).fetchall())


def _link_plan(ctx: Context, target: Form) -> tuple[list[str], str]:
    """(keys, SELECT list) of a linked row, made once per catalogue."""

    def make() -> tuple[list[str], str]:
        columns = link_columns(target, needs_of(ctx.catalogue, target.name))
        return [key for key, _ in columns], ", ".join(sql for _, sql in columns)

    return target.part("link plan", make)


def _keep(ctx: Context, target: Form, rows: list[tuple[Any, ...]]) -> dict[str, str]:
    """Put rows into the transaction; the ids of their codes."""
    keys, _ = _link_plan(ctx, target)
    loaded = ctx.rows(target.name)
    by_code: dict[str, str] = {}
    sub = [key for key in keys if key in target.lines]
    for row in rows:
        record: dict[str, Any] = dict(zip(keys, row, strict=True))
        for key in sub:
            for line in record[key]:
                for name, value in line.items():
                    if isinstance(value, str) and target.lines[key].fields[name].type.numeric:
                        line[name] = Decimal(value)
        loaded[record["id"]] = record
        code = record.get(target.code_column)
        if code is not None:
            by_code[code] = record["id"]
    if target.kind == "master" and ctx.tx is not None and ctx.tx.masters is not None and rows:
        ctx.tx.masters.keep(target, {row[0]: loaded[row[0]] for row in rows})
    return by_code


def link_columns(target: Form, needs: Iterable[str]) -> list[tuple[str, str]]:
    """(key, SQL over alias t) of what a linked row holds: id, code, label, and what formulas need."""
    keys = dict.fromkeys(("id", target.code_column, target.label_column, *sorted(needs)))
    columns = []
    for key in keys:
        if key in target.lines:
            lines = target.lines[key]
            parts = ", ".join(
                f"'{item.key}', c.{quoted(item.column or item.key)}" + ("::text" if item.type.numeric else "")
                for item in lines.stored
            )
            columns.append(
                (
                    key,
                    f"coalesce((SELECT json_agg(json_build_object({parts}) ORDER BY c.position) FROM {lines.table} c "
                    f"WHERE c.record = t.id), '[]'::json)",
                )
            )
        else:
            column = target.fields[key].column if key in target.fields else key
            if column is not None:
                columns.append((key, f"t.{quoted(column)}"))
    return columns


def load_missing(ctx: Context, form: Form, documents: list[dict[str, Any]], *, lines: bool = True) -> bool:
    """Load linked rows that defaults brought in (a partner's place …); True when there were any.

    One statement per linked form that misses rows; none in the usual case.
    """
    missing: dict[str, set[str]] = {}
    for item, key, table, of_line in _link_places(ctx, form):
        if of_line and not lines:
            continue
        loaded = ctx.rows(item)
        for document in documents:
            for row in (document.get(table) or ()) if table else (document,):
                value = row.get(key)
                if value is not None and value not in loaded:
                    missing.setdefault(item, set()).add(value)
    forms = ctx.catalogue.forms
    asked = []
    for name, ids in missing.items():
        left = _remember(ctx, forms[name], ids) if name in forms else ids
        if left:
            asked.append(
                (name, _ask_ids(ctx, forms[name], left) if name in forms else _ask_lines(ctx, name, left))
            )
    for name, answer in asked:
        if name in forms:
            _keep(ctx, forms[name], answer.fetchall())
        else:
            _keep_lines(ctx, name, answer.fetchall())
    return bool(missing)


def _link_places(ctx: Context, form: Form) -> list[tuple[str, str, str | None, bool]]:
    """(form or form.lines, key, lines, whether it names a line) of the links whose rows must be loaded; compiled once."""
    return form.part("link places", lambda: _find_link_places(ctx, form))


def _find_link_places(ctx: Context, form: Form) -> list[tuple[str, str, str | None, bool]]:
    found: list[tuple[str, str, str | None, bool]] = []
    for lines, fields in ((None, form.fields), *((key, table.fields) for key, table in form.lines.items())):
        for item in fields.values():
            if item.column is None or item.reserved:
                continue
            if item.type.key == "line":
                if item.definition.to and item.definition.to.rpartition(".")[0] in ctx.catalogue.forms:
                    found.append((item.definition.to, item.key, lines, True))
            elif (
                item.to is not None
                and item.to in ctx.catalogue.forms
                and not ctx.catalogue.forms[item.to].is_setting
            ):
                found.append((item.to, item.key, lines, False))
    return found


def _line_plan(ctx: Context, owner: str) -> tuple[list[str], str]:
    """(keys, statement) of lines that others name by id, made once per catalogue."""
    name, _, key = owner.rpartition(".")
    form = ctx.catalogue.forms[name]

    def make() -> tuple[list[str], str]:
        lines, needs = form.lines[key], needs_of(ctx.catalogue, owner)
        columns = [
            ("id", "id"),
            ("record", "record"),
            *((item.key, item.column or "") for item in lines.stored if item.key in needs),
        ]
        text = f"SELECT {', '.join(quoted(column) for _, column in columns)} FROM {lines.table} WHERE id = ANY($1::uuid[])"
        return [known for known, _ in columns], text

    return form.part(f"line plan {key}", make)


def _ask_lines(ctx: Context, owner: str, ids: set[str]) -> Any:
    return ctx.connection.execute(_line_plan(ctx, owner)[1], [id_array(ids)], prepare=True)


def _keep_lines(ctx: Context, owner: str, rows: list[tuple[Any, ...]]) -> None:
    keys, loaded = _line_plan(ctx, owner)[0], ctx.rows(owner)
    for row in rows:
        loaded[row[0]] = dict(zip(keys, row, strict=True))

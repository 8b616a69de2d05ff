"""Postings compiled to statements.

A statement works out in the database which movements the documents should have and differ from those they have, inserts
the difference, brings balances up to date in key order and refuses what a limit forbids. Three spellings of
"the difference", by what the step does to the states of the posting's `while`:

    enter   had none, has them now:     want
    leave   had them, has none now:     − had
    stay    has them before and after:  want − had

Invariant: outside `while`, a document's movements add up to zero; so `enter` need not look.
Postings of a form to different registers are joined into one statement (two to the same register are not: PostgreSQL
lets one statement touch a balance row once). Parameters: $1 ids of documents, $2 now. Statements that write computed
rows: $1 the rows as JSON, $2 now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from anlan.kernel.catalogue.catalogue import Catalogue
from anlan.kernel.catalogue.form import Form, quoted
from anlan.kernel.catalogue.names import FormNames
from anlan.kernel.catalogue.register import DIMENSION_SQL, RESOURCE_SQL, ZEROS, Register
from anlan.kernel.catalogue.scope import row_scope
from anlan.kernel.definition.model import Posting
from anlan.kernel.formula import BOOLEAN, DesignError, Formula, sql
from anlan.kernel.posting.limit import limit_select, limits_refuse

__all__ = ["Change", "CompiledPosting", "compiled_postings", "computed_write", "statements_for"]

Change = Literal["enter", "leave", "stay"]


@dataclass(frozen=True, slots=True)
class CompiledPosting:
    """One posting of a form. `diffs` are the CTEs up to `diff{0}` by change, `{0}` being what tells joined postings apart;
    `rows` select what a computed posting wants to move."""

    key: str
    posting: Posting
    register: Register
    diffs: dict[Change, str]
    rows: dict[Change, str]
    computed: str | None

    def change(self, before: str | None, after: str | None) -> Change | None:
        """What a step from one state to another does to this posting; None: nothing."""
        had, has = before in self.posting.states, after in self.posting.states
        return "stay" if had and has else "enter" if has else "leave" if had else None


def compiled_postings(catalogue: Catalogue, form: Form) -> list[CompiledPosting]:
    """The postings of a form, registers in order of their names: the lock order of balances."""
    return form.part(
        "postings",
        lambda: sorted(
            (_compile(catalogue, form, key, posting) for key, posting in form.definition.postings.items()),
            key=lambda item: (
                item.computed is None,
                item.register.name,
                list(form.definition.postings).index(item.key),
            ),
        ),
    )


def statements_for(catalogue: Catalogue, form: Form, changes: tuple[tuple[str, Change], ...]) -> list[str]:
    """The fewest statements for some postings (key, change), made once per catalogue."""

    def make() -> list[str]:
        by_key = {item.key: item for item in compiled_postings(catalogue, form)}
        waves: list[list[tuple[CompiledPosting, Change]]] = []
        for key, change in changes:
            item = by_key[key]
            wave = next(
                (wave for wave in waves if all(one.register is not item.register for one, _ in wave)), None
            )
            if wave is None:
                waves.append(wave := [])
            wave.append((item, change))
        return [_joined(catalogue, form, wave) for wave in waves]

    return form.part(f"posting statements {changes}", make)


def computed_rows(catalogue: Catalogue, form: Form, changes: tuple[tuple[str, Change], ...]) -> str:
    """What some computed postings to one register want, with the balances of their keys, locked in key order.

    Rows: place in `changes`, ord, document, document_line, date, dimensions, resources; then of the balance
    resources, memory, last_date (all null when there is none). $1 ids of all documents, $2 now.
    """

    def make() -> str:
        by_key = {item.key: item for item in compiled_postings(catalogue, form)}
        register = by_key[changes[0][0]].register
        dims = [quoted(name) for name in register.dimensions]
        held = [*(quoted(name) for name in (*register.resources, *register.definition.memory)), "last_date"]
        columns = ", ".join(f"w.{quoted(name)}" for name in (*register.dimensions, *register.resources))
        parts, keys, selects = [], [], []
        for place, (key, change) in enumerate(changes):
            parts.append(
                f"w{place} AS MATERIALIZED (SELECT row_number() OVER () AS ord, r.* FROM ({by_key[key].rows[change]}) r)"
            )
            keys.append(f"SELECT DISTINCT {', '.join(dims)} FROM w{place}")
            same = " AND ".join(f"b.{name} = w.{name}" for name in dims)
            selects.append(
                f"SELECT {place} AS place, w.ord, w.document, w.document_line, w.date, {columns}, "
                f"{', '.join(f'b.{name}' for name in held)} FROM w{place} w LEFT JOIN b ON {same}"
            )
        same = " AND ".join(f"b.{name} = k.{name}" for name in dims)
        order = ", ".join(f"b.{name}" for name in dims)
        parts.append(
            f"b AS MATERIALIZED (SELECT {order}, {', '.join(f'b.{name}' for name in held)} FROM ({' UNION '.join(keys)}) k "
            f"JOIN {register.balance_table} b ON {same} ORDER BY {order} FOR UPDATE OF b)"
        )
        return f"WITH {', '.join(parts)} {' UNION ALL '.join(selects)} ORDER BY 1, 2"

    return form.part(f"computed rows {changes}", make)


def _joined(catalogue: Catalogue, form: Form, wave: list[tuple[CompiledPosting, Change]]) -> str:
    parts, selects = [], []
    for place, (item, change) in enumerate(wave):
        ctes, select = write_tail(
            catalogue, item.register, form=f"'{form.name}'", posting=f"'{item.key}'", mark=str(place)
        )
        parts += [item.diffs[change].replace("{0}", str(place)), ctes]
        selects.append(select)
    return f"WITH {', '.join(parts)} {limits_refuse(selects)}"


def _compile(catalogue: Catalogue, form: Form, key: str, posting: Posting) -> CompiledPosting:
    register = catalogue.registers[posting.register_name]
    want = want_sql(catalogue, form, key, posting, register)
    had = _had(register, key)
    dims = ", ".join(quoted(name) for name in register.dimensions)
    sums = ", ".join(f"sum(u.{quoted(name)}) AS {quoted(name)}" for name in register.resources)
    nothing = " OR ".join(f"sum(u.{quoted(name)}) <> 0" for name in register.resources)
    columns = ", ".join(quoted(name) for name in (*register.dimensions, *register.resources))
    negative = ", ".join(f"- {quoted(name)}" for name in register.resources)
    open_day = (
        'GREATEST({0}, (SELECT c."closed_through" + 1 FROM system_company c WHERE c."id" = h."company"))'
        if form.has_company
        else "{0}"
    )
    diffs: dict[Change, str] = {
        "enter": f"want{{0}} AS MATERIALIZED ({want}), diff{{0}} AS MATERIALIZED (SELECT * FROM want{{0}} WHERE "
        f"{' OR '.join(f'{quoted(name)} <> 0' for name in register.resources)})",
        "leave": f"had{{0}} AS MATERIALIZED ({had}), diff{{0}} AS MATERIALIZED (SELECT x.document, x.document_line, "
        f"{open_day.format('x.date')} AS date, {', '.join('x.' + quoted(n) for n in register.dimensions)}, "
        f"{', '.join(f'- x.{quoted(n)} AS {quoted(n)}' for n in register.resources)} "
        f'FROM had{{0}} x JOIN {form.table} h ON h."id" = x.document)',
        "stay": f"want{{0}} AS MATERIALIZED ({want}), had{{0}} AS MATERIALIZED ({had}), diff{{0}} AS MATERIALIZED ("
        f"SELECT u.document, u.document_line, {open_day.format('coalesce(max(u.wanted), max(u.had))')} AS date, "
        f"{', '.join('u.' + quoted(n) for n in register.dimensions)}, {sums} FROM ("
        f"SELECT document, document_line, date AS wanted, NULL::date AS had, {columns} FROM want{{0}} UNION ALL "
        f"SELECT document, document_line, NULL, date, {dims}, {negative} FROM had{{0}}) u "
        f'JOIN {form.table} h ON h."id" = u.document '
        f'GROUP BY u.document, u.document_line, h."id", {", ".join("u." + quoted(n) for n in register.dimensions)} HAVING {nothing})',
    }
    computed = posting.compute
    if computed is not None and "." not in computed:
        computed = f"{register.pack}.{computed}"
    rows: dict[Change, str] = (
        {}
        if computed is None
        else {
            "enter": want,
            "leave": f"WITH {diffs['leave'].replace('{0}', '')} SELECT * FROM diff",
            "stay": f"WITH {diffs['stay'].replace('{0}', '')} SELECT * FROM diff",
        }
    )
    return CompiledPosting(key, posting, register, diffs, rows, computed)


def _formula(catalogue: Catalogue, form: Form, text: str, *, each: str | None, place: str) -> Formula:
    try:
        return catalogue.check(text, row_scope(catalogue.forms, form, each))
    except DesignError as error:
        error.place = place  # type: ignore[attr-defined]  # read by inspect
        raise


def want_sql(catalogue: Catalogue, form: Form, key: str, posting: Posting, register: Register) -> str:
    """The rows that documents $1 should have: SELECT document, document_line, date, dimensions, resources."""
    names = FormNames(
        catalogue.forms,
        catalogue.registers,
        form,
        lines=posting.each,
        functions=catalogue.functions,
        context={("today",): "$2::date", ("now",): "$2::timestamptz"},
    )

    def value(text: str, part: str) -> str:
        try:
            return sql(
                _formula(
                    catalogue, form, text, each=posting.each, place=f"{form.name}.postings.{key}.{part}"
                ),
                names,
            )
        except DesignError as error:
            error.place = f"{form.name}.postings.{key}.{part}"  # type: ignore[attr-defined]  # read by inspect
            raise

    parts = ['h."id" AS document', ('l."id"' if posting.each else "NULL::uuid") + " AS document_line"]
    day = (
        value(posting.date, "date")
        if posting.date
        else (
            f"h.{quoted('date')}"
            if "date" in form.fields
            else "($2::timestamptz AT TIME ZONE 'Asia/Shanghai')::date"
        )
    )
    parts.append(f"{day} AS date")
    for name, dimension in register.dimensions.items():
        text = posting.dimensions.get(name)
        kind = DIMENSION_SQL[dimension.type]
        got = f"({value(text, f'dimensions.{name}')})::{kind}" if text else f"NULL::{kind}"
        parts.append(f"coalesce({got}, {ZEROS[dimension.type]}) AS {quoted(name)}")
    for name, resource in register.resources.items():
        text = posting.resources.get(name)
        kind = RESOURCE_SQL[resource.type]
        parts.append(
            (f"coalesce(({value(text, f'resources.{name}')})::{kind}, 0)" if text else f"0::{kind}")
            + f" AS {quoted(name)}"
        )
    conditions = [
        'h."id" = ANY($1::uuid[])',
        "$2::timestamptz IS NOT NULL",
        f'h."state" IN ({", ".join(repr(state) for state in posting.states)})',
    ]
    if posting.when:
        formula = _formula(
            catalogue, form, posting.when, each=posting.each, place=f"{form.name}.postings.{key}.when"
        )
        if formula.type != BOOLEAN:
            raise DesignError("type_mismatch", 0, wanted="boolean")
        conditions.append(f"coalesce({value(posting.when, 'when')}, false)")
    lines = f' JOIN {form.lines[posting.each].table} l ON l."record" = h."id"' if posting.each else ""
    order = ' ORDER BY h."id", l."position"' if posting.each else ""
    return f"SELECT {', '.join(parts)} FROM {form.table} h{lines} {names.joins} WHERE {' AND '.join(conditions)}{order}"


def _had(register: Register, key: str) -> str:
    dims = ", ".join(f"m.{quoted(name)}" for name in register.dimensions)
    sums = ", ".join(f"sum(m.{quoted(name)}) AS {quoted(name)}" for name in register.resources)
    something = " OR ".join(f"sum(m.{quoted(name)}) <> 0" for name in register.resources)
    return (
        f"SELECT m.document, m.document_line, max(m.date) AS date, {dims}, {sums} FROM {register.movement_table} m "
        f"WHERE m.document = ANY($1::uuid[]) AND m.posting = '{key}' AND $2::timestamptz IS NOT NULL "
        f"GROUP BY m.document, m.document_line, {dims} HAVING {something}"
    )


def write_tail(
    catalogue: Catalogue, register: Register, *, form: str, posting: str, mark: str = "", memory: bool = False
) -> tuple[str, str]:
    """From a CTE `diff` (document, document_line, date, dimensions, resources) to movements, balances, periods: more CTEs;
    and the SELECT of broken limits, "" when the register has none.

    `form` and `posting` are SQL of what goes into these columns; `mark` tells joined postings apart.
    """
    dims = [quoted(name) for name in register.dimensions]
    res = [quoted(name) for name in register.resources]
    memories = [quoted(name) for name in register.definition.memory] if memory else []
    key = ", ".join(dims)
    parts = [
        f"mv{mark} AS (INSERT INTO {register.movement_table} (date, recorded_at, document, document_form, posting, document_line, {key}, {', '.join(res)}) "
        f"SELECT date, $2, document, {form}, {posting}, document_line, {key}, {', '.join(res)} FROM diff{mark})",
        f"g{mark} AS MATERIALIZED (SELECT {key}, {', '.join(f'sum({name}) AS {name}' for name in res)}, max(date) AS latest, min(date) AS earliest"
        f"{''.join(f', (array_agg({name} ORDER BY ord DESC))[1] AS {name}' for name in memories)} "
        f"FROM diff{mark} GROUP BY {key} ORDER BY {key})",
        f"bal{mark} AS (INSERT INTO {register.balance_table} AS b ({key}, {', '.join(res)}, last_date{''.join(', ' + n for n in memories)}) "
        f"SELECT {key}, {', '.join(res)}, latest{''.join(', ' + n for n in memories)} FROM g{mark} ORDER BY {key} "
        f"ON CONFLICT ({key}) DO UPDATE SET {', '.join(f'{name} = b.{name} + EXCLUDED.{name}' for name in res)}, "
        f"last_date = GREATEST(b.last_date, EXCLUDED.last_date){''.join(f', {n} = coalesce(EXCLUDED.{n}, b.{n})' for n in memories)} "
        f"RETURNING {', '.join(f'new.{name}' for name in (*dims, *res))}, "
        f"{', '.join(f'coalesce(old.{name}, 0) AS old_{name[1:-1]}' for name in res)}, old.last_date AS old_date)",
    ]
    if register.definition.periods is not None:
        ins = ", ".join(f"coalesce(sum({name}) FILTER (WHERE {name} > 0), 0)" for name in res)
        outs = ", ".join(f"coalesce(- sum({name}) FILTER (WHERE {name} < 0), 0)" for name in res)
        in_names = [f'"{name[1:-1]}_in"' for name in res]
        out_names = [f'"{name[1:-1]}_out"' for name in res]
        parts.append(
            f"per{mark} AS (INSERT INTO {register.period_table} AS p ({key}, period, {', '.join((*in_names, *out_names))}) "
            f"SELECT {key}, date_trunc('month', date)::date, {ins}, {outs} FROM diff{mark} GROUP BY {key}, 6666 ORDER BY {key}, 6666 ".replace(
                "6666", "date_trunc('month', date)::date"
            )
            + f"ON CONFLICT ({key}, period) DO UPDATE SET "
            f"{', '.join(f'{name} = p.{name} + EXCLUDED.{name}' for name in (*in_names, *out_names))})"
        )
    return ", ".join(parts), limit_select(catalogue, register, mark)


def computed_write(catalogue: Catalogue, register: Register) -> str:
    """Writes rows that a pack's function completed: $1 JSON of {document, document_line, date, document_form, posting, dimensions,
    resources, memory, ord}, $2 now."""
    typed = ", ".join(
        [
            "document uuid",
            "document_line uuid",
            "date date",
            "document_form text",
            "posting text",
            "ord integer",
            *(f"{quoted(name)} {DIMENSION_SQL[item.type]}" for name, item in register.dimensions.items()),
            *(f"{quoted(name)} {RESOURCE_SQL[item.type]}" for name, item in register.resources.items()),
            *(
                f"{quoted(name)} {RESOURCE_SQL[item.type]}"
                for name, item in register.definition.memory.items()
            ),
        ]
    )
    diff = f"diff AS MATERIALIZED (SELECT * FROM json_to_recordset($1::json) AS r({typed}))"
    ctes, select = write_tail(
        catalogue, register, form="document_form", posting="posting", memory=bool(register.definition.memory)
    )
    return f"WITH {diff}, {ctes} {limits_refuse([select])}"

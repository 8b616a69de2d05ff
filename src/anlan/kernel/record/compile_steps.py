"""What steps and conversions are compiled to: conditions over a record, and how a row of one document makes a row of
the next. The functions are made once per catalogue, with the writer of `compile`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from anlan.kernel.catalogue.catalogue import Catalogue
from anlan.kernel.catalogue.form import Form
from anlan.kernel.catalogue.scope import ROW, form_scope, row_scope
from anlan.kernel.definition.model import Conversion
from anlan.kernel.formula import NUMBER, DesignError, Ref, Symbol, python_source
from anlan.kernel.record.compile import FormCompiler

__all__ = ["CompiledConversion", "Guard", "compile_conversion", "guard"]

Guard = Callable[[dict[str, Any], Any], Any]


def guard(catalogue: Catalogue, form: Form, place: str, text: str) -> Guard:
    """A formula over the record as a function (record, ctx) → value, made once. Raises DesignError; calls raise FAILURES."""

    def make() -> Guard:
        compiler = FormCompiler(catalogue, form)
        try:
            formula = catalogue.check(text, form_scope(catalogue.forms, form))
        except DesignError as error:
            error.place = f"{form.name}.{place}"  # type: ignore[attr-defined]  # read by inspect
            raise
        source = compiler._function(
            "guarded(H, ctx)", [f"    return {python_source(formula, compiler._names(None))}"]
        )
        return compiler._make("guarded", source)

    return form.part(f"guard {place} {text}", make)


@dataclass(frozen=True, slots=True)
class CompiledConversion:
    """The functions of one conversion: head(H, ctx) and lines(H, L, open, ctx) give target values by key,
    open(H, L, ctx) what is left of a row, open_head(H, ctx) what is left of a document without rows."""

    head: Callable[[dict[str, Any], Any], dict[str, Any]]
    lines: Callable[[dict[str, Any], dict[str, Any], Decimal, Any], dict[str, Any]] | None
    open: Callable[[dict[str, Any], dict[str, Any], Any], Decimal | None]
    open_head: Callable[[dict[str, Any], Any], Decimal | None] | None
    when: Callable[[dict[str, Any], Any], Any]


def compile_conversion(
    catalogue: Catalogue, form: Form, name: str, conversion: Conversion
) -> CompiledConversion:
    """Compile a conversion. Raises DesignError with `place`."""
    compiler = FormCompiler(catalogue, form)
    each = conversion.each

    def source(text: str, part: str, *, opening: bool = False) -> str:
        extra = {"open": Symbol("open", NUMBER, "open")} if opening else None
        try:
            formula = catalogue.check(text, row_scope(catalogue.forms, form, each, extra))
        except DesignError as error:
            error.place = f"{form.name}.conversions.{name}.{part}"  # type: ignore[attr-defined]  # read by inspect
            raise

        def names(ref: Ref) -> str:
            if ref.owner == "open":
                return "open"
            if ref.owner == ROW and each is not None:
                return compiler._path("L", form, form.lines[each].fields, ref.path[1:] or ("id",))
            return compiler._names(None)(ref)

        return python_source(formula, names)

    prefix = f"{conversion.target or each}." if each else "."
    head = {key: text for key, text in conversion.copied.items() if "." not in key}
    lines = {
        key.removeprefix(prefix): text for key, text in conversion.copied.items() if key.startswith(prefix)
    }

    def assignments(values: dict[str, str], *, opening: bool) -> list[str]:
        body = ["    V = {}"]
        for key, text in values.items():
            body += [
                f"    try: V['{key}'] = {source(text, f'copy.{key}', opening=opening)}",
                f"    except FAILURES: V['{key}'] = None",
            ]
        return [*body, "    return V"]

    def function(signature: str, body: list[str]) -> Callable[..., Any]:
        return compiler._make(signature.partition("(")[0], compiler._function(signature, body))

    open_text = source(conversion.open, "open") if conversion.open else "None"
    made = CompiledConversion(
        head=function("head(H, ctx)", assignments(head, opening=False)),
        lines=function("lines(H, L, open, ctx)", assignments(lines, opening=True)) if each else None,
        open=function("open_row(H, L, ctx)", [f"    return {open_text}"]),
        open_head=function("open_head(H, ctx)", [f"    return {open_text}"])
        if conversion.open and not each
        else None,
        when=function(
            "when(H, ctx)", [f"    return {source(conversion.when, 'when') if conversion.when else 'True'}"]
        ),
    )
    return made

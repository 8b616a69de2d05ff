"""A form's defaults, formulas and checks, compiled to one Python function each.

From the definitions

    price: {type: price, in: currency}
    net:   {type: money, in: currency, formula: "ROUND(quantity * price, currency.digits)"}

comes code like

    for i, L in enumerate(H['lines']):
        if 'price' not in L: L['price'] = None
        try: L['net'] = fit5(f_round((L['quantity'] or ZERO) * (L['price'] or ZERO), …), M0.get(H['currency'], E).get('digits'))
        except FAILURES as error: …

where `H` is the record, `L` a line, `M0` the rows of a linked form by id. Fields come in the order in which they
need each other. Nothing of it is interpreted per request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from anlan.kernel.catalogue.catalogue import Catalogue
from anlan.kernel.catalogue.form import Field, Form
from anlan.kernel.catalogue.scope import HEAD, LINE, FieldsScope, form_scope, line_scope
from anlan.kernel.definition.model import FieldDefinition
from anlan.kernel.errors import Fault
from anlan.kernel.fieldtype import Unreadable
from anlan.kernel.fieldtype.base import FieldType
from anlan.kernel.formula import (
    FAILURES,
    DesignError,
    Formula,
    Ref,
    namespace,
    python_source,
    use_exact_decimals,
)
from anlan.kernel.formula.errors import error_code
from anlan.kernel.formula.types import CONTEXT

__all__ = ["CompiledForm", "FormCompiler", "Needs", "compiled", "literal", "needs_of"]

Needs = dict[str, set[str]]
CONTEXT_PYTHON = {
    ("today",): "ctx.today",
    ("now",): "ctx.now",
    ("zone",): "ctx.site.zone_name",
    ("user",): "ctx.person",
    ("user", "code"): "ctx.caller.login",
    ("dept",): "ctx.caller.department",
}


@dataclass(slots=True)
class CompiledForm:
    """What the write path needs of a form.

    compute(H, ctx, faults): fills defaults and formulas; validate(H, ctx, faults): what must hold outside draft;
    view(H, ctx): values computed when read.
    """

    compute: Callable[[dict[str, Any], Any, list[Fault]], None]
    validate: Callable[[dict[str, Any], Any, list[Fault]], None]
    view: Callable[[dict[str, Any], Any], None]
    title: Callable[[dict[str, Any], Any], Any]
    sources: dict[str, str] = field(default_factory=dict)


def needs_of(catalogue: Catalogue, target: str) -> set[str]:
    """What any form's formulas read of a linked form: rows loaded for one form serve every other.

    Complete once every form is compiled, which `inspect` does before a catalogue is published.
    """
    needs: Needs = catalogue.compiled.setdefault("needs", {})
    return needs.setdefault(target, set())


def compiled(catalogue: Catalogue, form: Form) -> CompiledForm:
    """The compiled functions of a form, made once per catalogue. Raises DesignError."""
    return form.part("record", lambda: FormCompiler(catalogue, form).compile())


@dataclass(slots=True)
class _Step:
    """One assignment: of a default, a formula, or None for what was not sent."""

    item: Field
    lines: str | None
    kind: str  # "empty", "default", "formula"
    formula: Formula | None = None
    constant: Any = None
    digits: Formula | None = None
    after: frozenset[str] = frozenset()


class FormCompiler:
    def __init__(self, catalogue: Catalogue, form: Form) -> None:
        self.catalogue, self.form = catalogue, form
        self.links: dict[str, str] = {}
        self.space: dict[str, Any] = namespace(catalogue.functions) | {
            "FAILURES": FAILURES,
            "Fault": Fault,
            "Unreadable": Unreadable,
            "E": {},
            "error_code": error_code,
            "use_exact_decimals": use_exact_decimals,
            "Decimal": Decimal,
            "fit_digits": _fit_digits,
            "too_fine": _too_fine,
            "ZERO": Decimal(0),
        }
        self.counter = 0

    def compile(self) -> CompiledForm:
        self._need_links()
        steps = _in_order(
            self.form, [*self._steps(None), *(step for key in self.form.lines for step in self._steps(key))]
        )
        sources = {
            "compute": self._compute(steps),
            "validate": self._validate(),
            "view": self._view(),
            "title": self._title(),
        }
        functions = {name: self._make(name, source) for name, source in sources.items()}
        return CompiledForm(sources=sources, **functions)

    # -- what is assigned ------------------------------------------------------------------------------------

    def _scope(self, lines: str | None) -> FieldsScope:
        forms = self.catalogue.forms
        return line_scope(forms, self.form, lines) if lines else form_scope(forms, self.form)

    def _steps(self, lines: str | None) -> Iterable[_Step]:
        fields = self.form.lines[lines].fields if lines else self.form.fields
        for item in fields.values():
            if item.type.is_lines or item.reserved:
                continue
            if item.column is None:
                if item.definition.balance is not None:
                    yield _Step(item, lines, "default", constant=Decimal(0))
                continue
            definition = item.definition
            digits = self._digits(item, lines)
            if definition.formula is not None:
                formula = self._check(definition.formula, lines, item, "formula")
                yield self._step(item, lines, "formula", formula, digits)
            elif isinstance(definition.default, str):
                formula = self._check(definition.default, lines, item, "default")
                yield self._step(item, lines, "default", formula, None)
            elif definition.default is not None:
                yield _Step(item, lines, "default", constant=literal(item))
            elif item.key == "company":
                yield _Step(item, lines, "default", constant=None)
            else:
                yield _Step(item, lines, "empty")

    def _step(
        self, item: Field, lines: str | None, kind: str, formula: Formula, digits: Formula | None
    ) -> _Step:
        refs = formula.refs | (digits.refs if digits else frozenset())
        return _Step(
            item,
            lines,
            kind,
            formula,
            None,
            digits,
            frozenset(name for ref in refs for name in _nodes(self.form, ref, lines)),
        )

    def _check(self, text: str, lines: str | None, item: Field, part: str) -> Formula:
        try:
            return self.catalogue.check(text, self._scope(lines))
        except DesignError as error:
            error.place = f"{self.form.name}.{item.path}.{part}"  # type: ignore[attr-defined]  # read by inspect
            raise

    def _digits(self, item: Field, lines: str | None) -> Formula | None:
        """Where the number of decimal places is: the currency's of money, the unit's of a quantity."""
        definition = item.definition
        path = (
            definition.currency
            if item.type.key == "money"
            else definition.unit
            if item.type.key == "quantity"
            else None
        )
        if path is None:
            return None
        return self._check(f"{path}.digits", lines, item, "in" if item.type.key == "money" else "unit")

    # -- code ------------------------------------------------------------------------------------------------

    def _compute(self, steps: list[_Step]) -> str:
        body: list[str] = []
        inside: str | None = None
        for step in steps:
            if step.lines is None:
                inside = None
                body += self._assign(step, "H", "    ", f"'{step.item.path}'")
                continue
            if inside != step.lines:
                body.append(f"    for i, L in enumerate(H['{step.lines}']):")
                inside = step.lines
            body += self._assign(step, "L", "        ", f"f'{step.lines}[{{i}}].{step.item.key}'")
        for key in self.form.lines:
            body.insert(0, f"    H.setdefault('{key}', [])")
        return self._function("compute(H, ctx, faults)", body)

    def _assign(self, step: _Step, target: str, indent: str, path: str) -> list[str]:
        key = step.item.key
        place = f"{target}['{key}']"
        if step.kind == "empty":
            lines = [f"{indent}if '{key}' not in {target}: {place} = None"]
            return lines
        if step.kind == "default":
            if step.formula is None:
                value = (
                    self._constant(step.constant)
                    if key != "company" or step.item.definition.default is not None
                    else "ctx.caller.company or ctx.site.main_company(ctx)"
                )
                return [f"{indent}if '{key}' not in {target}: {place} = {value}"]
            return [
                f"{indent}if '{key}' not in {target}:",
                f"{indent}    try: {place} = {self._fitted(step)}",
                f"{indent}    except FAILURES: {place} = None",
                f"{indent}    except Unreadable as error:",
                f"{indent}        {place} = None; faults.append(Fault(error.code, {path}, error.params))",
            ]
        return [
            f"{indent}try: {place} = {self._fitted(step)}",
            f"{indent}except FAILURES as error:",
            f"{indent}    {place} = None; faults.append(Fault('formula_error', {path}, {{'error': error_code(error)}}))",
            f"{indent}except Unreadable as error:",
            f"{indent}    {place} = None; faults.append(Fault(error.code, {path}, error.params))",
        ]

    def _fitted(self, step: _Step) -> str:
        """The value of a step's formula, made to fit its column."""
        assert step.formula is not None
        value = python_source(step.formula, self._names(step.lines))
        kind = step.item.type
        if not kind.numeric and not kind.empty_text:
            return value
        fit = self._fit(kind, step.item.definition)
        if step.digits is None:
            return f"{fit}({value})"
        return f"fit_digits({fit}, {value}, {python_source(step.digits, self._names(step.lines))})"

    def _fit(self, kind: FieldType, definition: FieldDefinition) -> str:
        def fit(value: Any) -> Any:
            return None if value is None or value == "" else kind.fits(value, definition)

        return self._constant(fit)

    def _constant(self, value: Any) -> str:
        if value is None or isinstance(value, (bool, str)):
            return repr(value)
        self.counter += 1
        name = f"K{self.counter}"
        self.space[name] = value
        return name

    def _names(self, lines: str | None, *, head: str = "H", line: str = "L") -> Callable[[Ref], str]:
        def names(ref: Ref) -> str:
            if ref.owner == CONTEXT:
                return CONTEXT_PYTHON[ref.path]
            if ref.owner == LINE and lines is not None:
                return self._path(line, self.form, self.form.lines[lines].fields, ref.path)
            return self._path(head, self.form, self.form.fields, ref.path)

        return names

    def _path(
        self, base: str, form: Form, fields: Mapping[str, Field], path: tuple[str, ...], *, get: bool = False
    ) -> str:
        key = path[0]
        value = f"{base}.get('{key}')" if get else f"{base}['{key}']"
        if key == "id" or len(path) == 1:
            return value
        item = fields[key]
        if item.type.is_lines:
            rows = f"{base}.get('{key}', ())" if get else f"{base}['{key}']"
            inner = self._path("R", form, form.lines[key].fields, path[1:])
            return f"[{inner} for R in {rows}]"
        if item.type.key == "line":
            name, _, lines = (item.definition.to or "").rpartition(".")
            target, below = self.catalogue.forms[name], self.catalogue.forms[name].lines[lines].fields
            owner = item.definition.to or ""
        else:
            target = self.catalogue.forms[item.to or ""]
            below, owner = target.fields, target.name
        rows = self._rows(owner, setting=target.is_setting and item.type.key != "line")
        if path[1] == "*":
            return f"{rows}.get({value})"
        self._need(owner, target, path[1])
        return self._path(f"{rows}.get({value}, E)", target, below, path[1:], get=True)

    def _rows(self, owner: str, *, setting: bool) -> str:
        if owner not in self.links:
            name = f"M{len(self.links)}"
            self.links[owner] = name
            self.space[f"{name}_setting"] = setting
        return self.links[owner]

    def _need(self, owner: str, target: Form, key: str) -> None:
        if not target.is_setting and key != "id":
            needs_of(self.catalogue, owner).add(key)

    def _need_links(self) -> None:
        """Every linked form at least gives id, code and label; record functions say what else they read."""
        for item in self.form.all_fields():
            target = self.catalogue.forms.get(item.to or "")
            if target is not None and item.column is not None and not target.is_setting and not item.reserved:
                needed = needs_of(self.catalogue, target.name)
                for function in self.catalogue.functions.values():
                    if function.reads and any(
                        one.kind == "record" and one.form == target.name for one in function.parameters
                    ):
                        needed.update(path.split(".")[0] for path in function.reads)

    def _function(self, head: str, body: list[str]) -> str:
        return "\n".join([f"def {head}:", *(body or ["    pass"])])

    def _make(self, name: str, source: str) -> Callable[..., Any]:
        lines = source.split("\n")
        prelude = ["    use_exact_decimals()"]
        for owner, local in self.links.items():
            rows = f"ctx.memory.rows('{owner}')" if self.space[f"{local}_setting"] else f"ctx.rows('{owner}')"
            if f"{local}." in source:
                prelude.append(f"    {local} = {rows}")
        code = "\n".join([lines[0], *prelude, *lines[1:]])
        exec(compile(code, f"<{self.form.name} {name}>", "exec"), self.space)  # written from checked trees
        function: Callable[..., Any] = self.space[name]
        return function

    # -- checks ----------------------------------------------------------------------------------------------

    def _validate(self) -> str:
        body: list[str] = []
        for item in self.form.fields.values():
            body += self._checks_of(item, None, "H", "    ", f"'{item.key}'")
        for key, table in self.form.lines.items():
            inner: list[str] = []
            for item in table.fields.values():
                inner += self._checks_of(item, key, "L", "        ", f"f'{key}[{{i}}].{item.key}'")
            if inner:
                body += [f"    for i, L in enumerate(H['{key}']):", *inner]
        for key, check in self.form.definition.checks.items():
            formula = self._check(
                check.keep,
                None,
                self.form.fields.get(check.path or "", next(iter(self.form.fields.values()))),
                key,
            )
            message = self._constant({"message": check.message})
            body += self._guard(
                python_source(formula, self._names(None)),
                "    ",
                repr(check.path or ""),
                code="check_failed",
                params=message,
            )
        return self._function("validate(H, ctx, faults)", body)

    def _checks_of(
        self, item: Field, lines: str | None, target: str, indent: str, path: str
    ) -> Iterable[str]:
        definition = item.definition
        label = self._constant({"label": definition.label or item.key})
        value = f"{target}['{item.key}']"
        if item.reserved or (item.column is None and not item.type.is_lines):
            return
        if definition.required:
            empty = f"not {value}" if item.type.is_lines else f"{value} is None"
            yield f"{indent}if {empty}: faults.append(Fault('required', {path}, {label}))"
        names = self._names(lines)
        if definition.check is not None:
            formula = self._check(definition.check, lines, item, "check")
            params = (
                self._constant({"label": definition.label or item.key, "message": definition.check_message})
                if definition.check_message
                else label
            )
            code = "check_failed" if definition.check_message else "value_not_allowed"
            yield from self._guard(
                python_source(formula, names),
                indent,
                path,
                code=code,
                params=params,
                only_if=f"{value} is not None",
            )
        digits = self._digits(item, lines) if definition.formula is None else None
        if digits is not None:
            yield f"{indent}if {value} is not None and too_fine({value}, {python_source(digits, names)}):"
            yield (
                f"{indent}    faults.append(Fault('too_many_digits', {path}, "
                f"{{'digits': {python_source(digits, names)}, 'label': {label}['label']}}))"
            )
        if definition.only is not None and item.to in self.catalogue.forms:
            yield from self._only(item, value, indent, path, label)

    def _only(self, item: Field, value: str, indent: str, path: str, label: str) -> Iterable[str]:
        target = self.catalogue.forms[item.to or ""]
        try:
            formula = self.catalogue.check(
                item.definition.only or "", form_scope(self.catalogue.forms, target)
            )
        except DesignError as error:
            error.place = f"{self.form.name}.{item.path}.only"  # type: ignore[attr-defined]  # read by inspect
            raise
        rows = self._rows(target.name, setting=target.is_setting)

        def names(ref: Ref) -> str:
            if ref.owner == CONTEXT:
                return CONTEXT_PYTHON[ref.path]
            self._need(target.name, target, ref.path[0])
            return self._path("T", target, target.fields, ref.path, get=True)

        yield f"{indent}T = {rows}.get({value})"
        yield from self._guard(
            python_source(formula, names),
            indent,
            path,
            code="not_choosable",
            params=label,
            only_if="T is not None",
        )

    def _guard(
        self, source: str, indent: str, path: str, *, code: str, params: str, only_if: str = "True"
    ) -> Iterable[str]:
        yield f"{indent}if {only_if}:"
        yield f"{indent}    try: fine = {source}"
        yield f"{indent}    except FAILURES: fine = False"
        yield f"{indent}    if not fine: faults.append(Fault('{code}', {path}, {params}))"

    # -- values computed when read ---------------------------------------------------------------------------

    def _view(self) -> str:
        steps = []
        for lines in (None, *self.form.lines):
            fields = self.form.lines[lines].fields if lines else self.form.fields
            for item in fields.values():
                text = item.definition.lookup or (
                    item.definition.formula if not item.definition.stored else None
                )
                if item.column is None and text is not None:
                    steps.append(
                        self._step(item, lines, "formula", self._check(text, lines, item, "formula"), None)
                    )
        body = []
        for step in _in_order(self.form, steps):
            value = python_source(step.formula, self._names(step.lines)) if step.formula else "None"
            target, indent = ("L", "        ") if step.lines else ("H", "    ")
            if step.lines:
                body.append(f"    for L in H['{step.lines}']:")
            body.append(f"{indent}try: {target}['{step.item.key}'] = {value}")
            body.append(f"{indent}except FAILURES: {target}['{step.item.key}'] = None")
        return self._function("view(H, ctx)", body)

    def _title(self) -> str:
        if self.form.definition.title is None:
            key = self.form.label_column
            return self._function("title(H, ctx)", [f"    return H.get('{key}')"])
        item = next(iter(self.form.fields.values()))
        formula = self._check(self.form.definition.title, None, item, "title")
        return self._function(
            "title(H, ctx)",
            [
                f"    try: return {python_source(formula, self._names(None))}",
                "    except FAILURES: return None",
            ],
        )


def _nodes(form: Form, ref: Ref, lines: str | None) -> Iterable[str]:
    """The fields of this form that a place depends on."""
    if ref.owner == LINE and lines is not None:
        yield f"{lines}.{ref.path[0]}"
    elif ref.owner == HEAD:
        if ref.path[0] in form.lines and len(ref.path) > 1:
            yield f"{ref.path[0]}.{ref.path[1]}"
        else:
            yield ref.path[0]


def _in_order(form: Form, steps: list[_Step]) -> list[_Step]:
    """Steps so that each comes after those it needs, staying in one lines table as long as possible."""
    left = {step.item.path: step for step in steps}
    done: list[_Step] = []
    inside: str | None = None
    while left:
        ready = [step for step in left.values() if not (step.after & left.keys()) - {step.item.path}]
        own = [step for step in ready if step.item.path in step.after and step.kind == "formula"]
        if not ready or own:
            names = " → ".join(sorted(left) if not ready else [own[0].item.path])
            error = DesignError("cycle", 0, names=names)
            error.place = f"{form.name}.{next(iter(left)) if not ready else own[0].item.path}.formula"  # type: ignore[attr-defined]
            raise error
        step = next((item for item in ready if item.lines == inside), ready[0])
        inside = step.lines
        done.append(left.pop(step.item.path))
    return done


def literal(item: Field) -> Any:
    """A literal default as a Python value."""
    return item.type.parse(item.definition.default, item.definition)


def _fit_digits(fit: Callable[[Any], Any], value: Any, digits: Any) -> Any:
    if value is None:
        return None
    if digits is None:
        return fit(value)
    fit(value)
    return value.quantize(_STEPS[int(digits)], ROUND_HALF_UP)


def _too_fine(value: Decimal, digits: Any) -> bool:
    return digits is not None and value != value.quantize(_STEPS[int(digits)], ROUND_HALF_UP)


_STEPS = [Decimal(1).scaleb(-places) for places in range(12)]

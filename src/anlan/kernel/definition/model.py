"""Everything that can be defined: forms, registers, roles, reports, dashboards, prints, packs.

A definition is data. It is written in YAML by packs and in JSON by the browser; every element has a stable
key, nothing is addressed by position, and order stands in explicit `order` lists::

    form: demo.note
    kind: document
    label: {zh: 便条, en: Note}
    fields:
      subject: {type: text, required: true, label: {zh: 主题, en: Subject}}

The models only say what a definition may look like. Whether names exist and formulas type-check is said by
the catalogue, which sees all definitions together.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

__all__ = [
    "Action",
    "ApprovalDefinition",
    "ApprovalStep",
    "Balance",
    "Conversion",
    "DashboardDefinition",
    "FieldDefinition",
    "FormDefinition",
    "Grant",
    "Label",
    "Limit",
    "NumberPattern",
    "PackDefinition",
    "Parameter",
    "Posting",
    "PrintDefinition",
    "RegisterDefinition",
    "ReportColumn",
    "ReportDefinition",
    "ReportPart",
    "ReportSource",
    "RoleDefinition",
    "State",
    "Transition",
    "View",
    "Widget",
    "Workflow",
]

KEY = r"^[a-z][a-z0-9_]*$"
NAME = r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$"

Key = Annotated[str, Field(pattern=KEY, max_length=40)]
Name = Annotated[str, Field(pattern=NAME, max_length=60)]
FormulaText = Annotated[str, Field(max_length=8192)]


class Model(BaseModel):
    """Base of all definitions: unknown attributes are errors, instances do not change.

    `retained`: a newer pack no longer has the element, but the company uses it (docs/internals/merge.md).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    retained: bool = False


class Label(Model):
    """A text in every language of the screen; a plain string counts for all of them."""

    zh: str
    en: str

    def text(self, language: str) -> str:
        """The text for a language tag such as `zh-CN` or `en`."""
        return self.en if language.startswith("en") else self.zh


def _label(value: Any) -> Any:
    return {"zh": value, "en": value} if isinstance(value, str) else value


LabelText = Annotated[Label, BeforeValidator(_label)]


class Balance(Model):
    """A field that shows a register's balance: which resource, and how the record names the key.

    `key` maps dimensions to formulas of the record; the short spelling `register.resource` means
    `{line: id}` in a line.
    """

    register_name: Name = Field(alias="register")
    resource: Key
    key: dict[Key, FormulaText] = Field(default_factory=dict)


def _balance(value: Any) -> Any:
    if isinstance(value, str):
        register, _, resource = value.rpartition(".")
        return {"register": register, "resource": resource}
    return value


class Hint(Model):
    """A figure that is shown beside each choice while a link is typed: a register's balance, or the last value used.

    Balance: `register`, `resource`, and the `dimension` that is the choice. Last value: `form`, the path of its `value`
    and of the `link` that is the choice (`lines.price`, `lines.item`), of the newest record that has left its draft.
    `key` narrows by the record that is typed into: dimension (or field of `form`) → its head field, where that is filled.
    """

    label: LabelText
    register_name: Name | None = Field(default=None, alias="register")
    resource: Key | None = None
    dimension: Key | None = None
    form: Name | None = None
    value: str | None = None
    link: str | None = None
    key: dict[Key, Key] = Field(default_factory=dict)


class Scan(Model):
    """Lines that are scanned: which of their fields takes what; `by` are fields of the item's form that hold codes."""

    item: Key
    quantity: Key
    by: list[Key] = Field(default_factory=lambda: ["code"])
    lot: Key | None = None
    expiry: Key | None = None
    serial: Key | None = None


class Grid(Model):
    """How lines are typed: `scan`; `sides`, two amounts of which a line has one, whose sums must be equal."""

    sides: list[Key] = Field(default_factory=list)
    scan: Scan | None = None


class FieldDefinition(Model):
    """One typed value of a form; `type` is a key of `fieldtype.FIELD_TYPES`.

    `default` is a formula when it is a string, else a literal. `formula` fields are stored unless
    `stored: false`, which means: computed when read. A field with `lookup` is a path through links,
    computed when read.
    """

    type: str
    label: LabelText | None = None
    help: LabelText | None = None
    required: bool = False
    readonly: bool = False
    hidden: bool = False
    unique: bool = False
    search: bool = False
    default: Any = None
    formula: FormulaText | None = None
    stored: bool = True
    lookup: FormulaText | None = None
    balance: Annotated[Balance | None, BeforeValidator(_balance)] = None
    check: FormulaText | None = None
    check_message: LabelText | None = None
    to: str | None = None
    only: FormulaText | None = None
    options: dict[str, Option] | None = None
    options_from: Literal["roles", "languages", "zones"] | None = None
    currency: FormulaText | None = Field(default=None, alias="in")
    unit: FormulaText | None = None
    digits: int | None = None
    max_length: int | None = None
    minimum: Any = None
    maximum: Any = None
    copied: bool = True
    fields: dict[Key, FieldDefinition] | None = None
    order: list[Key] | None = None
    accept: list[str] | None = None
    locked: list[str] | None = None
    width: int | None = None
    hints: dict[Key, Hint] = Field(default_factory=dict)
    grid: Grid | None = None


def _option(value: Any) -> Any:
    return (
        {"label": value} if isinstance(value, str) or (isinstance(value, dict) and "zh" in value) else value
    )


class OptionDefinition(Model):
    """One choice: label, colour, retired (shown on old rows, not selectable)."""

    label: LabelText
    colour: str | None = None
    retired: bool = False


Option = Annotated[OptionDefinition, BeforeValidator(_option)]


class NumberPattern(Model):
    """How a document is numbered when it leaves draft.

    `pattern` has date parts `{yyyy} {yy} {MM} {dd}`, `{company}`, a field `{word}`, and one counter
    `{0000}`. The counter restarts when the text before it changes. `gapless` numbers are given by the
    last statement of the transaction; others come from a sequence and may have holes.
    """

    pattern: str = Field(max_length=80)
    gapless: bool = False
    per: list[Key] = Field(default_factory=list)
    field: Key = "number"


class State(Model):
    """A state of a workflow; `editable` lists the paths that may still change in it (`*` for all)."""

    label: LabelText
    colour: str = "grey"
    editable: list[str] = Field(default_factory=list)
    retained: bool = False  # a newer definition dropped it; records are still in it


class Transition(Model):
    """A step between states; the caller needs a grant for the action of the same key.

    `unused_by`: forms; the step is refused while a record of them that was made from this one exists
    and is not cancelled.
    """

    source: list[Key] = Field(alias="from")
    to: Key
    label: LabelText
    check: FormulaText | None = None
    check_message: LabelText | None = None
    approval: Name | None = None
    unused_by: list[Name] = Field(default_factory=list)
    role: Key | None = None
    primary: bool = False
    danger: bool = False
    comment: bool = False
    retained: bool = False


class Workflow(Model):
    states: dict[Key, State]
    transitions: dict[Key, Transition]
    start: Key = "draft"
    order: list[Key] | None = None


class Posting(Model):
    """A pure function from a document to the movements that it should have.

    `while` names the states in which it has any; `each` the lines field that it walks (none: one row for
    the document); `when` leaves rows out. Formulas see `lines.x` as the row at hand. `compute` names a
    function of the pack that completes resources from the locked balance; `carry` hands it the row of
    another posting of the same line (a move between two keys carries its value).
    """

    states: list[Key] = Field(alias="while")
    register_name: Name = Field(alias="register")
    each: Key | None = None
    when: FormulaText | None = None
    dimensions: dict[Key, FormulaText]
    resources: dict[Key, FormulaText]
    date: FormulaText | None = None
    compute: str | None = None
    carry: Key | None = None


class Conversion(Model):
    """How one document makes the next: `open` is what is left of a row, `copy` maps target to source.

    In `copy`, keys are paths of the target, values formulas over the source, where `lines.x` is the row
    at hand and `open` the quantity to take. `aside`: an exception (sending back, correcting), not the next step.
    """

    to: Name
    label: LabelText
    states: list[Key] = Field(default_factory=lambda: ["confirmed", "posted"])
    each: Key | None = None
    target: Key | None = None
    open: FormulaText | None = None
    quantity: Key = "quantity"
    copied: dict[str, FormulaText] = Field(default_factory=dict, alias="copy")
    when: FormulaText | None = None
    aside: bool = False


Action = str


class Grant(Model):
    """What a role may do with a form: actions (`read create update delete export import print share` and
    transitions; `*` for all), on which rows, with which fields (`none < read < write`)."""

    actions: list[Action] = Field(default_factory=list)
    rows: FormulaText | None = None
    fields: dict[str, Literal["none", "read", "write"]] = Field(default_factory=dict)


class View(Model):
    """How records are listed: columns in order, filter, sort.

    `kind` `board`: cards in columns by `by`, the state or a choice; `calendar`: cards on the day `by`. A card
    has the first column as its title, the others below it.
    """

    kind: Literal["list", "board", "calendar"] = "list"
    label: LabelText
    columns: list[str]
    by: Key | None = None
    where: FormulaText | None = None
    sort: list[str] = Field(default_factory=list)
    totals: list[str] = Field(default_factory=list)


class Section(Model):
    label: LabelText
    fields: list[Key]
    folded: bool = False


class ScanLines(Model):
    """How the lines of a document are entered by scanning, one piece a scan.

    mode `expected`: the lines say what should come, a scan counts up towards it, other codes are refused;
    `free`: what is scanned is added. `blind`: what is expected is not shown.
    """

    lines: Key = "lines"
    item: Key = "item"
    quantity: Key = "quantity"
    lot: Key | None = None
    mode: Literal["expected", "free"] = "free"
    blind: bool = False


class FormDefinition(Model):
    """The definition of one kind of record.

    kind `master`: usable at once, has a code; `document`: has a draft, a number, a workflow; `setting`:
    a small master that the kernel keeps in memory.
    """

    form: Name
    kind: Literal["master", "document", "setting"]
    label: LabelText
    help: LabelText | None = None
    icon: str | None = None
    menu: int | None = None
    company: bool | None = None
    title: FormulaText | None = None
    number: NumberPattern | None = None
    fields: dict[Key, FieldDefinition]
    order: list[Key] | None = None
    sections: dict[Key, Section] = Field(default_factory=dict)
    workflow: Workflow | None = None
    postings: dict[Key, Posting] = Field(default_factory=dict)
    conversions: dict[Key, Conversion] = Field(default_factory=dict)
    grants: dict[Key, Grant] = Field(default_factory=dict)
    views: dict[Key, View] = Field(default_factory=dict)
    events: dict[str, str] = Field(default_factory=dict)
    unique: dict[Key, list[str]] = Field(default_factory=dict)
    indexes: dict[Key, list[str]] = Field(default_factory=dict)
    checks: dict[Key, Check] = Field(default_factory=dict)
    scan: ScanLines | None = None
    source: str | None = None
    locked: list[str] | None = None
    renames: dict[str, str] | None = None
    replaced: dict[str, str] | None = None


class Check(Model):
    """A rule across fields that must hold when the document leaves draft (a master: at each save)."""

    keep: FormulaText
    message: LabelText
    path: str | None = None


class Dimension(Model):
    type: Literal["link", "line", "text", "date", "choice"]
    to: str | None = None
    label: LabelText | None = None


class Resource(Model):
    type: Literal["quantity", "money", "decimal", "integer", "boolean", "duration"]
    label: LabelText | None = None
    unit: FormulaText | None = None
    currency: FormulaText | None = Field(default=None, alias="in")


class Limit(Model):
    """What a balance must keep. Formulas see resources and dimensions (`item.name`)."""

    keep: FormulaText
    unless: FormulaText | None = None
    code: str
    running: bool = False


class Rollup(Model):
    keep: str


class Raw(Model):
    keep: str
    partition: Literal["1d"] = "1d"


class RegisterDefinition(Model):
    """Append-only movements with dimensions and resources, and their balances (`balance`), or
    measurements with roll-ups (`series`). `memory` are columns of the balance that only a posting's
    `compute` sets (a last rate)."""

    register_name: Name = Field(alias="register")
    kind: Literal["balance", "series"] = "balance"
    label: LabelText
    store: Literal["site", "samples"] = "site"
    dimensions: dict[Key, Dimension]
    resources: dict[Key, Resource]
    memory: dict[Key, Resource] = Field(default_factory=dict)
    periods: Literal["month"] | None = None
    limits: dict[Key, Limit] = Field(default_factory=dict)
    indexes: dict[Key, list[Key]] = Field(default_factory=dict)
    rollups: dict[str, Rollup] = Field(default_factory=dict)
    raw: Raw | None = None
    grants: dict[Key, Grant] = Field(default_factory=dict)


class RoleDefinition(Model):
    role: Key
    label: LabelText
    help: LabelText | None = None
    all_rights: bool = False


ApprovalMode = Literal["one", "all", "any", "sequence"]


class ApprovalStep(Model):
    """One round of an approval: who is asked, how many of them must agree, and what happens when nobody decides.

    mode `one`, `all`, `any` n (`count`) of the approvers, or `sequence`: one after the other. `empty`: whom to
    ask when nobody fits (`admin`, the `superior` of who submitted, or nobody: `approve`). `timeout_hours` are
    hours of the company's calendar; `on_timeout` says what happens then.
    """

    label: LabelText | None = None
    when: FormulaText | None = None
    mode: ApprovalMode = "one"
    count: int = Field(default=1, ge=1)
    roles: list[Key] = Field(default_factory=list)
    users: list[str] = Field(default_factory=list)
    manager: bool = False
    empty: Literal["admin", "approve", "superior"] = "admin"
    timeout_hours: int | None = Field(default=None, ge=1, le=10_000)
    on_timeout: Literal["remind", "superior", "approve", "return"] = "remind"


class ApprovalDefinition(ApprovalStep):
    """Who must agree before a step is taken: in one round that stands here, or in several `steps`.

    `repeated`: what is asked of somebody who agreed in the round before (`ask` again, or `pass`);
    `copy_roles`, `copy_users`: who gets a copy when it is approved; `figures`: the paths of the record that an
    approver sees first; `reasons`: what is often said, one tap away.
    """

    approval: Name
    label: LabelText
    steps: dict[Key, ApprovalStep] = Field(default_factory=dict)
    order: list[Key] | None = None
    repeated: Literal["ask", "pass"] = "ask"
    copy_roles: list[Key] = Field(default_factory=list)
    copy_users: list[str] = Field(default_factory=list)
    figures: list[str] = Field(default_factory=list, max_length=6)
    reasons: list[LabelText] = Field(default_factory=list, max_length=12)

    @property
    def rounds(self) -> list[ApprovalStep]:
        """The rounds in their order; the definition itself where it names none."""
        if not self.steps:
            return [self]
        order = self.order or list(self.steps)
        return [self.steps[key] for key in (*order, *(key for key in self.steps if key not in order)) if key in self.steps]


class ReportColumn(Model):
    """A column of figures, or of what all rows of a group agree on.

    `value` is reckoned for each row of the source and added up; `result` is reckoned from the other columns after
    adding up, for rows, subtotals and totals alike. `running`: what has come together until and with this row.
    `opens`: the report that a figure opens, with its parameters filled from the row; else the rows behind it.
    """

    label: LabelText
    value: FormulaText | None = None
    result: FormulaText | None = None
    type: Literal["money", "quantity", "price", "percent", "decimal", "integer"] | None = None
    total: bool = False
    running: bool = False
    opens: Name | None = None


class Parameter(Model):
    type: str
    label: LabelText
    to: str | None = None
    default: Any = None
    required: bool = False


class ReportSource(Model):
    """Where figures come from: records of a form, one row a line with `each`, or a register.

    `of` narrows movements to those of one form's documents, whose fields stand behind `document`.
    """

    form: Name | None = None
    each: Key | None = None
    register_name: Name | None = Field(default=None, alias="register")
    reading: Literal["balance", "turnover", "movements"] | None = None
    of: Name | None = None
    where: FormulaText | None = None


class ReportPart(ReportSource):
    """One of several sources that a report puts under each other: what its rows and columns are there."""

    rows: dict[Key, FormulaText] = Field(default_factory=dict)
    columns: dict[Key, FormulaText] = Field(default_factory=dict)


class ReportDefinition(ReportSource):
    """A table over a form, a register's balance, turnover or movements, or over several of them (`parts`)."""

    report: Name
    label: LabelText
    help: LabelText | None = None
    parts: dict[Key, ReportPart] = Field(default_factory=dict)
    parameters: dict[Key, Parameter] = Field(default_factory=dict)
    rows: list[FormulaText] = Field(default_factory=list)
    subtotals: list[str] = Field(default_factory=list)
    columns: dict[Key, ReportColumn]
    sort: list[str] = Field(default_factory=list)
    grants: dict[Key, Grant] = Field(default_factory=dict)
    menu: int | None = None


class Widget(Model):
    """One piece of a dashboard. Figures come from `report` (with `by`, `column`) or from records of `form`.

    `anytime`: the dashboard's period does not bound the form's records. `good`: which way a change is good news.
    """

    kind: Literal["number", "chart", "table", "todo", "shortcuts", "text"]
    label: LabelText | None = None
    width: int = Field(default=3, ge=2, le=12)
    report: Name | None = None
    column: Key | None = None
    columns: list[Key] = Field(default_factory=list)
    by: str | None = None
    split: str | None = None
    chart: Literal["bar", "line", "stacked", "pie"] = "bar"
    top: int = Field(default=8, ge=1, le=20)
    compare: bool = False
    anytime: bool = False
    good: Literal["up", "down"] = "up"
    form: Name | None = None
    value: FormulaText | None = None
    where: FormulaText | None = None
    forms: list[Name] = Field(default_factory=list)
    reports: list[Name] = Field(default_factory=list)
    text: LabelText | None = None


class DashboardDefinition(Model):
    """Widgets on a grid of twelve columns, with one period for all. `home`: the roles that begin their day with it."""

    dashboard: Name
    label: LabelText
    period: Literal["month", "last_month", "quarter", "year", "days_30", "days_90"] = "month"
    widgets: dict[Key, Widget]
    order: list[Key] = Field(default_factory=list)
    home: list[Key] = Field(default_factory=list)
    grants: dict[Key, Grant] = Field(default_factory=dict)
    menu: int | None = None


class PrintBlock(Model):
    """One block of a printed page: `title`, `fields`, `table`, `totals`, `text`, `signatures`, `code`.

    `page_sums`: a table that goes over several pages sums each of them; `hide_zeros` leaves cells of a
    table empty where the figure is 0; `code` draws the first of its
    fields that has a value, `as` bars or a square.
    """

    block: Literal["title", "fields", "table", "totals", "text", "signatures", "code"]
    label: LabelText | None = None
    fields: list[str] = Field(default_factory=list)
    each: Key | None = None
    columns: list[str] = Field(default_factory=list)
    widths: list[str] = Field(default_factory=list)
    text: LabelText | None = None
    page_sums: bool = False
    hide_zeros: bool = False
    drawn: Literal["bars", "square"] = Field(default="bars", alias="as")


class PrintDefinition(Model):
    print: Name
    form: Name
    label: LabelText
    paper: Literal[
        "a4", "a4-landscape", "a5", "a5-landscape", "241x140", "241x93", "240x120", "label-60x40", "label-100x60"
    ] = "a4"
    language: FormulaText | None = None  # a path whose value (zh_cn, en) says the language; else the reader's
    blocks: dict[Key, PrintBlock]
    order: list[Key]


class PackDefinition(Model):
    pack: Key
    label: LabelText
    help: LabelText | None = None
    version: str
    requires: list[Key] = Field(default_factory=list)
    icon: str | None = None
    menu: int = 50


for _model in (FieldDefinition, FormDefinition):
    _model.model_rebuild()

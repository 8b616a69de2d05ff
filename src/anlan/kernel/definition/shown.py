"""What shows figures and records: reports, dashboards with their widgets, prints."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from anlan.kernel.definition.elements import FormulaText, Grant, Key, LabelText, Model, Name

__all__ = [
    "DashboardDefinition",
    "Parameter",
    "PrintBlock",
    "PrintDefinition",
    "ReportColumn",
    "ReportDefinition",
    "ReportPart",
    "ReportSource",
    "Widget",
]

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

"""A print definition and records become the data that `document.typ` draws. Pure.

    {block: fields, fields: [party, date]}  +  {"party": {"label": "A"}, "date": "2026-11-24"}
    →  {"kind": "fields", "items": [{"label": "客户", "value": "A", "wide": False}, {"label": "日期", …}]}

What a block's attributes mean:
- `title`: `label` (the form's without one); `fields` stand in a line below it; the record's company above it.
- `fields`: label and value of each path, in columns; `lines.x` is no path here.
- `table`: the sub-table `each` (the form's first without it); `columns` are paths in a line (`item`,
`item.code`);
  the form's own order without them. `widths`, one a column: `20mm`, `15%`, `2fr` or `auto`. Lines are
  numbered. Money is totalled below, quantities where all lines have the same unit.
- `totals`: as `fields`, at the right; `RMBCAP(gross)` is the amount in words, over the whole width.
- `text`: `text` with `{path}` filled in; without a text the values of `fields`.
- `code`: bars (EAN-13, Code 128) or a square (QR) of the first of `fields` that is not empty.
- `signatures`: `text` names who signs, parted by slashes or wide gaps; `fields` are shown as signed already
(`created_by`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal
from typing import Any

from anlan.kernel.definition.model import PrintDefinition
from anlan.kernel.definition.shown import PrintBlock
from anlan.kernel.formula.functions.china import amount_in_words
from anlan.kernel.i18n import language_of
from anlan.kernel.paper.bars import bars
from anlan.kernel.paper.qr import modules
from anlan.kernel.paper.sheets import SHEETS, Sheet
from anlan.kernel.paper.values import display_width, field_of, is_number, label_of, shown, value_of

__all__ = ["document_data", "page_words", "table_data"]

_WORDS = {
    "zh": {
        "page_of": "第 {n} 页，共 {m} 页",
        "total": "合计",
        "page_sum": "本页小计",
        "row": "序号",
        "in_words": "金额大写",
    },
    "en": {
        "page_of": "Page {n} of {m}",
        "total": "Total",
        "page_sum": "This page",
        "row": "No.",
        "in_words": "In words (RMB)",
    },
}
_PATH = re.compile(r"\{([a-z][a-z0-9_.]*)\}")
_PARTS = re.compile(r"\s*/\s*|\s{2,}")
_IN_WORDS = re.compile(r"^RMBCAP\(\s*([a-z][a-z0-9_.]*)\s*\)$")
_WIDTH = re.compile(r"^(\d{1,3}(?:\.\d)?)(mm|fr|%)$")
_NARROWEST, _WIDEST = 4, 36  # half-width characters that a column asks for
_DIGIT_EM = 0.56  # a tabular digit of Noto Sans SC, in its size
_POINT_MM = 0.3528
_INSET_MM = 1.2  # of document.typ, on each side of a cell
_FIGURES_SHARE = 0.72  # of the width, at most; the rest is for words
_SMALLEST = 0.6
_WIDE = 60  # half-width characters: a value that is longer gets a row of its own
_LABEL_LINES = 2  # of one text on a label; what is more is cut, so that the code keeps its place
_HEAD_MM = 45  # what title and head take of the first page
_SYMBOLS = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£"}


@dataclass(frozen=True)
class _Page:
    """What the blocks of one record need: the form, the record, the language."""

    form: Mapping[str, Any]
    record: Mapping[str, Any]
    language: str
    zone: tzinfo | None
    sheet: Sheet

    @property
    def fields(self) -> Mapping[str, Any]:
        fields: Mapping[str, Any] = self.form["fields"]
        return fields

    def label(self, path: str, field: Mapping[str, Any]) -> str:
        return label_of(field.get("label") or path, self.language)

    def show(self, field: Mapping[str, Any], value: Any) -> str:
        """The text of a value of this record; an amount with the digits of its currency, if known."""
        digits = value_of(self.record, f"{field['in']}.digits") if field.get("in") else None
        if digits is not None:
            field = {**field, "places": int(digits)}
        if field.get("type") == "state":
            value = label_of(
                (self.form.get("states") or {}).get(value, {}).get("label", value), self.language
            )
        return shown(field, value, self.language, self.zone)


def document_data(
    definition: PrintDefinition,
    form: Mapping[str, Any],
    records: Sequence[Mapping[str, Any]],
    *,
    language: str,
    zone: tzinfo | None = None,
) -> dict[str, Any]:
    """The whole of what the template is given; `form` as `describe.form` tells it, `records` as read."""
    sheet = SHEETS[definition.paper]
    documents = []
    for record in records:
        spoken = language_of(_asked_by(definition, record) or language)
        page = _Page(form, record, spoken, zone, sheet)
        documents.append(_document(definition, page, definition.label.text(spoken)))
    spoken = language_of(language)
    return page_words(definition.label.text(spoken), spoken, sheet) | {"documents": documents}


def _asked_by(definition: PrintDefinition, record: Mapping[str, Any]) -> str | None:
    """The language that the record itself asks for: its party's."""
    value = value_of(record, definition.language) if definition.language else None
    spoken = value.partition("_")[0] if isinstance(value, str) else ""
    return spoken if spoken in ("zh", "en") else None


def page_words(title: str, language: str, sheet: Sheet) -> dict[str, Any]:
    """What the template is given beside the documents."""
    return {
        "title": title,
        "lang": language,
        "sheet": sheet._asdict(),
        "page-of": _WORDS[language]["page_of"],
    }


def _document(definition: PrintDefinition, page: _Page, title: str) -> dict[str, Any]:
    blocks = [
        _BLOCKS[block.block](block, page) for block in (definition.blocks[key] for key in definition.order)
    ]
    number = shown({}, page.record.get("number") or page.record.get("code"), page.language)
    return {
        "foot": f"{title}  {number}".strip(),
        "blocks": [block | {"lang": page.language} for block in blocks],
        "lang": page.language,
        "page-of": _WORDS[page.language]["page_of"],
    }


def _title(block: PrintBlock, page: _Page) -> dict[str, Any]:
    label = (
        block.label.text(page.language) if block.label else label_of(page.form.get("label"), page.language)
    )
    return {
        "kind": "title",
        "text": label,
        "items": [_item(path, page) for path in block.fields if path != "company"],
        "company": shown({}, page.record.get("company"), page.language),
    }


def _fields(block: PrintBlock, page: _Page) -> dict[str, Any]:
    return {
        "kind": "fields",
        "label": _label(block, page),
        "items": [_item(path, page) for path in block.fields],
    }


def _item(path: str, page: _Page) -> dict[str, Any]:
    field = field_of(page.fields, path)
    value = page.show(field, value_of(page.record, path))
    label = page.label(path, field)
    if page.sheet.plain:
        value = _cut(value, _LABEL_LINES - 1, page.sheet, less=display_width(label) + 2)
    wide = field.get("type") in ("long_text", "address") or display_width(value) > _WIDE
    return {"label": label, "value": value, "wide": wide}


def _cut(text: str, lines: int, sheet: Sheet, *, less: int = 0) -> str:
    """As much of a text as stands in so many lines of a label, with an ellipsis where something is missing."""
    room = lines * int((sheet.width - 2 * sheet.side) / (sheet.size * _POINT_MM) * 2) - 2 - less
    if display_width(text) <= room:
        return text
    kept = ""
    for one in text:
        if display_width(kept + one) > room - 2:
            break
        kept += one
    return kept + "…"


def _table(block: PrintBlock, page: _Page) -> dict[str, Any]:
    each = block.each or next((key for key, one in page.fields.items() if one.get("type") == "lines"), "")
    lines_field = page.fields.get(each) or {"fields": {}}
    paths = [path.removeprefix(f"{each}.") for path in block.columns] or _order(lines_field)
    fields = [field_of(lines_field["fields"], path) for path in paths]
    lines: list[Mapping[str, Any]] = page.record.get(each) or []

    def show(field: Mapping[str, Any], value: Any) -> str:
        return (
            ""
            if block.hide_zeros and is_number(field) and not Decimal(str(value or 0))
            else page.show(field, value)
        )

    rows = [
        [show(field, value_of(line, path)) for path, field in zip(paths, fields, strict=True)]
        for line in lines
    ]
    labels = [page.label(path, field) for path, field in zip(paths, fields, strict=True)]
    totals = [_total(path, field, lines, page) for path, field in zip(paths, fields, strict=True)]
    return table_data(
        labels,
        rows,
        totals,
        right=[is_number(field) for field in fields],
        widths=block.widths,
        sheet=page.sheet,
        language=page.language,
        label=_label(block, page),
        sums=_page_sums(paths, fields, lines, page)
        if block.page_sums and _is_long(lines, page.sheet)
        else (),
    )


def _is_long(lines: Sequence[Any], sheet: Sheet) -> bool:
    """Whether so many lines hardly stand on one page: a page alone is not summed, its total says the same."""
    row = sheet.size * _POINT_MM * 1.3 + 2 * sheet.row
    return len(lines) * row > sheet.height - sheet.top - sheet.bottom - _HEAD_MM


def _page_sums(
    paths: Sequence[str],
    fields: Sequence[Mapping[str, Any]],
    lines: Sequence[Mapping[str, Any]],
    page: _Page,
) -> list[dict[str, Any] | None]:
    """For each column what a page sums: the values of the rows and how many places are shown; None for others."""
    found: list[dict[str, Any] | None] = []
    for path, field in zip(paths, fields, strict=True):
        total = _total(path, field, lines, page)
        values = [str(value_of(line, path) or 0) for line in lines]
        found.append({"values": values, "places": len(total.partition(".")[2])} if total else None)
    return found


def table_data(
    labels: Sequence[str],
    rows: Sequence[Sequence[str]],
    totals: Sequence[str],
    *,
    right: Sequence[bool],
    sheet: Sheet,
    language: str,
    widths: Sequence[str] = (),
    label: str = "",
    sums: Sequence[Mapping[str, Any] | None] = (),
) -> dict[str, Any]:
    """A table of texts as the template draws it, with numbered rows.

    A column of figures gets the millimetres that its longest figure takes, so that none is ever broken in
    two; the others share what is left by `widths`, else by what stands in them. Too many figures make the
    text smaller. `sums`, one a column, is what each page is summed from.
    """
    texts = [[totals[at], *(row[at] for row in rows)] for at in range(len(labels))]
    need = [max(display_width(text) for text in column) for column in texts]
    figures = [_figure_mm(need[at], labels[at], sheet) if right[at] else 0.0 for at in range(len(labels))]
    scale = max(_SMALLEST, min(1.0, _FIGURES_SHARE * (sheet.width - 2 * sheet.side) / (sum(figures) or 1.0)))
    columns: list[dict[str, Any]] = [
        {"label": _WORDS[language]["row"], "align": "center", "mm": _row_mm(sheet)}
    ]
    for at, name in enumerate(labels):
        match = _WIDTH.match(widths[at]) if at < len(widths) else None
        if right[at]:
            column: dict[str, Any] = {"align": "right", "mm": figures[at] * scale}
        elif match and match[2] == "mm":
            column = {"mm": float(match[1])}
        elif match:
            column = {"share": float(match[1]) * (10 if match[2] == "fr" else 1)}
        else:
            column = {"share": min(max(_NARROWEST, need[at], display_width(name)), _WIDEST) + 2}
        middle = 0 < max(display_width(text) for text in texts[at]) <= _NARROWEST  # units, marks
        columns.append({"label": name, "align": "center" if middle else "left"} | column)
    cells = [[str(n), *row] for n, row in enumerate(rows, 1)]
    return {
        "kind": "table",
        "label": label,
        "columns": columns,
        "rows": cells,
        "scale": scale,
        "totals": _total_cells(totals, _WORDS[language]["total"]),
        "sums": [None, *sums] if any(sums) else [],
        "page-sum": _WORDS[language]["page_sum"],
    }


def _row_mm(sheet: Sheet) -> float:
    """The width of the column of row numbers: its head, two characters, in one line."""
    return 2.1 * sheet.size * _POINT_MM + 2 * _INSET_MM


def _figure_mm(need: int, label: str, sheet: Sheet) -> float:
    """What a figure of `need` digits takes in a cell; a long label may be broken in two instead."""
    digits = max(need, (display_width(label) + 1) // 2, _NARROWEST) + 1
    return digits * sheet.size * _DIGIT_EM * _POINT_MM + 2 * _INSET_MM


def _total_cells(totals: Sequence[str], word: str) -> list[dict[str, Any]]:
    """The row below: the word up to the first figure, then a cell a column; [] without figures."""
    first = next((at for at, one in enumerate(totals) if one), None)
    if first is None:
        return []
    head = [{"span": first + 1, "value": word, "right": False}]
    return head + [{"span": 1, "value": one, "right": True} for one in totals[first:]]


def _total(path: str, field: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], page: _Page) -> str:
    kind = field.get("type")
    if kind not in ("money", "quantity"):
        return ""
    values = [Decimal(str(value)) for line in lines if (value := value_of(line, path)) is not None]
    if not values or (kind == "quantity" and not _same_unit(field, lines)):
        return ""  # three boxes and two kilograms are not five of anything
    return page.show(field, str(sum(values, Decimal(0))))


def _same_unit(field: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> bool:
    path = field.get("unit")
    units = {shown({}, value_of(line, path), "en") for line in lines} if path else {"-"}
    return len(units) == 1 and "" not in units


def _order(field: Mapping[str, Any]) -> list[str]:
    return [key for key in field.get("order") or field["fields"] if not field["fields"][key].get("hidden")]


def _totals(block: PrintBlock, page: _Page) -> dict[str, Any]:
    items = []
    for path in block.fields:
        in_words = _IN_WORDS.match(path)
        if in_words:
            field = field_of(page.fields, in_words[1])
            if _currency(field, page) not in (None, "CNY"):
                continue  # the words are yuan and fen
            value = value_of(page.record, in_words[1])
            text = "" if value is None else amount_in_words(Decimal(str(value)))
            items.append({"label": _WORDS[page.language]["in_words"], "value": text, "wide": True})
        else:
            item = _item(path, page)
            item["value"] = _symbol(field_of(page.fields, path), page) + item["value"]
            items.append(item | {"wide": False})
    return {"kind": "totals", "items": items}


def _symbol(field: Mapping[str, Any], page: _Page) -> str:
    """The currency before an amount: its sign, else its code."""
    code = _currency(field, page)
    return "" if not code else _SYMBOLS.get(code, f"{code} ")


def _currency(field: Mapping[str, Any], page: _Page) -> str | None:
    """The code of an amount's currency, as far as the record tells it."""
    path = field.get("in")
    currency = value_of(page.record, path) if field.get("type") == "money" and path else None
    return currency.get("code") if isinstance(currency, Mapping) else None


def _text(block: PrintBlock, page: _Page) -> dict[str, Any]:
    def fill(match: re.Match[str]) -> str:
        return page.show(field_of(page.fields, match[1]), value_of(page.record, match[1]))

    if block.text:
        text = _PATH.sub(fill, block.text.text(page.language))
    else:
        text = "\n".join(
            page.show(field_of(page.fields, path), value_of(page.record, path)) for path in block.fields
        )
    lines = text.split("\n")
    if page.sheet.plain:
        lines = [_cut(line.strip(), _LABEL_LINES, page.sheet) for line in lines if line.strip()]
    return {"kind": "text", "label": _label(block, page), "lines": lines}


def _signatures(block: PrintBlock, page: _Page) -> dict[str, Any]:
    signed = [_item(path, page) for path in block.fields]
    names = _PARTS.split(block.text.text(page.language).strip()) if block.text else []
    return {"kind": "signatures", "items": signed + [{"label": name, "value": ""} for name in names if name]}


def _label(block: PrintBlock, page: _Page) -> str:
    return block.label.text(page.language) if block.label else ""


def _code(block: PrintBlock, page: _Page) -> dict[str, Any]:
    """Bars where the text has any, else a square: a code in Chinese is read from that."""
    values = (shown({}, value_of(page.record, path), page.language) for path in block.fields)
    text = next((value for value in values if value), "")
    drawn = bars(text) if text and block.drawn == "bars" else None
    code: dict[str, Any] = {"kind": "code", "text": drawn.text if drawn else text, "bars": [], "square": []}
    if drawn is not None:
        code |= {"bars": list(drawn.runs), "quiet": drawn.quiet}
    elif text:
        code["square"] = ["".join("1" if dark else "0" for dark in row) for row in modules(text)]
    return code


_BLOCKS = {
    "code": _code,
    "title": _title,
    "fields": _fields,
    "table": _table,
    "totals": _totals,
    "text": _text,
    "signatures": _signatures,
}

"""An empty file to be filled in: the columns of a form, with what each takes, and lists to choose from."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import xlsxwriter

from anlan.kernel.catalogue.form import Form
from anlan.kernel.exchange.columns import Column, columns_of, header
from anlan.kernel.i18n import language_of

__all__ = ["template"]

_ROWS = 1000  # as far as the lists and formats reach
_WORDS = {
    "zh": {
        "guide": "填写说明",
        "column": "列",
        "kind": "类型",
        "required": "必填",
        "yes": "是",
        "no": "否",
        "notes": "说明",
        "lines": "明细行：同一单据的后续行，表头各列可以留空或重复。",
        "by_code": "填{form}的编码或名称",
        "options": "可选：{options}",
    },
    "en": {
        "guide": "Guide",
        "column": "Column",
        "kind": "Type",
        "required": "Required",
        "yes": "yes",
        "no": "no",
        "notes": "Notes",
        "lines": "Lines: on further rows of one document leave the head's columns blank, or repeat them.",
        "by_code": "Code or name of {form}",
        "options": "One of: {options}",
    },
}
_KINDS = {
    "text": ("文本", "text"),
    "long_text": ("多行文本", "long text"),
    "integer": ("整数", "whole number"),
    "decimal": ("数字", "number"),
    "percent": ("百分比，13 即 13%", "percent, 13 for 13 %"),
    "quantity": ("数量", "quantity"),
    "money": ("金额", "amount"),
    "price": ("单价", "price"),
    "boolean": ("是/否", "yes/no"),
    "date": ("日期，如 2026-03-01", "date, like 2026-03-01"),
    "instant": ("日期时间", "date and time"),
    "duration": ("时长，如 1:30", "duration, like 1:30"),
    "choice": ("单选", "choice"),
    "multi_choice": ("多选，以顿号分隔", "several, parted by commas"),
    "link": ("关联", "link"),
    "user": ("成员", "user"),
    "department": ("部门", "department"),
    "company": ("公司", "company"),
    "address": ("地址", "address"),
    "phone": ("电话", "phone"),
    "email": ("邮箱", "e-mail"),
    "url": ("网址", "address of a page"),
    "barcode": ("条码", "barcode"),
}
_FIGURES = {"integer": "0", "date": "yyyy-mm-dd", "instant": "yyyy-mm-dd hh:mm", "money": "#,##0.00"}


def template(
    form: Form,
    language: str,
    *,
    labels: Mapping[str, str] | None = None,
    writable: Mapping[str, str] | None = None,
) -> bytes:
    """An xlsx file: a sheet to fill in, where a star marks what must be filled, and a sheet that explains it.

    `labels`: what linked forms are called, by name; `writable`: masked paths, which get no column.
    """
    spoken = language_of(language)
    columns = columns_of(form, writable=writable)
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet("".join(one for one in form.label(spoken) if one not in "[]:*?/\\'")[:31])
    bold = book.add_format({"bold": True, "bg_color": "#EEF1F5", "bottom": 1})
    star = book.add_format({"bold": True, "bg_color": "#FDF3E1", "bottom": 1})
    sheet.freeze_panes(1, 0)
    for at, column in enumerate(columns):
        text = header(column, columns, spoken) + ("*" if column.required else "")
        width = max(12, 2 + sum(2 if ord(one) > 0x2E80 else 1 for one in text))
        kind = column.field.type.key
        figure = _FIGURES.get(kind, "@" if not column.field.type.numeric and kind != "boolean" else "General")
        sheet.set_column(at, at, width, book.add_format({"num_format": figure}))
        sheet.write_string(0, at, text, star if column.required else bold)
        choices = _choices(column, spoken)
        if choices and len(",".join(choices)) <= 255:  # a limit of Excel
            sheet.data_validation(
                1, at, _ROWS, at, {"validate": "list", "source": choices, "error_type": "warning"}
            )
    _guide(book, columns, spoken, labels or {})
    book.close()
    return out.getvalue()


def _choices(column: Column, language: str) -> list[str]:
    kind = column.field.type.key
    if kind == "boolean":
        return [_WORDS[language]["yes"], _WORDS[language]["no"]]
    if kind != "choice":
        return []
    return [
        one.label.text(language)
        for one in (column.field.definition.options or {}).values()
        if not one.retired
    ]


def _guide(book: Any, columns: Sequence[Column], language: str, labels: Mapping[str, str]) -> None:
    words = _WORDS[language]
    sheet = book.add_worksheet(words["guide"])
    bold = book.add_format({"bold": True, "bg_color": "#EEF1F5", "bottom": 1})
    for at, (name, width) in enumerate((("column", 24), ("kind", 24), ("required", 10), ("notes", 60))):
        sheet.set_column(at, at, width)
        sheet.write_string(0, at, words[name], bold)
    for row, column in enumerate(columns, 1):
        kind = _KINDS.get(column.field.type.key, _KINDS["text"])[0 if language == "zh" else 1]
        cells = (
            header(column, columns, language),
            kind,
            words["yes"] if column.required else "",
            _notes(column, language, labels),
        )
        for at, text in enumerate(cells):
            sheet.write_string(row, at, text)
    if any(column.lines for column in columns):
        sheet.write_string(len(columns) + 2, 0, words["lines"])


def _notes(column: Column, language: str, labels: Mapping[str, str]) -> str:
    parts = []
    if column.field.definition.help:
        parts.append(column.field.definition.help.text(language))
    choices = _choices(column, language)
    if choices and column.field.type.key == "choice":
        parts.append(
            _WORDS[language]["options"].format(options=("、" if language == "zh" else ", ").join(choices))
        )
    if column.field.to:
        parts.append(_WORDS[language]["by_code"].format(form=labels.get(column.field.to, column.field.to)))
    return ("；" if language == "zh" else "; ").join(parts)

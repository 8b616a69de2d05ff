"""Files in and out: what a user's Excel or CSV means, cell by cell; what goes out can come back in."""

import io
import zipfile
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from anlan.kernel.catalogue.form import Form, build_form
from anlan.kernel.definition.model import FormDefinition
from anlan.kernel.errors import Refused
from anlan.kernel.exchange.assemble import Draft, assemble
from anlan.kernel.exchange.columns import IGNORED, columns_of, header, match, normalised
from anlan.kernel.exchange.convert import cell_value
from anlan.kernel.exchange.export import export, export_columns
from anlan.kernel.exchange.report_file import ReportColumn, ReportTable, report_file
from anlan.kernel.exchange.table import Table, read
from anlan.kernel.exchange.template import template
from anlan.kernel.fieldtype import Unreadable

ZONE = ZoneInfo("Asia/Shanghai")


def label(zh: str, en: str) -> dict[str, str]:
    return {"zh": zh, "en": en}


ORDER = build_form(
    FormDefinition.model_validate(
        {
            "form": "demo.order",
            "kind": "document",
            "label": label("订单", "Order"),
            "number": {"pattern": "DO{0000}"},
            "workflow": {"states": {"draft": {"label": label("草稿", "Draft")}}, "transitions": {}},
            "fields": {
                "party": {
                    "type": "link",
                    "to": "demo.party",
                    "required": True,
                    "label": label("客户", "Party"),
                },
                "date": {
                    "type": "date",
                    "label": label("日期", "Date"),
                    "default": "TODAY()",
                    "required": True,
                },
                "kind": {
                    "type": "choice",
                    "label": label("类型", "Kind"),
                    "options": {"normal": label("普通", "Normal"), "urgent": label("加急", "Urgent")},
                },
                "tags": {
                    "type": "multi_choice",
                    "label": label("标签", "Tags"),
                    "options": {"a": label("甲", "Alpha"), "b": label("乙", "Beta")},
                },
                "urgent": {"type": "boolean", "label": label("是否加急", "Urgent?")},
                "seen": {"type": "instant", "label": label("看到时间", "Seen at")},
                "note": {"type": "text", "label": label("备注", "Note")},
                "secret": {"type": "secret", "label": label("口令", "Password")},
                "gross": {"type": "money", "formula": "SUM(lines.amount)", "label": label("合计", "Gross")},
                "lines": {
                    "type": "lines",
                    "label": label("明细", "Lines"),
                    "fields": {
                        "item": {
                            "type": "link",
                            "to": "demo.item",
                            "required": True,
                            "label": label("物料", "Item"),
                        },
                        "quantity": {
                            "type": "quantity",
                            "required": True,
                            "label": label("数量", "Quantity"),
                        },
                        "amount": {"type": "money", "label": label("金额", "Amount")},
                        "note": {"type": "text", "label": label("备注", "Note")},
                    },
                },
            },
            "order": ["party", "date", "kind", "tags", "urgent", "seen", "note", "secret", "gross", "lines"],
        }
    ),
    pack="demo",
    columns={},
)
ITEM = build_form(
    FormDefinition.model_validate(
        {
            "form": "demo.item",
            "kind": "master",
            "label": label("物料", "Item"),
            "fields": {
                "code": {"type": "text", "required": True, "label": label("编码", "Code")},
                "name": {"type": "text", "required": True, "label": label("名称", "Name")},
                "weight": {"type": "decimal", "label": label("重量", "Weight")},
                "count": {"type": "integer", "label": label("件数", "Count")},
                "rate": {"type": "percent", "label": label("税率", "Rate")},
                "took": {"type": "duration", "label": label("时长", "Took")},
            },
        }
    ),
    pack="demo",
    columns={},
)


def a_workbook(*rows: list[Any], title: str = "Sheet1") -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "default_date_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet(title)
    for at, row in enumerate(rows):
        for column, cell in enumerate(row):
            if cell is not None:
                sheet.write(at, column, cell)
    book.close()
    return out.getvalue()


def drafts(form: Form, *rows: list[Any]) -> list[Draft]:
    table = read(a_workbook(*rows))
    columns = columns_of(form)
    return assemble(table, match(form, table.headers, columns), columns, key=form.code_column, zone=ZONE)


def value(form: Form, path: str, cell: Any) -> Any:
    field = form.field_at(path)
    assert field is not None
    return cell_value(cell, field, ZONE)


# -- files ------------------------------------------------------------------------------------------------


def test_a_workbook_is_read_below_its_title_and_with_the_rows_that_the_user_sees() -> None:
    table = read(a_workbook(["物料清单"], [None], ["编码", "名称"], ["A1", "螺钉"], [None], ["A2", 5]))
    assert table == Table(("编码", "名称"), ((4, ("A1", "螺钉")), (6, ("A2", 5.0))), "Sheet1")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_is_read_in_the_encodings_and_delimiters_that_excel_writes(encoding: str, delimiter: str) -> None:
    text = f'编码{delimiter}名称\r\nA1{delimiter}"螺钉 ""大"""\r\n'
    assert read(text.encode(encoding)).rows == ((2, ("A1", '螺钉 "大"')),)


def test_a_file_that_is_neither_is_refused() -> None:
    for content in (b"PK\x03\x04 broken", b"\xd0\xcf\x11\xe0 broken", b"\x00\x01\x02"):
        with pytest.raises(Refused) as refused:
            read(content, "a.xlsx")
        assert refused.value.status == 415


def test_an_empty_file_is_refused_with_a_fault() -> None:
    for content in (b"", b"\n , \n", a_workbook([None])):
        with pytest.raises(Refused) as refused:
            read(content)
        assert refused.value.code == "import.empty"


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/sheet.xml", "w") as member,
    ):
        for _ in range(11):
            member.write(bytes(100_000_000))
    with pytest.raises(Refused) as refused:
        read(out.getvalue())
    assert refused.value.status == 413


# -- columns ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("客户", "party"),
        ("*客户", "party"),
        ("客户 *", "party"),
        ("Party", "party"),
        ("PARTY", "party"),
        ("party", "party"),
        ("物料", "lines.item"),
        ("明细.物料", "lines.item"),
        ("Lines.Item", "lines.item"),
        ("lines.item", "lines.item"),
        ("备注", "note"),
        ("明细.备注", "lines.note"),
        ("单据编号", "number"),
        ("客户名称", IGNORED),
        ("Party name", IGNORED),
        ("合计", IGNORED),
        ("创建人", IGNORED),
        ("状态", IGNORED),
        ("口令", IGNORED),
        ("颜色", None),
        ("", None),
    ],
)
def test_a_header_is_matched_by_label_in_both_languages_by_key_and_by_path(
    text: str, path: str | None
) -> None:
    assert match(ORDER, [text], columns_of(ORDER)) == [path]


def test_every_header_that_an_export_or_template_writes_is_matched_to_its_field() -> None:
    columns = columns_of(ORDER)
    for language in ("zh", "en"):
        assert match(ORDER, [header(one, columns, language) for one in columns], columns) == [
            one.path for one in columns
        ]


def test_a_field_is_given_to_the_first_column_that_names_it() -> None:
    assert match(ORDER, ["客户", "Party", "日期"], columns_of(ORDER)) == ["party", None, "date"]


def test_what_a_user_once_chose_for_a_header_wins() -> None:
    chosen = {normalised("购货单位"): "party", normalised("备注"): "lines.note", normalised("日期"): "gone"}
    assert match(ORDER, ["购货单位", "备注", "日期"], columns_of(ORDER), remembered=chosen) == [
        "party",
        "lines.note",
        "date",
    ]


def test_secrets_computed_and_masked_fields_have_no_column() -> None:
    paths = {column.path for column in columns_of(ORDER, writable={"lines.amount": "read", "date": "none"})}
    assert paths == {
        "party",
        "kind",
        "tags",
        "urgent",
        "seen",
        "note",
        "company",
        "lines.item",
        "lines.quantity",
        "lines.note",
    }


# -- cells ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "path", "cell", "expected"),
    [
        (ITEM, "code", 1001.0, "1001"),
        (ITEM, "code", 13800001234.0, "13800001234"),
        (ITEM, "code", " A1 ", "A1"),
        (ITEM, "code", True, "TRUE"),
        (ITEM, "code", date(2026, 3, 1), "2026-03-01"),
        (ITEM, "code", "'=1+1", "=1+1"),
        (ITEM, "code", "'tis", "'tis"),
        (ITEM, "name", "  ", None),
        (ITEM, "count", 3.0, 3),
        (ITEM, "count", "1,200", 1200),
        (ITEM, "count", 2.5, "2.5"),
        (ITEM, "weight", 12.299999999999999, "12.3"),
        (ITEM, "weight", 0.1, "0.1"),
        (ITEM, "weight", "１，２８０．５０", "1280.5"),
        (ITEM, "weight", "¥1,280.50", "1280.5"),
        (ITEM, "weight", "（1,280.50）", "-1280.5"),
        (ITEM, "weight", "-5", "-5"),
        (ITEM, "weight", "1E+3", "1000"),
        (ITEM, "weight", "13%", "0.13"),
        (ITEM, "weight", 1e15, "1000000000000000"),
        (ITEM, "rate", "13%", "13"),
        (ITEM, "rate", 13.0, "13"),
        (ITEM, "took", "1:30", 5400),
        (ITEM, "took", timedelta(hours=30), 108_000),
        (ITEM, "took", time(1, 30), 5400),
        (ITEM, "took", 90.0, 90),
        (ORDER, "date", date(2026, 3, 1), "2026-03-01"),
        (ORDER, "date", datetime(2026, 3, 1, 12), "2026-03-01"),  # noqa: DTZ001  # Excel knows no zones
        (ORDER, "date", 46082.0, "2026-03-01"),
        (ORDER, "date", 20260301.0, "2026-03-01"),
        (ORDER, "date", "2026/3/1", "2026-03-01"),
        (ORDER, "date", "2026.03.01", "2026-03-01"),
        (ORDER, "date", "2026年3月1日", "2026-03-01"),
        (ORDER, "date", "２０２６－０３－０１", "2026-03-01"),
        (ORDER, "date", "20260301", "2026-03-01"),
        (ORDER, "date", "2026-03-01 00:00:00", "2026-03-01"),
        (ORDER, "seen", datetime(2026, 3, 1, 8, 30), "2026-03-01T00:30:00Z"),  # noqa: DTZ001  # Excel knows no zones
        (ORDER, "seen", "2026/3/1 8:30", "2026-03-01T00:30:00Z"),
        (ORDER, "seen", "2026-03-01T08:30:00+09:00", "2026-02-28T23:30:00Z"),
        (ORDER, "seen", date(2026, 3, 1), "2026-02-28T16:00:00Z"),
        (ORDER, "urgent", "是", True),
        (ORDER, "urgent", "否", False),
        (ORDER, "urgent", 1.0, True),
        (ORDER, "urgent", "Ｎ", False),
        (ORDER, "urgent", False, False),
        (ORDER, "kind", "加急", "urgent"),
        (ORDER, "kind", "URGENT", "urgent"),
        (ORDER, "kind", "normal", "normal"),
        (ORDER, "tags", "甲、Beta", ["a", "b"]),
        (ORDER, "party", 1001.0, "1001"),
    ],
)
def test_a_cell_is_read_by_the_type_of_its_field(form: Form, path: str, cell: Any, expected: Any) -> None:
    assert value(form, path, cell) == expected


@pytest.mark.parametrize(
    ("form", "path", "cell", "code"),
    [
        (ITEM, "weight", "十二", "import.not_number"),
        (ITEM, "weight", "1,2,3", "import.not_number"),
        (ITEM, "weight", "nan", "import.not_number"),
        (ITEM, "weight", float("inf"), "import.not_number"),
        (ITEM, "weight", date(2026, 3, 1), "import.not_number"),
        (ITEM, "count", "", None),
        (ORDER, "date", "01/02/2026", "import.not_date"),
        (ORDER, "date", "2026-02-30", "import.not_date"),
        (ORDER, "date", "2026-03-01 x", "import.not_date"),
        (ORDER, "date", 5.0, "import.not_date"),
        (ORDER, "seen", "2026-03-01 25:00", "import.not_instant"),
        (ORDER, "urgent", "也许", "import.not_boolean"),
        (ORDER, "kind", "特急", "import.unknown_option"),
        (ORDER, "tags", "甲、丙", "import.unknown_option"),
    ],
)
def test_a_cell_that_cannot_be_the_fields_type_is_a_fault(
    form: Form, path: str, cell: Any, code: str | None
) -> None:
    if code is None:
        assert value(form, path, cell) is None
        return
    with pytest.raises(Unreadable) as unreadable:
        value(form, path, cell)
    assert unreadable.value.code == code


@given(
    st.one_of(
        st.text(max_size=30),
        st.floats(),
        st.integers(),
        st.booleans(),
        st.dates(),
        st.datetimes(),
        st.times(),
        st.timedeltas(),
    )
)
def test_any_cell_is_read_or_refused_as_any_type(cell: Any) -> None:
    for form in (ORDER, ITEM):
        for column in columns_of(form):
            try:
                cell_value(cell, column.field, ZONE)
            except Unreadable as unreadable:
                assert unreadable.code.startswith("import.")


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=4))
def test_a_number_of_up_to_15_digits_survives_excels_binary_fraction(number: Decimal) -> None:
    assert Decimal(value(ITEM, "weight", float(number))) == number


# -- records ----------------------------------------------------------------------------------------------

HEAD = ["客户", "日期", "物料", "数量"]


def test_rows_with_a_blank_head_are_further_lines() -> None:
    one, two = drafts(
        ORDER, HEAD, ["C1", "2026-01-01", "A1", 2], [None, None, "A2", 3], ["C2", None, "A1", 1]
    )
    assert one.values == {
        "party": "C1",
        "date": "2026-01-01",
        "lines": [{"item": "A1", "quantity": "2"}, {"item": "A2", "quantity": "3"}],
    }
    assert two.values == {"party": "C2", "lines": [{"item": "A1", "quantity": "1"}]}
    assert one.cell_of("lines[1].quantity") == (3, 3)
    assert one.cell_of("lines[1]") == (3, None)
    assert two.cell_of("date") == (4, 1)
    assert two.cell_of("gross") == (4, None)


def test_rows_that_repeat_the_head_are_further_lines() -> None:
    (one,) = drafts(ORDER, HEAD, ["C1", "2026-01-01", "A1", 2], ["C1", "2026-01-01", "A2", 3])
    assert len(one.values["lines"]) == 2


def test_numbers_tell_documents_apart_whose_heads_are_alike() -> None:
    found = drafts(
        ORDER,
        ["单据编号", *HEAD],
        ["1", "C1", "2026-01-01", "A1", 2],
        ["2", "C1", "2026-01-01", "A2", 3],
        [None, None, None, "A3", 4],
        ["2", "C1", "2026-01-01", "A4", 5],
    )
    assert [(one.number, len(one.values["lines"])) for one in found] == [("1", 1), ("2", 3)]


def test_a_head_that_differs_within_one_number_is_a_fault_in_its_cell() -> None:
    (one,) = drafts(ORDER, ["单据编号", *HEAD], ["1", "C1", None, "A1", 2], ["1", "C9", None, "A2", 3])
    assert [(fault.row, fault.column, fault.fault.code) for fault in one.faults] == [
        (3, 1, "import.head_differs")
    ]


def test_a_form_without_line_columns_has_a_record_a_row() -> None:
    assert [one.values for one in drafts(ITEM, ["编码", "名称"], ["A", "x"], ["A", "x"])] == [
        {"code": "A", "name": "x"},
        {"code": "A", "name": "x"},
    ]


def test_every_bad_cell_is_told_with_its_row_and_column() -> None:
    (one,) = drafts(ORDER, [*HEAD, "类型"], ["C1", "bad", "A1", "x", "特急"], [None, None, "A2", "y"])
    assert [(fault.row, fault.column, fault.fault.path) for fault in one.faults] == [
        (2, 1, "date"),
        (2, 4, "kind"),
        (2, 3, "lines[0].quantity"),
        (3, 3, "lines[1].quantity"),
    ]


# -- out and in again -------------------------------------------------------------------------------------


def link(code: str, name: str) -> dict[str, str]:
    return {"id": f"id-{code}", "code": code, "label": name}


def an_order(number: str = "DO1", lines: int = 2, **more: Any) -> dict[str, Any]:
    return {
        "form": "demo.order",
        "id": number,
        "number": number,
        "party": link("C1", "恒信"),
        "date": "2026-03-01",
        "kind": "urgent",
        "tags": ["a", "b"],
        "urgent": False,
        "seen": "2026-03-01T00:30:00Z",
        "note": "=1+1",
        "company": link("MAIN", "华东"),
        "gross": "30.00",
        "lines": [
            {
                "id": str(n),
                "item": link(f"00{n}", f"螺钉{n}"),
                "quantity": f"{n}.5",
                "amount": "1234567890123456.78",
                "note": None,
            }
            for n in range(1, lines + 1)
        ],
    } | more


def written(records: list[dict[str, Any]], format: Any = "xlsx", language: str = "zh", **more: Any) -> bytes:
    out = io.BytesIO()
    export(
        out,
        ORDER,
        export_columns(ORDER, language, **more),
        records,
        format=format,
        language=language,
        zone=ZONE,
    )
    return out.getvalue()


def test_an_export_has_the_head_once_and_the_lines_below_it() -> None:
    paths = ["number", "party", "lines.item", "lines.quantity", "gross"]
    rows = CalamineWorkbook.from_filelike(io.BytesIO(written([an_order()], paths=paths))).get_sheet_by_index(
        0
    )
    assert rows.to_python() == [
        ["单据编号", "客户", "客户名称", "物料", "物料名称", "数量", "合计"],
        ["DO1", "C1", "恒信", "001", "螺钉1", 1.5, 30.0],
        ["", "", "", "002", "螺钉2", 2.5, ""],
    ]


@pytest.mark.parametrize("format", ["xlsx", "csv"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_exported_reads_back_as_the_same_values(format: str, language: str) -> None:
    table = read(written([an_order(), an_order("DO2", 0), an_order("DO3", 3)], format, language))
    columns = columns_of(ORDER)
    paths = match(ORDER, table.headers, columns)
    assert None not in paths
    found = assemble(table, paths, columns, key="number", zone=ZONE)
    assert [fault for one in found for fault in one.faults] == []
    assert [(one.number, len(one.values.get("lines", []))) for one in found] == [
        ("DO1", 2),
        ("DO2", 0),
        ("DO3", 3),
    ]
    assert found[0].values == {
        "company": "MAIN",
        "party": "C1",
        "date": "2026-03-01",
        "kind": "urgent",
        "tags": ["a", "b"],
        "urgent": False,
        "seen": "2026-03-01T00:30:00Z",
        "note": "=1+1",
        "lines": [{"item": f"00{n}", "quantity": f"{n}.5", "amount": "1234567890123456.78"} for n in (1, 2)],
    }


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "note": st.one_of(
                    st.none(), st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=20)
                ),
                "quantity": st.decimals(min_value=-(10**15), max_value=10**15, places=8),
                "day": st.dates(date(1901, 1, 1), date(2199, 12, 31)),
            }
        ),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from(["xlsx", "csv"]),
)
def test_any_values_survive_the_way_out_and_in(rows: list[dict[str, Any]], format: str) -> None:
    records = [
        an_order(
            f"N{n}",
            note=row["note"],
            date=row["day"].isoformat(),
        )
        | {"lines": [{"item": link("A", "x"), "quantity": f"{row['quantity']:f}"}]}
        for n, row in enumerate(rows)
    ]
    table = read(written(records, format))
    columns = columns_of(ORDER)
    found = assemble(table, match(ORDER, table.headers, columns), columns, key="number", zone=ZONE)
    for row, one in zip(rows, found, strict=True):
        assert one.values["date"] == row["day"].isoformat()
        assert Decimal(one.values["lines"][0]["quantity"]) == row["quantity"]
        assert one.values.get("note", "") == (row["note"] or "").strip()


def test_csv_injection_by_a_text_that_begins_like_a_formula_is_defused() -> None:
    text = written([an_order(note="=cmd|'/c calc'!A0")], "csv").decode("utf-8-sig")
    assert ",'=cmd" in text
    assert ",=cmd" not in text


def test_masked_fields_are_not_exported() -> None:
    assert "明细.金额" not in (
        found := [one.header for one in export_columns(ORDER, "zh", hidden={"lines.amount": "none"})]
    )
    assert "金额" not in found
    assert "数量" in found


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_template_has_every_column_and_is_an_empty_import_file(language: str) -> None:
    book = CalamineWorkbook.from_filelike(
        io.BytesIO(template(ORDER, language, labels={"demo.party": "客户档案"}))
    )
    (headers,) = book.get_sheet_by_index(0).to_python()
    columns = columns_of(ORDER)
    assert match(ORDER, [str(one) for one in headers], columns) == [one.path for one in columns]
    assert [one for one in headers if str(one).endswith("*")] == (
        ["客户*", "物料*", "数量*"] if language == "zh" else ["Party*", "Item*", "Quantity*"]
    )
    guide = book.get_sheet_by_index(1).to_python()
    assert len(guide) >= len(columns)
    assert any("客户档案" in str(cell) for row in guide for cell in row)


# -- files of reports -------------------------------------------------------------------------------------

REPORT = ReportTable(
    "库存余额",
    [
        ReportColumn("item", "物料", "link"),
        ReportColumn("day", "日期", "date"),
        ReportColumn("quantity", "数量", "quantity"),
        ReportColumn("value", "金额", "money"),
        ReportColumn("state", "状态", "choice", {"open": label("未结", "Open")}),
    ],
    [
        {
            "item": link("A1", "螺钉"),
            "day": "2026-03-01",
            "quantity": "1.50",
            "value": "1234.50",
            "state": "open",
        },
        {"item": link("A2", "=螺母"), "day": None, "quantity": None, "value": "-1.00", "state": None},
    ],
    {"value": "1233.50"},
    notes=[("期间", "2026-03")],
)
READER: Any = SimpleNamespace(language="zh-CN", site=SimpleNamespace(zone=ZONE))


def test_a_report_as_excel_has_figures_dates_and_a_total() -> None:
    content = report_file(READER, REPORT, format="xlsx")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name("库存余额").to_python()
    assert rows == [
        ["物料", "日期", "数量", "金额", "状态"],
        ["螺钉", date(2026, 3, 1), 1.5, 1234.5, "未结"],
        ["=螺母", "", "", -1.0, ""],
        ["", "", "", 1233.5, ""],
    ]


def test_a_report_as_csv_has_the_same_rows() -> None:
    lines = report_file(READER, REPORT, format="csv").decode("utf-8-sig").splitlines()
    assert lines == [
        "物料,日期,数量,金额,状态",
        "螺钉,2026-03-01,1.50,1234.50,未结",
        "'=螺母,,,-1.00,",
        ",,,1233.50,",
    ]


def test_a_report_as_pdf_is_a_pdf() -> None:
    assert report_file(READER, REPORT, format="pdf").startswith(b"%PDF-")


def test_instants_are_exported_in_the_zone_of_the_site() -> None:
    out = io.BytesIO()
    columns = export_columns(ORDER, "zh", paths=["seen"])
    export(
        out,
        ORDER,
        columns,
        [{"seen": datetime(2026, 3, 1, tzinfo=UTC).isoformat()}],
        format="csv",
        language="zh",
        zone=ZONE,
    )
    assert "2026-03-01 08:00:00" in out.getvalue().decode()

"""Files as people send them: titles above the head, merged heads, formulas, dates and figures in many spellings, encodings."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
import xlsxwriter
from exchange_site import small_site, system

from anlan.kernel import exchange, record
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused
from anlan.kernel.exchange.columns import normalised
from anlan.kernel.exchange.convert import cell_value
from anlan.kernel.exchange.heads import find_heads
from anlan.kernel.exchange.table import MAX_ROWS

KNOWN = frozenset(
    normalised(one) for one in ("主题", "日期", "物件", "数量", "明细.物件", "编码", "名称", "重量")
)


@pytest.fixture(scope="module")
def ctx(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    with small_site(address, tmp_path_factory.mktemp("home")) as site:
        yield system(site, "import")


def workbook(fill: Callable[[Any, Any], None]) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    fill(book, book.add_worksheet())
    book.close()
    return out.getvalue()


def test_a_title_and_a_line_of_who_made_it_stand_above_the_head() -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.merge_range(0, 0, 0, 2, "物件清单")
        sheet.write_row(1, 0, ["制表：王", "日期：2026-11-20", "第 1 页"])
        sheet.write_row(3, 0, ["编码", "名称", "重量"])
        sheet.write_row(4, 0, ["A", "甲", 1])

    table = exchange.read(workbook(fill), "a.xlsx", heads=KNOWN)
    assert table.headers == ("编码", "名称", "重量")
    assert table.rows == ((5, ("A", "甲", 1.0)),)


def test_two_rows_of_heads_with_merged_groups_become_one() -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.merge_range(0, 0, 1, 0, "主题")
        sheet.merge_range(0, 1, 1, 1, "日期")
        sheet.merge_range(0, 2, 0, 3, "明细")
        sheet.write_row(1, 2, ["物件", "数量"])
        sheet.write_row(2, 0, ["S", "2026-03-01", "A1", 2])

    table = exchange.read(workbook(fill), "a.xlsx", heads=KNOWN)
    assert table.headers == ("主题", "日期", "明细.物件", "数量")
    assert [row for row, _ in table.rows] == [3]


def test_a_row_of_texts_below_the_head_is_data_and_no_second_head() -> None:
    rows = [(1, ("编码", "名称", "重量")), (2, ("A", "甲", None)), (3, ("B", "乙", None))]
    assert find_heads(rows, KNOWN) == (("编码", "名称", "重量"), 1)


def test_a_head_that_is_repeated_on_each_printed_page_is_left_out() -> None:
    table = exchange.read("编码,名称\nA,甲\n\n编码,名称\nB,乙\n,,\n".encode(), heads=KNOWN)
    assert [cells[0] for _, cells in table.rows] == ["A", "B"]


def test_a_head_that_is_broken_inside_its_cell_is_known() -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["编\n码", " 名 称 ", "重量\u00a0"])
        sheet.write_row(1, 0, ["A", "甲", 1])

    headers = exchange.read(workbook(fill), heads=KNOWN).headers
    assert [normalised(one) for one in headers] == ["编码", "名称", "重量"]


def test_a_formula_is_read_as_the_value_that_was_stored_with_it(ctx: Context) -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["编码", "名称", "重量"])
        sheet.write_formula(1, 0, '="F"&1', None, "F1")
        sheet.write_string(1, 1, "甲")
        sheet.write_formula(1, 2, "=2*3.5", None, 7)

    table = exchange.read(workbook(fill), heads=exchange.heads(ctx, "demo.thing"))
    assert table.rows[0][1] == ("F1", "甲", 7.0)


def test_an_error_of_a_spreadsheet_is_a_fault_in_its_cell(ctx: Context) -> None:
    table = exchange.read("编码,名称,重量\nE1,#N/A,#DIV/0!\n".encode())
    faults = exchange.preview(ctx, "demo.thing", table)["faults"]
    assert [(one["row"], one["column"], one["code"]) for one in faults] == [
        (2, 1, "import.error_cell"),
        (2, 2, "import.error_cell"),
    ]


@pytest.mark.parametrize(
    "text",
    ["2026/1/5", "2026-01-05", "2026年1月5日", "20260105", "5-Jan-2026", "Jan 5, 2026", "05 January 2026", "2026.1.5",
     "２０２６－１－５", " 2026-1-5\u00a0", "2026/1/5 00:00:00", "46027"],
)  # fmt: skip
def test_a_date_is_read_in_the_spellings_that_people_use(ctx: Context, text: str) -> None:
    assert dates(ctx, f'主题,日期,物件,数量\nS,"{text}",,\n'.encode()) == "2026-01-05"


@pytest.mark.parametrize("text", ["1/5/2026", "2026-13-01", "2026-02-30", "明天", "5-Foo-2026"])
def test_a_date_that_may_be_read_in_two_ways_or_is_none_is_a_fault(ctx: Context, text: str) -> None:
    table = exchange.read(f"主题,日期\nS,{text}\n".encode())
    assert [one["code"] for one in exchange.preview(ctx, "demo.note", table)["faults"]] == ["import.not_date"]


def test_a_date_of_excel_is_a_date_with_and_without_its_format(ctx: Context) -> None:
    for form in ("yyyy-mm-dd", "General"):

        def fill(book: Any, sheet: Any, form: str = form) -> None:
            sheet.write_row(0, 0, ["主题", "日期"])
            sheet.write_string(1, 0, "S")
            sheet.write_datetime(1, 1, date(2026, 1, 5), book.add_format({"num_format": form}))

        assert dates(ctx, workbook(fill)) == "2026-01-05"


def dates(ctx: Context, content: bytes) -> str:
    """The date that a file with one note gives it."""
    table = exchange.read(content, heads=exchange.heads(ctx, "demo.note"))
    (draft,) = exchange.preview(ctx, "demo.note", table)["faults"] or [{}]
    assert draft == {}, draft
    done = exchange.run(ctx, "demo.note", table, exchange.propose(ctx, "demo.note", table))
    _, _, made = exchange.outcome(ctx, done["id"])
    return str(record.read(ctx, "demo.note", made[0]["id"])["date"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1,280.50", "1280.5"), ("１，２８０．５", "1280.5"), ("¥1,280", "1280"), ("￥ 1 280.5 元", "1280.5"), ("1280元整", "1280"),
     ("RMB 12", "12"), ("12 CNY", "12"), ("-¥5", "-5"), ("−5", "-5"), ("(1,280.00)", "-1280"), ("5-", "-5"), ("13%", "0.13"),
     ("\u00a012\u00a0", "12"), ("\u200b3\ufeff", "3"), ("+3.5", "3.5"), ("1e3", "1000")],
)  # fmt: skip
def test_a_number_is_read_as_people_write_it(ctx: Context, text: str, expected: str) -> None:
    field = ctx.form("demo.thing").fields["weight"]
    assert cell_value(text, field, ctx.site.zone) == expected


@pytest.mark.parametrize("text", ["1.280,50", "12,34", "待定", "--5", "¥", "5 %%", "1-2"])
def test_a_number_that_may_mean_two_things_is_a_fault(ctx: Context, text: str) -> None:
    table = exchange.read(f'编码,名称,重量\nQ,q,"{text}"\n'.encode())
    assert [one["code"] for one in exchange.preview(ctx, "demo.thing", table)["faults"]] == [
        "import.not_number"
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "utf-8", "utf-8-sig", "utf-16"])
def test_a_csv_is_read_in_every_encoding_and_with_every_delimiter(encoding: str, delimiter: str) -> None:
    text = delimiter.join(["编码", "名称"]) + "\r\n" + delimiter.join(["A", '"甲, 乙; 丙, 丁"']) + "\r\n"
    table = exchange.read(text.encode(encoding), "a.csv", heads=KNOWN)
    assert (table.headers, table.rows) == (("编码", "名称"), ((2, ("A", "甲, 乙; 丙, 丁")),))


def zipped(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"%PDF-1.7\n%\xe2\xe3", "import.is_pdf"), (b"\x89PNG\r\n\x1a\n\x00\x00", "import.is_image"),
     (b"\xff\xd8\xff\xe0\x00\x10JFIF", "import.is_image"), (zipped("word/document.xml"), "import.is_document"),
     (zipped("a.csv"), "import.is_archive"), (b"Rar!\x1a\x07\x00", "import.is_archive"),
     (b"<html><table><tr><td>A</td></tr></table></html>", "import.is_web_page"),
     (b"\xd0\xcf\x11\xe0" + b"\x00" * 600 + "EncryptedPackage".encode("utf-16-le"), "import.is_locked"),
     (b"\xd0\xcf\x11\xe0" + b"\x00" * 600, "import.unreadable"), (zipped("xl/workbook.xml"), "import.unreadable"),
     (b"\x00\x01\x02\x03", "import.unreadable")],
)  # fmt: skip
def test_what_is_no_sheet_is_refused_with_what_to_do_instead(ctx: Context, content: bytes, code: str) -> None:
    with pytest.raises(Refused) as refused:
        exchange.read(content, "报价单.xls")
    assert (refused.value.status, refused.value.code) == (415, code)
    for language in ("zh", "en"):
        assert (
            "报价单.xls" in ctx.site.messages.text(code, language, **refused.value.params)
            or code == "import.unreadable"
        )


def test_a_file_with_more_rows_than_an_import_takes_is_refused_with_the_limit() -> None:
    with pytest.raises(Refused) as refused:
        exchange.read(b"a,b\n" + b"1,2\n" * (MAX_ROWS + 1))
    assert (refused.value.status, refused.value.params["limit"]) == (413, MAX_ROWS)


def test_a_header_that_only_resembles_a_name_is_guessed_and_only_where_asked(ctx: Context) -> None:
    table = exchange.read("物件编码,物件名称,重量(kg),颜色\nA,甲,1,红\n".encode())
    assert exchange.propose(ctx, "demo.thing", table) == [None, None, None, None]
    assert exchange.propose(ctx, "demo.thing", table, guesses=True) == ["code", "name", "weight", None]

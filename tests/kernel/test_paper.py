"""Prints: what stands on the page, on which paper, in which language; no value is ever run as code."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta, timezone
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from exchange_site import as_role, small_site, system

from anlan.kernel import describe, paper, record
from anlan.kernel.definition.model import PrintDefinition
from anlan.kernel.errors import Refused
from anlan.kernel.paper import qr
from anlan.kernel.paper.bars import bars, code128, is_ean13
from anlan.kernel.paper.layout import document_data
from anlan.kernel.paper.qr import modules
from anlan.kernel.paper.values import shown
from anlan.kernel.site import Site


def label(zh: str, en: str) -> dict[str, str]:
    return {"zh": zh, "en": en}


FORM: dict[str, Any] = {
    "form": "demo.note",
    "label": label("出库单", "Issue note"),
    "states": {"posted": {"label": label("已过账", "Posted")}},
    "fields": {
        "party": {
            "type": "link",
            "to": "demo.party",
            "label": label("客户", "Party"),
            "linked": {"phone": {"type": "phone", "label": label("电话", "Phone")}},
        },
        "date": {"type": "date", "label": label("日期", "Date")},
        "currency": {"type": "link", "label": label("币别", "Currency")},
        "gross": {"type": "money", "in": "currency", "label": label("价税合计", "Gross")},
        "note": {"type": "long_text", "label": label("备注", "Note")},
        "lines": {
            "type": "lines",
            "label": label("明细", "Lines"),
            "order": ["item", "quantity", "unit", "amount"],
            "fields": {
                "item": {"type": "link", "label": label("物料", "Item")},
                "quantity": {"type": "quantity", "unit": "unit", "label": label("数量", "Quantity")},
                "unit": {"type": "link", "label": label("单位", "Unit")},
                "amount": {"type": "money", "in": "currency", "label": label("金额", "Amount")},
            },
        },
    },
}


def a_print(sheet: str = "a4", **blocks: Any) -> PrintDefinition:
    chosen = blocks or {
        "title": {"block": "title", "fields": ["number", "date"]},
        "head": {"block": "fields", "fields": ["party", "party.phone", "state"]},
        "table": {
            "block": "table",
            "each": "lines",
            "columns": ["item.code", "item", "quantity", "unit", "amount"],
        },
        "totals": {"block": "totals", "fields": ["gross", "RMBCAP(gross)"]},
        "note": {"block": "text", "text": label("备注：{note}", "Note: {note}")},
        "sign": {
            "block": "signatures",
            "fields": ["created_by"],
            "text": label("审核/收货人", "Checked/Received"),
        },
    }
    return PrintDefinition.model_validate(
        {
            "print": "demo.note",
            "form": "demo.note",
            "label": label("出库单", "Issue note"),
            "paper": sheet,
            "blocks": chosen,
            "order": list(chosen),
        }
    )


def a_record(lines: int = 2, **more: Any) -> dict[str, Any]:
    rows = [
        {
            "item": {"id": str(n), "code": f"M{n:03d}", "label": f"螺钉{n}"},
            "quantity": "2.50",
            "unit": {"id": "u", "code": "PCS", "label": "个"},
            "amount": "1000.10",
        }
        for n in range(1, lines + 1)
    ]
    gross = sum((Decimal(row["amount"]) for row in rows), Decimal(0))
    return {
        "id": "r",
        "number": "DN-1",
        "state": "posted",
        "date": "2026-11-24",
        "gross": str(gross),
        "note": "小心轻放",
        "company": {"id": "c", "code": "MAIN", "label": "华东机械"},
        "created_by": {"id": "w", "label": "王敏"},
        "party": {"id": "p", "code": "C1", "label": "恒信", "phone": "0512-62881234"},
        "currency": {"id": "y", "code": "CNY", "label": "人民币"},
        "lines": rows,
    } | more


def reader(language: str = "zh-CN") -> Any:
    return SimpleNamespace(language=language, site=SimpleNamespace(zone=timezone(timedelta(hours=8))))


def pdf_of(*records: dict[str, Any], sheet: str = "a4", language: str = "zh-CN", **blocks: Any) -> bytes:
    return paper.pdf(
        document_data(a_print(sheet, **blocks), FORM, records, language=language, zone=reader().site.zone)
    )


@pytest.fixture(scope="module")
def site(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with small_site(address, tmp_path_factory.mktemp("home")) as made:
        yield made


def pages(pdf: bytes) -> list[str]:
    """The text of each page, without the spaces that typesetting puts between Chinese and Latin letters."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext of poppler-utils is not installed: the text of a PDF cannot be read here")
    done = subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True, timeout=60
    )
    return done.stdout.decode().removesuffix("\f").split("\f")


def packed(pdf: bytes) -> list[str]:
    return [re.sub(r"\s+", "", page) for page in pages(pdf)]


def test_a_print_holds_head_lines_totals_words_note_and_signatures() -> None:
    (text,) = packed(pdf_of(a_record()))
    for wanted in (
        "华东机械",
        "出库单",
        "单据编号：DN-1",
        "日期：2026-11-24",
        "客户：恒信",
        "电话：0512-62881234",
        "状态：已过账",
        "1M001螺钉12.5个1,000.10",
        "合计5",
        "价税合计：¥2,000.20",
        "金额大写：贰仟元贰角整",
        "备注：小心轻放",
        "制单人：王敏",
        "审核：",
        "收货人：",
        "第1页，共1页",
    ):
        assert wanted in text, wanted


def test_the_same_print_in_english() -> None:
    (text,) = packed(pdf_of(a_record(), language="en"))
    for wanted in (
        "Issuenote",
        "Date:24Nov2026",
        "Party:恒信",
        "State:Posted",
        "Itemcode",
        "Total5",
        "Gross:¥2,000.20",
        "Checked:",
        "Page1of1",
    ):
        assert wanted in text, wanted


def test_two_hundred_lines_repeat_the_heads_of_their_columns_on_each_page() -> None:
    found = packed(pdf_of(a_record(200)))
    assert len(found) > 3
    for n, text in enumerate(found, 1):
        assert f"第{n}页，共{len(found)}页" in text
        assert "物料编码" in text
    assert "".join(found).count("M200") == 1
    assert "200,020.00" in found[-1]


def test_each_record_begins_on_a_page_of_its_own_and_is_counted_for_itself() -> None:
    found = packed(pdf_of(a_record(60), a_record(1, number="DN-2")))
    assert "第1页，共2页" in found[0]
    assert "第2页，共2页" in found[1]
    assert "第1页，共1页" in found[2]
    assert "出库单DN-2" in found[2]


@pytest.mark.parametrize(
    ("sheet", "width", "height"),
    [
        ("a4", 210, 297),
        ("a5", 148, 210),
        ("a5-landscape", 210, 148),
        ("241x140", 241, 140),
        ("241x93", 241, 93),
        ("label-60x40", 60, 40),
    ],
)
def test_the_page_has_the_size_of_the_paper(sheet: str, width: int, height: int) -> None:
    blocks = {"title": {"block": "title", "fields": ["number"]}} if sheet.startswith("label") else {}
    pdf = pdf_of(a_record(), sheet=sheet, **blocks)
    box = re.search(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)", pdf)
    assert box is not None
    assert [round(float(points) / 72 * 25.4) for points in box.groups()] == [width, height]


HOSTILE = [
    '#read("/etc/passwd")',
    '#import "@preview/cetz:0.3.0"',
    "]#panic[x]",
    '"); #eval("1+1") //',
    "$ sum $ *bold* _em_ <start> @end = head",
    "\\u{41} \\ \" '",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_code_injection_by_a_value_stays_text(text: str) -> None:
    lines = a_record(1)["lines"]
    lines[0]["item"] = {"id": "1", "code": text, "label": text}
    record = a_record(1, note=text, party={"id": "p", "label": text}) | {"lines": lines}
    found = packed(pdf_of(record, sheet="a4"))
    plain = re.sub(r"\s+", "", text)
    whole = "".join(found).replace("\u200b", "")
    assert len(found) == 1
    assert whole.count(plain) >= 1, whole
    assert "root:" not in whole


def test_quantities_of_different_units_are_not_added_up() -> None:
    record = a_record(2)
    record["lines"][1]["unit"] = {"id": "k", "code": "KG", "label": "千克"}
    table = document_data(a_print(), FORM, [record], language="zh")["documents"][0]["blocks"][2]
    assert [one["value"] for one in table["totals"]] == ["合计", "2,000.20"]


def test_a_field_that_the_reader_may_not_see_prints_empty() -> None:
    form = FORM | {"fields": {key: one for key, one in FORM["fields"].items() if key != "gross"}}
    record = {key: value for key, value in a_record().items() if key != "gross"}
    data = document_data(a_print(), form, [record], language="zh")
    assert [one["value"] for one in data["documents"][0]["blocks"][3]["items"]] == ["", ""]


def test_a_long_field_has_a_row_of_its_own_wherever_it_stands() -> None:
    blocks = {"h": {"block": "fields", "fields": ["party", "note", "date", "number", "note", "state"]}}
    lines = [line.split() for line in pages(pdf_of(a_record(), **blocks))[0].splitlines() if line.strip()]
    assert [len(line) for line in lines if "备注：小心轻放" in line] == [1, 1]


def test_widths_are_kept_but_a_figure_is_never_broken_in_two() -> None:
    blocks = {"t": {"block": "table", "columns": ["item", "amount"], "widths": ["90%", "1%"]}}
    record = a_record(1)
    record["lines"][0]["amount"] = "123456789012.34"
    assert "123,456,789,012.34" in pages(pdf_of(record, **blocks))[0]


def test_a_long_serial_number_stays_in_its_cell() -> None:
    blocks = {"t": {"block": "table", "columns": ["item", "amount"], "widths": ["30mm", "30mm"]}}
    record = a_record(1)
    record["lines"][0]["item"] = {"id": "1", "label": "SN" + "0123456789" * 6}
    text = pages(pdf_of(record, **blocks))[0]
    assert max(len(line.strip()) for line in text.splitlines()) < 60
    assert "1,000.10" in text


@pytest.mark.parametrize(
    ("field", "value", "zh", "en"),
    [
        ({"type": "money"}, "1280.50", "1,280.50", "1,280.50"),
        ({"type": "money"}, "1280", "1,280", "1,280"),
        ({"type": "price"}, "12.5000000000", "12.50", "12.50"),
        ({"type": "price"}, "0.12345", "0.12345", "0.12345"),
        ({"type": "quantity"}, "1500.500", "1,500.5", "1,500.5"),
        ({"type": "percent"}, "13.0", "13%", "13%"),
        ({"type": "boolean"}, False, "否", "No"),
        ({"type": "date"}, "2026-11-24", "2026-11-24", "24 Nov 2026"),
        ({"type": "instant"}, "2026-11-23T16:30:00Z", "2026-11-24 00:30", "24 Nov 2026 00:30"),
        ({"type": "choice", "options": {"a": {"label": label("甲", "A")}}}, "a", "甲", "A"),
        (
            {"type": "multi_choice", "options": {"a": {"label": label("甲", "A")}}},
            ["a", "b"],
            "甲、b",
            "A, b",
        ),
        ({"type": "duration"}, 5400, "1:30", "1:30"),
        ({"type": "link"}, {"code": "C1", "label": None}, "C1", "C1"),
        ({"type": "text"}, None, "", ""),
    ],
)
def test_a_value_is_shown_by_the_type_of_its_field(
    field: dict[str, Any], value: Any, zh: str, en: str
) -> None:
    assert shown(field, value, "zh-CN", reader().site.zone) == zh
    assert shown(field, value, "en", reader().site.zone) == en


def test_a_print_of_a_real_record_shows_what_its_links_know(site: Site) -> None:
    ctx = system(site)
    record.create(ctx, "demo.thing", {"code": "P1", "name": "深沟球轴承", "weight": "6.25"})
    made = record.create(
        ctx,
        "demo.note",
        {"subject": "出库", "lines": [{"thing": "P1", "quantity": 2}, {"thing": "P1", "quantity": 3}]},
    )
    definition = PrintDefinition.model_validate(
        {
            "print": "demo.slip",
            "form": "demo.note",
            "label": label("单", "Slip"),
            "paper": "241x140",
            "blocks": {
                "title": {"block": "title", "fields": ["company", "state"]},
                "table": {
                    "block": "table",
                    "each": "lines",
                    "columns": ["thing.code", "thing", "thing.weight", "quantity"],
                },
            },
            "order": ["title", "table"],
        }
    )
    (text,) = packed(paper.render(ctx, definition, describe.form(ctx, "demo.note"), [made]))
    for wanted in ("状态：草稿", "重量", "1P1深沟球轴承6.252", "合计5"):
        assert wanted in text, text


def test_a_print_shows_nothing_of_a_linked_field_that_the_reader_may_not_see(site: Site) -> None:
    ctx = system(site)
    record.create(ctx, "demo.thing", {"code": "P2", "name": "x", "cost": "77.77"})
    made = record.create(ctx, "demo.note", {"subject": "s", "lines": [{"thing": "P2", "quantity": 2}]})
    definition = PrintDefinition.model_validate(
        {
            "print": "demo.slip",
            "form": "demo.note",
            "label": label("单", "Slip"),
            "blocks": {"table": {"block": "table", "each": "lines", "columns": ["thing", "thing.cost"]}},
            "order": ["table"],
        }
    )
    clerk = as_role(site, "clerk")
    seen = [
        pages(paper.render(one, definition, describe.form(one, "demo.note"), [made]))[0]
        for one in (ctx, clerk)
    ]
    assert "77.77" in seen[0]
    assert "77.77" not in seen[1]


def test_who_may_read_but_not_print_is_refused(site: Site) -> None:
    reader_of_things = as_role(site, "reader")
    definition = PrintDefinition.model_validate(
        {"print": "demo.tag", "form": "demo.thing", "label": "Tag", "blocks": {}, "order": []}
    )
    with pytest.raises(Refused) as refused:
        paper.render(reader_of_things, definition, describe.form(reader_of_things, "demo.thing"), [])
    assert refused.value.status == 403


# -- codes, page sums, languages


def test_bars_of_code_128_read_as_the_standard_says() -> None:
    """Start B, A, check 34 (104 + 33 = 137 - 103), stop; and digits two by two in set C."""
    assert "".join(map(str, code128("A").runs)) == "211214" + "111323" + "131123" + "2331112"
    assert "".join(map(str, code128("1234").runs)).startswith("211232" + "112232" + "131123")


def test_an_ean_13_has_95_modules_and_a_wrong_check_digit_is_none() -> None:
    made = bars("6901234567892")
    assert made is not None
    assert (sum(made.runs), made.runs[:3], made.runs[-3:]) == (95, (1, 1, 1), (1, 1, 1))
    assert is_ean13("4006381333931")
    assert not is_ean13("4006381333932")


def test_chinese_has_no_bars_but_a_square() -> None:
    assert bars("豆干") is None
    block = document_data(
        a_print(code={"block": "code", "fields": ["note"]}), FORM, [a_record(note="批次豆干")], language="zh"
    )["documents"][0]["blocks"][0]
    assert (block["bars"], len(block["square"])) == ([], 21)


@pytest.mark.parametrize(("length", "size"), [(14, 21), (15, 25), (40, 29), (180, 53), (500, 57)])
def test_a_square_grows_with_its_text_and_keeps_its_finders(length: int, size: int) -> None:
    made = modules("x" * length)
    assert len(made) == size
    finder = [[max(abs(y - 3), abs(x - 3)) != 2 for x in range(7)] for y in range(7)]
    assert (
        [row[:7] for row in made[:7]]
        == [row[-7:] for row in made[:7]]
        == [row[:7] for row in made[-7:]]
        == finder
    )


def test_a_square_says_what_was_put_in() -> None:
    """Read back: format bits give the mask; the bits in the standard's order, unmasked, are the bytes again."""
    made = modules("F06-261124")
    size = len(made)
    bits = sum(made[y][x] << n for n, (y, x) in enumerate(qr._format_places(size)[:15]))
    mask = next(n for n in range(8) if qr.format_bits(n) == bits)
    _, fixed = qr._patterns(1)
    read = "".join("01"[made[y][x] ^ qr._MASKS[mask](y, x)] for y, x in qr._free(fixed))
    content = [int(read[at : at + 8], 2) for at in range(0, 16 * 8, 8)]
    assert qr.correction(content, 10) == [int(read[at : at + 8], 2) for at in range(16 * 8, 26 * 8, 8)]
    whole = "".join(f"{one:08b}" for one in content)
    assert (whole[:4], int(whole[4:12], 2)) == ("0100", 10)
    assert bytes(int(whole[12 + 8 * n : 20 + 8 * n], 2) for n in range(10)) == b"F06-261124"


def _summed(lines: int) -> list[str]:
    return packed(
        pdf_of(
            a_record(lines),
            table={"block": "table", "each": "lines", "columns": ["item", "amount"], "page_sums": True},
        )
    )


def test_each_page_of_a_long_table_is_summed_and_the_last_one_has_the_total() -> None:
    found = _summed(100)
    assert len(found) > 1
    sums = [Decimal(re.search(r"本页小计([0-9,.]+)", page)[1].replace(",", "")) for page in found]  # type: ignore[index]
    assert sum(sums) == Decimal("100010.00")
    assert ["合计100,010.00" in page for page in found] == [*[False] * (len(found) - 1), True]


def test_a_table_on_one_page_is_not_summed_twice() -> None:
    (page,) = _summed(3)
    assert "本页小计" not in page
    assert "合计3,000.30" in page


def test_a_record_says_in_which_language_it_is_printed() -> None:
    definition = a_print().model_copy(update={"language": "party.language"})
    parties = [{"id": "p", "code": "C1", "label": "A", "language": one} for one in ("en", "zh_cn", None)]
    records = [a_record(party=party) for party in parties]
    data = document_data(definition, FORM, records, language="zh-CN")
    assert [one["lang"] for one in data["documents"]] == ["en", "zh", "zh"]
    english, chinese, _ = packed(paper.pdf(data))
    assert "Partycode" in english or "Party:A" in english
    assert "客户：A" in chinese


def test_zeros_are_left_out_where_the_print_says_so() -> None:
    record = a_record()
    record["lines"][0]["amount"] = "0"
    table = {"block": "table", "each": "lines", "columns": ["item", "amount"], "hide_zeros": True}
    block = document_data(a_print(table=table), FORM, [record], language="zh")["documents"][0]["blocks"][0]
    assert [row[-1] for row in block["rows"]] == ["", "1,000.10"]


def test_words_of_an_amount_are_for_yuan_only() -> None:
    dollars = a_record(currency={"id": "u", "code": "USD", "label": "Dollar"})
    assert "金额大写" in packed(pdf_of(a_record()))[0]
    assert "金额大写" not in packed(pdf_of(dollars))[0]


def test_a_long_name_is_cut_on_a_label_so_that_its_code_keeps_its_place() -> None:
    blocks = {
        "name": {"block": "text", "text": label("{note}", "{note}")},
        "code": {"block": "code", "fields": ["number"]},
    }
    found = packed(pdf_of(a_record(note="长" * 200), sheet="label-60x40", **blocks))
    assert len(found) == 1
    assert "…" in found[0]
    assert "DN-1" in found[0]

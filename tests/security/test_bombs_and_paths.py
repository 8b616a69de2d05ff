"""Path traversal, zip bombs, formula bombs, bodies that are too large or too deep: refused, and quickly."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from anlan.web.app import create_app
from whole_site import Api

pytest_plugins = ["whole_site"]

TRAVERSALS = ["../../etc/passwd", "..\\..\\windows\\win.ini", "/etc/passwd", "a/../../b.txt", "....//x", "\u2025/x", "x" * 5000, "CON", ".", "..", "a\r\nSet-Cookie: x=1.txt", '";evil=".txt', "名称 🙂.txt"]  # fmt: skip


@contextmanager
def within(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


@pytest.mark.parametrize("name", TRAVERSALS)
def test_path_traversal_in_an_uploads_name_leaves_the_file_where_all_files_are(ask: Api, name: str) -> None:
    home: Path = ask.site.home
    before = set(home.parent.rglob("*")) | set(Path("/tmp").glob("b.txt"))
    answer = ask("POST", "/files", by="clerk", files={"file": (name, b"content of " + name.encode()[:40])})
    assert answer.status_code in (201, 400, 422), answer.text
    new = set(home.parent.rglob("*")) - before
    assert all(path.is_relative_to(home / "files") for path in new), new
    if answer.status_code == 201:
        saved = answer.json()
        assert "/" not in saved["name"] and "\\" not in saved["name"] and "\n" not in saved["name"]
        read = ask("GET", f"/files/{saved['id']}", by="clerk")
        assert read.status_code == 200 and "set-cookie" not in read.headers


def test_path_traversal_in_an_address_reaches_no_file(ask: Api) -> None:
    with TestClient(create_app(ask.site), raise_server_exceptions=False) as client:
        for attack in (
            "..%2f..%2f..%2fetc%2fpasswd",
            "%2e%2e/%2e%2e/etc/passwd",
            "....//....//etc/passwd",
            "..%5c..%5cpyproject.toml",
            "%00",
            "//etc/passwd",
        ):
            for start in (
                "/static/",
                "/api/v1/files/",
                "/f/",
                "/api/docs/",
                "/api/v1/records/sales.order/",
                "/api/v1/records/",
            ):
                answer = client.get(start + attack, follow_redirects=False)
                assert answer.status_code in (303, 307, 400, 401, 404, 422), (
                    start + attack,
                    answer.status_code,
                )
                assert "root:" not in answer.text


def _zip(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def _sheet(cells: bytes) -> dict[str, bytes]:
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rels = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    return {
        "[Content_Types].xml": b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{package}"><Relationship Id="r1" Type="{rels}/officeDocument" Target="xl/workbook.xml"/></Relationships>'.encode(),
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{rels}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>'.encode(),
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}"><Relationship Id="r1" Type="{rels}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'.encode(),
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>'.encode()
        + cells
        + b"</sheetData></worksheet>",
    }


def test_zip_bomb_a_workbook_that_unpacks_to_gigabytes_is_refused_unread(ask: Api) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in _sheet(b"").items():
            archive.writestr(name, content)
        with archive.open("xl/sharedStrings.xml", "w", force_zip64=True) as member:
            chunk = b"\0" * (1 << 22)
            for _ in range(260):
                member.write(chunk)
    with within(8):
        answer = ask("POST", "/import/base.item", files={"file": ("bomb.xlsx", out.getvalue())})
    assert answer.status_code in (413, 415, 422), answer.text[:300]


def _document(rows: int, columns: int) -> bytes:
    """An OpenDocument sheet of one cell that says how often it is repeated."""
    names = "urn:oasis:names:tc:opendocument:xmlns"
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    cell = f'<table:table-cell office:value-type="float" office:value="1" table:number-columns-repeated="{columns}"/>'
    return _zip({
        "mimetype": kind.encode(),
        "META-INF/manifest.xml": f'<manifest:manifest xmlns:manifest="{names}:manifest:1.0"><manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/></manifest:manifest>'.encode(),
        "content.xml": f'<office:document-content xmlns:office="{names}:office:1.0" xmlns:table="{names}:table:1.0"><office:body><office:spreadsheet><table:table table:name="S">'
        f'<table:table-row table:number-rows-repeated="{rows}">{cell}</table:table-row></table:table></office:spreadsheet></office:body></office:document-content>'.encode(),
    })  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(_zip(_sheet(b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')), id="two corners"),
        pytest.param(_zip(_sheet(b"<row  r = '1048576' ><c r = 'XFD1048576' ><v>1</v></c></row>")), id="one corner"),
        pytest.param(_document(1_048_576, 16_384), id="repeated cell"),
    ],
)  # fmt: skip
def test_sheet_bomb_a_few_bytes_that_unfold_to_billions_of_cells_are_refused_unread(
    ask: Api, content: bytes
) -> None:
    assert len(content) < 3000
    with within(3):
        answer = ask("POST", "/import/base.item", files={"file": ("a.xlsx", content)})
    assert (answer.status_code, answer.json()["code"]) == (413, "import.too_many_cells")


def test_sheet_bomb_an_ordinary_document_with_repeats_is_read(ask: Api) -> None:
    seen = ask.ok("POST", "/import/base.item", files={"file": ("a.ods", _document(3, 4))})
    assert len(seen["columns"]) == 4
    assert seen["records"] == 0  # rows like the head are the head once more


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"PK\x03\x04" + b"\0" * 2000, id="broken zip"),
        pytest.param(b"\xd0\xcf\x11\xe0" + b"\xff" * 2000, id="broken xls"),
        pytest.param(_zip({"a": b"x"}), id="zip of something else"),
        pytest.param(
            _zip(_sheet(b'<row r="1"><c r="A1" t="s"><v>99999999</v></c></row>')),
            id="string that is not there",
        ),
        pytest.param(
            _zip(
                {
                    **_sheet(b""),
                    "xl/workbook.xml": b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><workbook>&c;&c;&c;</workbook>',
                }
            ),
            id="billion laughs",
        ),
        pytest.param(b"\xff\xfe" * 5000, id="no text"),
        pytest.param(b"code,name\n" + b'"' * 100_001, id="quotes without end"),
        pytest.param(b"," * 100_000, id="commas"),
        pytest.param(b"code\n" + b"x" * 5_000_000, id="one huge cell"),
    ],
)
def test_zip_bomb_odd_files_are_refused_or_are_tables_with_faults(ask: Api, content: bytes) -> None:
    with within(10):
        answer = ask("POST", "/import/base.item", files={"file": ("a.xlsx", content)})
    assert answer.status_code in (200, 400, 413, 415, 422), answer.text[:300]
    if answer.status_code == 200:
        assert answer.json()["creates"] == answer.json()["bad"]


BOMBS = [
    "9^9^9^9", "9^999999999", "-9^-99999999", "2^0.5^99", "(" * 500 + "1" + ")" * 500, "-" * 5000 + "1", "NOT(" * 70 + "TRUE" + ")" * 70,
    "+".join(["1"] * 4000), '"' + "x" * 9000 + '"', "REPT(REPT(\"x\", 10000), 10000)", 'REPT("x", 999999999)', "FACT(99999)",
    "&".join(['REPT("x", 9999)'] * 200), "1/3/3/3/3/3/3/7^99", "10^400", "1e400", "ROUND(1, 999999999)", "ROUND(1, -999999999)",
    'SUBSTITUTE(REPT("a", 9999), "a", REPT("a", 9999))', "DATE(9999999, 99, 99)", "DATE(2026, 1, 1) + 999999999", "EXP(9999)", "POWER(10, 1000000)",
    'TEXT(1, "0' + "0" * 5000 + '")', "SQRT(-1)", "LN(0)", "MOD(1, 0)", 'VALUE("1e999999")', "IF(" * 63 + "TRUE" + ",1,2)" * 63,
]  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS, ids=[text[:24] for text in BOMBS])
def test_formula_bomb_is_an_error_value_or_a_fault_at_once(ask: Api, bomb: str) -> None:
    with within(3):
        answer = ask("POST", "/formula/evaluate", {"expression": bomb}, by="clerk")
    assert answer.status_code in (200, 422), answer.text[:300]
    assert len(answer.content) < 300_000
    with within(4):
        listed = ask("GET", "/records/base.item", params={"where": f"({bomb}) = 1"})
    assert listed.status_code in (200, 414, 422), listed.text[:300]


def test_a_body_of_more_than_twenty_megabytes_is_refused(ask: Api) -> None:
    text = b'{"code": "' + b"x" * (20 * 2**20) + b'"}'
    with within(5):
        answer = ask("POST", "/records/base.item", content=text, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_a_body_just_below_the_limit_is_a_fault_of_its_field(ask: Api) -> None:
    with within(5):
        answer = ask("POST", "/records/base.item", {"code": "x" * 19_000_000, "name": "n", "unit": "KG"})
    assert (answer.status_code, answer.json()["code"]) == (422, "too_long")
    assert len(answer.content) < 10_000


DEEP: list[bytes] = [
    b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    b'{"lines":' + b"[" * 70 + b"]" * 70 + b"}", b'{"lines": [' + b"{}," * 200_000 + b"{}]}", b'{"lines": [' + b"null," * 6000 + b"1]}",
    b'{"' + b"k" * 100_000 + b'": 1}', b'{"code": ' + b"9" * 100_000 + b"}", b'{"price": 1e99999999}', b'{"code": "\\ud800"}', b'{"code": "a\\u0000b"}',
    b"\xef\xbb\xbf{}", b'{"code": 1' + b" " * 1_000_000 + b"}", b"NaN", b'"x"', b"[]", b"0", b"",
]  # fmt: skip


@pytest.mark.parametrize("at", range(len(DEEP)))
def test_json_that_is_deep_long_or_odd_is_refused_at_once(ask: Api, at: int) -> None:
    for path in (
        "/records/sales.order",
        "/records/sales.order/preview",
        "/records/sales.order/batch",
        "/batch",
        "/records/base.item/query",
    ):
        with within(6):
            answer = ask("POST", path, content=DEEP[at], headers={"Content-Type": "application/json"})
        assert answer.status_code in (200, 201, 400, 413, 415, 422), (path, answer.text[:300])
        assert len(answer.content) < 1_000_000, path


@pytest.mark.parametrize("quantity", ["1e30", "1" + "0" * 30, "-1e30", "0.000000000000000001", "1e-30", "NaN", "Infinity", "١٢٣", "1,000", "0x10", True, [], {}, " 5 "])  # fmt: skip
def test_a_quantity_beyond_measure_is_a_fault_of_its_line(ask: Api, quantity: Any) -> None:
    lines = [{"item": "A-0", "quantity": quantity, "price": quantity}]
    made = ask("POST", "/records/sales.order", {"customer": "C-0", "lines": lines})
    if made.status_code == 422:
        assert all(error["path"].startswith("lines[0]") for error in made.json()["errors"]), made.text
        return
    confirmed = ask("POST", f"/records/sales.order/{made.json()['id']}/do/confirm")
    assert confirmed.status_code in (200, 422), confirmed.text


@pytest.mark.parametrize("text", ["🙂" * 50, "\u202e\u2066reversed", "e\u0301" * 40, "\ufffd\ufffe\uffff", "a\tb\nc", "👨‍👩‍👧‍👦", "\U0010ffff", "İ" * 20, "ß" * 20])  # fmt: skip
def test_odd_characters_are_stored_searched_and_read_back(ask: Api, text: str) -> None:
    code = f"U{abs(hash(text)) % 10**10}"
    answer = ask("POST", "/records/base.item", {"code": code, "name": text, "unit": "KG"})
    if answer.status_code == 422:
        assert answer.json()["errors"][0]["path"] == "name"
        return
    assert ask.ok("GET", f"/records/base.item/{code}")["name"] == answer.json()["name"]
    for params in ({"search": text}, {"where": f'name = "{text}"'}):
        assert ask("GET", "/records/base.item", params=params).status_code in (200, 422)

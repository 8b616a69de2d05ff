"""Imports into real forms: previewed, all or nothing, good rows only, repeated, remembered, taken back."""

import io
import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import xlsxwriter
from exchange_site import as_role, small_site, system

from anlan.kernel import exchange, file, job, record
from anlan.kernel.access import identity
from anlan.kernel.access.caller import caller_from
from anlan.kernel.access.policy import TokenScope
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused
from anlan.kernel.exchange.jobs import request_export, request_import
from anlan.kernel.exchange.table import Table
from anlan.kernel.ids import uuid7
from anlan.kernel.job import worker
from anlan.kernel.query import Query
from anlan.kernel.site import Site


@pytest.fixture(scope="module")
def site(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with small_site(address, tmp_path_factory.mktemp("home")) as made:
        yield made


@pytest.fixture
def ctx(site: Site) -> Context:
    return system(site, "import")


def a_table(*rows: list[Any]) -> Table:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet()
    for at, row in enumerate(rows):
        for column, cell in enumerate(row):
            if cell is not None:
                sheet.write(at, column, cell)
    book.close()
    return exchange.read(out.getvalue(), "a.xlsx")


def fresh(prefix: str = "X") -> str:
    """A code that no other test uses."""
    return prefix + uuid7()[-12:].upper()


def run(ctx: Context, form: str, table: Table, **more: Any) -> exchange.Result:
    return exchange.run(ctx, form, table, exchange.propose(ctx, form, table), **more)


def exists(ctx: Context, code: str, form: str = "demo.thing") -> bool:
    try:
        record.read(ctx, form, code)
    except Refused:
        return False
    return True


def test_records_are_made_from_rows(ctx: Context) -> None:
    code, other = fresh(), fresh()
    done = run(ctx, "demo.thing", a_table(["编码*", "名称", "重量"], [code, "甲", 1.5], [other, "乙", "２"]))
    assert (done["created"], done["updated"], done["skipped"], done["faults"]) == (2, 0, 0, [])
    assert record.read(ctx, "demo.thing", code)["weight"] == "1.5"
    assert record.read(ctx, "demo.thing", other)["weight"] == "2"


def test_documents_are_made_with_their_lines_by_code_and_by_name(ctx: Context) -> None:
    subject = fresh()
    table = a_table(["主题", "物件", "数量"], [subject, "A1", 2], [None, "螺母", 3])
    run(ctx, "demo.note", table)
    (note,) = notes(ctx, subject)
    assert [(line["thing"]["code"], line["quantity"]) for line in note["lines"]] == [("A1", "2"), ("A2", "3")]
    assert note["total"] == "5"


def notes(ctx: Context, subject: str) -> list[dict[str, Any]]:
    from anlan.kernel import query

    return query.records(
        ctx, "demo.note", Query(where=f'subject = "{subject}"', fields=["total", "lines", "state"])
    )["data"]  # type: ignore[no-any-return]


def test_a_preview_tells_every_fault_with_its_cell_and_keeps_nothing(ctx: Context) -> None:
    good, bad, light = fresh(), fresh(), fresh()
    table = a_table(
        ["编码", "名称", "重量", "颜色"],
        [good, "甲", 1, "红"],
        [bad, None, "x", None],
        [light, "乙", -1, None],
    )
    seen = exchange.preview(ctx, "demo.thing", table)
    assert seen["columns"] == ["code", "name", "weight", None]
    assert seen["unmatched"] == [3]
    assert (seen["records"], seen["creates"], seen["updates"], seen["bad"]) == (3, 3, 0, 2)
    assert {(one["row"], one["column"], one["code"]) for one in seen["faults"]} == {
        (3, 1, "required"),
        (3, 2, "import.not_number"),
        (4, 2, "value_not_allowed"),
    }
    assert not exists(ctx, good)


def test_a_preview_says_which_obligatory_columns_are_missing(ctx: Context) -> None:
    assert exchange.preview(ctx, "demo.thing", a_table(["编码", "重量"], [fresh(), 1]))["missing"] == ["name"]
    assert exchange.preview(ctx, "demo.note", a_table(["主题", "日期"], ["x", None]))["missing"] == []
    assert exchange.preview(ctx, "demo.note", a_table(["主题", "数量"], ["x", 1]))["missing"] == [
        "lines.thing"
    ]


def test_all_means_nothing_is_imported_when_one_row_has_a_fault(ctx: Context) -> None:
    good, bad = fresh(), fresh()
    with pytest.raises(Refused) as refused:
        run(ctx, "demo.thing", a_table(["编码", "名称", "重量"], [good, "甲", 1], [bad, "乙", -1]))
    assert refused.value.code == "import.refused"
    assert [(one["row"], one["column"]) for one in refused.value.data["faults"]] == [(3, 2)]
    assert not exists(ctx, good)


def test_good_means_rows_with_faults_are_left_out_and_told(ctx: Context) -> None:
    good, bad = fresh(), fresh()
    table = a_table(["编码", "名称", "重量"], [good, "甲", 1], [bad, "乙", -1], [fresh(), None, None])
    done = run(ctx, "demo.thing", table, mode="good")
    assert (done["created"], done["skipped"]) == (1, 2)
    assert {one["row"] for one in done["faults"]} == {3, 4}
    assert exists(ctx, good)
    assert not exists(ctx, bad)


def test_a_row_whose_code_exists_changes_that_record_and_blank_cells_leave_it(ctx: Context) -> None:
    code = fresh()
    run(ctx, "demo.thing", a_table(["编码", "名称", "重量"], [code, "甲", 1]))
    done = run(ctx, "demo.thing", a_table(["编码", "名称", "重量"], [code, "乙", None]))
    assert (done["created"], done["updated"]) == (0, 1)
    changed = record.read(ctx, "demo.thing", code)
    assert (changed["name"], changed["weight"], changed["version"]) == ("乙", "1", 2)


def test_a_code_that_stands_twice_in_a_file_is_a_fault(ctx: Context) -> None:
    code = fresh()
    seen = exchange.preview(ctx, "demo.thing", a_table(["编码", "名称"], [code, "甲"], [code, "乙"]))
    assert [(one["row"], one["column"], one["code"]) for one in seen["faults"]] == [(3, 0, "import.twice")]


def test_an_export_can_be_imported_again_and_changes_nothing(ctx: Context) -> None:
    subject = fresh()
    run(ctx, "demo.note", a_table(["主题", "物件", "数量"], [subject, "A1", 2], [None, "A2", 3]))
    (before,) = notes(ctx, subject)
    record.step(ctx, "demo.note", before["id"], "confirm")
    out = io.BytesIO()
    assert (
        exchange.export_query(ctx, "demo.note", Query(where=f'subject = "{subject}"'), out, format="xlsx")
        == 2
    )
    table = exchange.read(out.getvalue())
    seen = exchange.preview(ctx, "demo.note", table)
    assert (seen["unmatched"], seen["faults"]) == ([], [])
    done = run(ctx, "demo.note", table)
    assert (done["created"], done["updated"]) == (0, 1)
    (after,) = notes(ctx, subject)
    assert [line["id"] for line in after["lines"]] == [line["id"] for line in before["lines"]]


def test_link_texts_that_name_nothing_are_grouped_once_and_can_be_replaced(ctx: Context) -> None:
    subject, other = fresh(), fresh()
    table = a_table(["主题", "物件", "数量"], [subject, "螺丁", 1], [None, "螺丁", 2], [other, "垫圈", 1])
    seen = exchange.preview(ctx, "demo.note", table)
    assert [(one["form"], one["text"], one["rows"]) for one in seen["unknown"]] == [
        ("demo.thing", "螺丁", [2, 3])
    ]
    assert [(one["row"], one["code"]) for one in seen["faults"]] == [
        (2, "import.unknown_link"),
        (3, "import.unknown_link"),
        (4, "import.ambiguous"),
    ]
    run(ctx, "demo.note", table, ways=exchange.Ways(replace={"demo.thing": {"螺丁": "A1", "垫圈": "B1"}}))
    assert [line["thing"]["code"] for line in notes(ctx, subject)[0]["lines"]] == ["A1", "A1"]
    assert [line["thing"]["code"] for line in notes(ctx, other)[0]["lines"]] == ["B1"]


def test_the_same_key_is_the_same_import(ctx: Context) -> None:
    code, key = fresh(), fresh("k")
    table = a_table(["编码", "名称"], [code, "甲"])
    first = run(ctx, "demo.thing", table, key=key)
    assert run(ctx, "demo.thing", table, key=key) == first
    assert record.read(ctx, "demo.thing", code)["version"] == 1


def test_a_mapping_that_was_chosen_is_proposed_for_the_next_file(ctx: Context) -> None:
    table = a_table(["货号", "编码", "品名"], [fresh(), "没用", "甲"])
    assert exchange.propose(ctx, "demo.thing", table) == [None, "code", None]
    exchange.run(ctx, "demo.thing", table, ["code", "", "name"])
    assert exchange.propose(ctx, "demo.thing", table) == ["code", "", "name"]
    plain = a_table(["编码", "名称"], [fresh(), "甲"])
    exchange.run(ctx, "demo.thing", plain, ["code", "name"])  # and back again
    assert exchange.propose(ctx, "demo.thing", plain) == ["code", "name"]


def test_an_import_is_taken_back_except_what_was_changed_since(ctx: Context) -> None:
    old, kept, gone, used = fresh(), fresh(), fresh(), fresh()
    run(ctx, "demo.thing", a_table(["编码", "名称"], [old, "甲"]))
    done = run(
        ctx, "demo.thing", a_table(["编码", "名称"], [old, "新"], [kept, "乙"], [gone, "丙"], [used, "丁"])
    )
    record.update(ctx, "demo.thing", kept, {"name": "改"}, version=1)
    run(ctx, "demo.note", a_table(["主题", "物件"], [fresh(), used]))
    undone = exchange.undo(ctx, done["id"])
    assert undone["deleted"] == 1
    assert len(undone["kept"]) == 3
    assert [exists(ctx, code) for code in (old, kept, gone, used)] == [True, True, False, True]
    with pytest.raises(Refused) as refused:
        exchange.undo(ctx, done["id"])
    assert refused.value.status == 409


def test_nobody_else_takes_an_import_back(site: Site, ctx: Context) -> None:
    done = run(ctx, "demo.thing", a_table(["编码", "名称"], [fresh(), "甲"]))
    with pytest.raises(Refused) as refused:
        exchange.undo(as_role(site, "clerk"), done["id"])
    assert refused.value.status == 404


def test_who_may_not_import_is_refused(site: Site) -> None:
    table = a_table(["编码", "名称"], [fresh(), "甲"])
    for work in (
        lambda: exchange.preview(as_role(site, "reader"), "demo.thing", table),
        lambda: exchange.run(as_role(site, "reader"), "demo.thing", table, ["code", "name"]),
        lambda: exchange.template_of(as_role(site, "reader"), "demo.thing"),
        lambda: exchange.export_query(
            as_role(site, "reader"), "demo.thing", Query(), io.BytesIO(), format="csv"
        ),
    ):
        with pytest.raises(Refused) as refused:
            work()
        assert refused.value.status == 403


def test_a_field_that_the_caller_may_not_see_is_neither_imported_nor_exported(
    site: Site, ctx: Context
) -> None:
    clerk, code = as_role(site, "clerk"), fresh()
    table = a_table(["编码", "名称", "成本"], [code, "甲", 9])
    assert exchange.propose(clerk, "demo.thing", table) == ["code", "name", ""]
    exchange.run(clerk, "demo.thing", table, ["code", "name", "cost"])  # forced by hand
    assert record.read(ctx, "demo.thing", code)["cost"] is None
    out = io.BytesIO()
    exchange.export_query(clerk, "demo.thing", Query(), out, format="csv", paths=["code", "cost"])
    assert "成本" not in out.getvalue().decode()
    assert "Cost" not in out.getvalue().decode()


def test_every_fault_of_an_import_has_a_sentence_in_both_languages(site: Site, ctx: Context) -> None:
    table = a_table(["主题", "日期", "物件", "数量"], [None, "bad", "??", "x"], ["b", None, "垫圈", 1])
    for one in exchange.preview(ctx, "demo.note", table)["faults"]:
        texts = [site.messages.text(one["code"], language, **one["params"]) for language in ("zh", "en")]
        assert one["code"] not in texts
        assert all("{" not in text for text in texts), texts


def test_an_import_in_the_background_is_done_once_in_the_name_of_who_asked(site: Site, ctx: Context) -> None:
    clerk, code = a_user(site, ctx), fresh()
    content = f"编码,名称\n{code},甲\n".encode()
    saved = file.save(clerk, [content], name="things.csv")
    id = request_import(clerk, "demo.thing", saved.id, ["code", "name"])
    worker.drain(site)
    with site.pool.connection() as connection:
        done = job.state(connection, id)
        connection.execute(
            "update outbox set state = 'waiting' where id = $1", [id]
        )  # as if its worker had died
    assert done is not None
    assert (done["state"], done["result"]["created"]) == ("done", 1)
    worker.drain(site)
    assert record.read(ctx, "demo.thing", code)["version"] == 1
    assert record.read(ctx, "demo.thing", code)["created_by"]["id"] == clerk.caller.user


def test_a_background_import_that_is_refused_tells_why(site: Site, ctx: Context) -> None:
    clerk = a_user(site, ctx)
    saved = file.save(clerk, [b"code,name,weight\nZ,z,-1\n"], name="things.csv")
    id = request_import(clerk, "demo.thing", saved.id, ["code", "name", "weight"])
    worker.drain(site)
    with site.pool.connection() as connection:
        done = job.state(connection, id)
    assert done is not None
    assert done["state"] == "failed"
    assert done["error"] is not None
    assert done["error"]["code"] == "import.refused"


def test_an_export_in_the_background_becomes_a_file_of_who_asked(site: Site, ctx: Context) -> None:
    clerk = a_user(site, ctx)
    id = request_export(clerk, "demo.thing", Query(where='code = "A1"'), format="csv", paths=["code", "name"])
    worker.drain(site)
    with site.pool.connection() as connection:
        done = job.state(connection, id)
    assert done is not None
    assert done["result"]["rows"] == 1
    found, path = file.open(clerk, done["result"]["file"])
    assert found.name.endswith(".csv")
    assert path.read_text("utf-8-sig").splitlines() == ["Code,Name", "A1,螺钉"]
    with pytest.raises(Refused):
        file.open(as_role(site, "clerk"), found.id)


def test_a_token_that_is_narrowed_narrows_its_jobs_too(site: Site, ctx: Context) -> None:
    full = a_user(site, ctx)
    user = full.caller
    narrowed = Context(site, replace(user, policy=user.policy.narrowed(SCOPE), token_scope=SCOPE), via="api")
    saved = file.save(full, ["编码,名称\nQ1,x\n".encode()], name="a.csv")
    id = request_import(narrowed, "demo.thing", saved.id, ["code", "name"])
    worker.drain(site)
    with site.pool.connection() as connection:
        done = job.state(connection, id)
    assert done is not None
    assert done["state"] == "failed"  # it may import, but not create
    assert not exists(ctx, "Q1")


SCOPE = TokenScope(frozenset({"demo.thing"}), frozenset({"import", "read"}))


def a_user(site: Site, ctx: Context) -> Context:
    """The context of a clerk who has a record, as jobs look him up."""
    made = record.create(
        ctx, "system.user", {"code": fresh("u"), "name": "Clerk", "roles": ["clerk"], "language": "en"}
    )
    with site.pool.connection() as connection:
        row = connection.execute(
            f"select {identity.COLUMNS} from {identity.USERS} u where u.id = $1", [made["id"]]
        ).fetchone()
    assert row is not None
    return Context(site, caller_from(identity.from_row(row), site.catalogue.policies), via="import")


def test_two_thousand_rows_are_previewed_and_imported_in_seconds(ctx: Context) -> None:
    prefix = fresh("P")
    table = a_table(["编码", "名称", "重量"], *([f"{prefix}-{n}", f"名{n}", n + 1] for n in range(2000)))
    started = time.monotonic()
    done = run(ctx, "demo.thing", table)
    assert done["created"] == 2000
    assert time.monotonic() - started < 30
    total = Decimal(0)
    out = io.BytesIO()
    rows = exchange.export_query(
        ctx,
        "demo.thing",
        Query(where=f'LEFT(code, {len(prefix)}) = "{prefix}"'),
        out,
        format="csv",
        paths=["code", "weight"],
    )
    assert rows == 2000
    total = sum(
        (Decimal(line.split(",")[1]) for line in out.getvalue().decode("utf-8-sig").splitlines()[1:]), total
    )
    assert total == 2000 * 2001 // 2

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
from anlan.kernel.exchange.ways import stored
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


def test_a_record_is_found_by_another_column_than_its_code(ctx: Context) -> None:
    code, name = fresh(), fresh("名")
    run(ctx, "demo.thing", a_table(["编码", "名称"], [code, name]))
    done = run(ctx, "demo.thing", a_table(["名称", "重量"], [name, 7]), ways=exchange.Ways(key="name", does="update"))
    assert (done["created"], done["updated"]) == (0, 1)
    assert record.read(ctx, "demo.thing", code)["weight"] == "7"


def test_a_value_that_two_records_have_finds_none_of_them(ctx: Context) -> None:
    name = fresh("名")
    run(ctx, "demo.thing", a_table(["编码", "名称"], [fresh(), name], [fresh(), name]))
    table = a_table(["名称", "重量"], [name, 7])
    paths = exchange.propose(ctx, "demo.thing", table)
    seen = exchange.preview(ctx, "demo.thing", table, paths, ways=exchange.Ways(key="name"))
    assert "import.several" in {one["code"] for one in seen["faults"]}


@pytest.mark.parametrize(("does", "codes"), [("create", ["import.exists"]), ("update", ["import.not_there"]), ("both", [])])
def test_rows_that_are_not_what_was_asked_for_are_faults(ctx: Context, does: Any, codes: list[str]) -> None:
    old, new = fresh(), fresh()
    run(ctx, "demo.thing", a_table(["编码", "名称"], [old, "甲"]))
    table = a_table(["编码", "名称"], [old, "乙"], [new, "丙"])
    paths = exchange.propose(ctx, "demo.thing", table)
    seen = exchange.preview(ctx, "demo.thing", table, paths, ways=exchange.Ways(does=does))
    assert [one["code"] for one in seen["faults"]] == codes


def test_blank_cells_of_a_change_clear_the_value_where_that_was_chosen(ctx: Context) -> None:
    code = fresh()
    run(ctx, "demo.thing", a_table(["编码", "名称", "重量"], [code, "甲", 3]))
    table = a_table(["编码", "名称", "重量"], [code, "乙", None])
    run(ctx, "demo.thing", table)
    assert record.read(ctx, "demo.thing", code)["weight"] == "3"
    run(ctx, "demo.thing", table, ways=exchange.Ways(empty="clear"))
    assert record.read(ctx, "demo.thing", code)["weight"] is None


def test_blank_cells_of_lines_clear_them_too(ctx: Context) -> None:
    subject = fresh()
    run(ctx, "demo.note", a_table(["主题", "物件", "数量"], [subject, "A1", 2], [None, "螺母", 3]))
    (note,) = notes(ctx, subject)
    table = a_table(["主题", "物件", "数量"], [subject, "A1", None], [None, "螺母", 3])
    done = run(ctx, "demo.note", table, ways=exchange.Ways(key="subject", empty="clear"))
    assert (done["created"], done["updated"]) == (0, 1)
    assert [one["quantity"] for one in record.read(ctx, "demo.note", note["id"])["lines"]] == [None, "3"]


def test_a_cell_that_was_put_right_is_read_and_the_file_stays_as_it_is(ctx: Context) -> None:
    code = fresh()
    table = a_table(["编码", "名称", "重量"], [code, "甲", "很重"])
    done = run(ctx, "demo.thing", table, ways=exchange.Ways(cells={(2, 2): "１２"}))
    assert (done["created"], record.read(ctx, "demo.thing", code)["weight"]) == (1, "12")
    assert table.rows[0][1][2] == "很重"


def test_a_linked_record_is_made_from_the_text_of_the_file_once(ctx: Context) -> None:
    text, subject = fresh("新"), fresh()
    table = a_table(["主题", "物件"], [subject, text], [fresh(), text])
    ways = exchange.Ways(make={"demo.thing": (text,)})
    paths = exchange.propose(ctx, "demo.note", table)
    seen = exchange.preview(ctx, "demo.note", table, paths, ways=ways)
    assert (seen["faults"], exists(ctx, text)) == ([], False)
    run(ctx, "demo.note", table, ways=ways)
    assert record.read(ctx, "demo.thing", text)["name"] == text


def test_ways_survive_the_way_through_json(ctx: Context) -> None:
    ways = exchange.Ways("name", "update", "clear", {(4, 2): "1"}, {"demo.thing": {"a": ""}}, {"demo.thing": ["b"]})
    assert exchange.ways_of(stored(ways)) == ways


@pytest.mark.parametrize(
    "given", [{"does": "all"}, {"empty": 1}, {"key": 3}, {"cells": [[1, 2]]}, {"cells": [[-1, 0, ""]]}, {"replace": []},
              {"make": {"demo.thing": [""]}}, {"what": 1}]
)  # fmt: skip
def test_ways_that_are_none_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        exchange.ways_of(given)
    assert (refused.value.status, refused.value.faults[0].code) == (422, "import.not_ways")


def test_what_an_undo_keeps_is_told_with_its_reason(ctx: Context) -> None:
    old, changed, used = fresh(), fresh(), fresh()
    run(ctx, "demo.thing", a_table(["编码", "名称"], [old, "甲"]))
    done = run(ctx, "demo.thing", a_table(["编码", "名称"], [old, "新"], [changed, "乙"], [used, "丁"]))
    record.update(ctx, "demo.thing", changed, {"name": "改"}, version=1)
    run(ctx, "demo.note", a_table(["主题", "物件"], [fresh(), used]))
    kept = {one["label"]: one["code"] for one in exchange.undo(ctx, done["id"])["kept"]}
    assert (kept[old], kept[changed]) == ("import.kept_updated", "import.kept_changed")
    assert kept[used] not in kept.keys() | {"import.kept_updated", "import.kept_changed"}


def test_the_imports_of_a_form_are_a_list_and_each_has_its_records(ctx: Context, site: Site) -> None:
    code = fresh()
    done = run(ctx, "demo.thing", a_table(["编码", "名称"], [code, "甲"]), source=exchange.Source("物件.xlsx"))
    first = exchange.history(ctx, "demo.thing")[0]
    assert (first["id"], first["file_name"], first["created"], first["mine"]) == (done["id"], "物件.xlsx", 1, True)
    result, past, made = exchange.outcome(ctx, done["id"])
    assert (result["created"], past["undone_at"], [one["code"] for one in made]) == (1, None, [code])
    clerk = as_role(site, "clerk")
    assert exchange.history(clerk, "demo.thing")[0]["mine"] is False
    with pytest.raises(Refused) as refused:
        exchange.outcome(clerk, done["id"])
    assert refused.value.status == 404
    with pytest.raises(Refused) as refused:
        exchange.history(as_role(site, "reader"), "demo.thing")
    assert refused.value.status == 403


def test_an_import_that_is_asked_to_stop_writes_nothing_and_tells_so(site: Site, ctx: Context) -> None:
    code = fresh()
    kept = file.save(ctx, [f"编码,名称\n{code},甲\n".encode()], name="a.csv")
    id = request_import(ctx, "demo.thing", kept.id, ["code", "name"])
    with site.pool.connection() as connection:
        connection.execute("update outbox set state = 'queued' where id = $1", [id])
        assert job.stop(connection, id, now=ctx.now)
        connection.execute("update outbox set state = 'waiting' where id = $1", [id])
    worker.drain(site)
    with ctx.transaction():
        found = job.state(ctx.connection, id)
    assert found is not None
    assert (found["state"], (found["error"] or {})["code"]) == ("failed", "job.stopped")
    assert not exists(ctx, code)


def test_what_was_chosen_for_a_file_is_kept_for_its_owner_until_it_is_done(site: Site, ctx: Context) -> None:
    kept = file.save(ctx, ["编码,名称\nA,甲\n".encode()], name="begun.csv")
    ways = exchange.Ways(cells={(2, 1): "乙"})
    for paths in (["code", None], ["code", "name"]):
        exchange.keep(ctx, "demo.thing", kept.id, paths, ways)
    assert exchange.begun(ctx, "demo.thing", kept.id) == (["code", "name"], ways)
    assert exchange.unfinished(ctx, "demo.thing")[0].name == "begun.csv"
    clerk = as_role(site, "clerk")
    assert exchange.begun(clerk, "demo.thing", kept.id) is None
    exchange.forget(clerk, kept.id)
    assert exchange.begun(ctx, "demo.thing", kept.id) is not None
    exchange.forget(ctx, kept.id)
    assert exchange.begun(ctx, "demo.thing", kept.id) is None

"""Sheets over HTTP: export, the empty sheet, an import's preview and its job."""

import json
from typing import Any
from uuid import uuid4

import pytest
from api_site import Api

from anlan.kernel import exchange, job
from anlan.kernel.job.tasks import TASKS

pytest_plugins = ("api_site",)

HEAD = "Code,Name\n"


def sheet(*rows: str) -> dict[str, tuple[str, bytes]]:
    return {"file": ("items.csv", (HEAD + "".join(f"{row}\n" for row in rows)).encode())}


def run_job(ask: Api, key: str) -> None:
    """Do the job here and now, as a worker would."""
    with ask.served.site.pool.connection() as connection:
        task, payload, owner = (
            connection.execute("select task, payload, owner from outbox where id = $1", [key]).fetchone()
            or ()
        )
    result = TASKS[task].function(
        job.Run(id=key, site=ask.served.site, payload=payload, owner=owner, attempt=1)
    )
    assert result is not None


def test_an_export_holds_the_rows_that_the_caller_may_see(ask: Api) -> None:
    item = ask.item()
    answer = ask("GET", "/export/demo.item", params={"format": "csv", "where": f'code = "{item["code"]}"'})
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    assert item["code"] in answer.text and "Cost" not in answer.text


def test_an_export_of_named_columns_has_just_those(ask: Api) -> None:
    answer = ask("GET", "/export/demo.item", params={"format": "csv", "fields": "name"})
    assert answer.text.splitlines()[0].lstrip("\ufeff") == "Name"


def test_a_long_list_is_exported_by_a_job(ask: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from anlan.web.api import sheets

    ask.item()
    monkeypatch.setattr(sheets, "MOST_AT_ONCE", 0)
    assert ask("GET", "/export/demo.item").json()["code"] == "export_too_long"
    asked = ask("POST", "/export/demo.item", {"format": "csv", "sort": ["code"]})
    assert asked.status_code == 202 and asked.headers["location"] == f"/api/v1/jobs/{asked.json()['job']}"
    assert ask("GET", f"/jobs/{asked.json()['job']}").json()["state"] == "waiting"
    assert ask("GET", f"/jobs/{asked.json()['job']}", by="reader").status_code == 404


def test_the_empty_sheet_is_a_workbook(ask: Api) -> None:
    answer = ask("GET", "/import/demo.item")
    assert exchange.read(answer.content, "a.xlsx").headers[0].startswith("Code")


def test_a_preview_names_every_fault_with_its_cell_and_stores_nothing(ask: Api) -> None:
    code = f"S{uuid4().hex[:8]}"
    seen = ask("POST", "/import/demo.item", files=sheet(f"{code},good", f"{code},twice", ",nothing")).json()
    assert (seen["records"], seen["bad"]) == (3, 2)
    assert all(one["message"] and one["message"] != one["code"] for one in seen["faults"])
    assert ask("GET", f"/records/demo.item/{code}").status_code == 404


def test_a_run_is_a_job_that_does_it(ask: Api) -> None:
    code = f"S{uuid4().hex[:8]}"
    asked = ask("POST", "/import/demo.item", files=sheet(f"{code},by sheet"), data={"run": "1"})
    assert asked.status_code == 202
    run_job(ask, asked.json()["job"])
    assert ask("GET", f"/records/demo.item/{code}").json()["name"] == "by sheet"


@pytest.mark.parametrize(
    "texts",
    [
        {"mode": "some"},
        {"run": "yes"},
        {"mapping": "nonsense"},
        {"mapping": "{}"},
        {"mapping": '["code"]'},
        {"mapping": '["code", 7]'},
    ],
)
def test_a_wrong_parameter_of_an_import_is_422(ask: Api, texts: dict[str, Any]) -> None:
    assert ask("POST", "/import/demo.item", files=sheet("A,b"), data=texts).status_code == 422


def test_what_is_no_sheet_is_refused(ask: Api) -> None:
    for content in (b"\x89PNG\r\n\x1a\n" + bytes(50), b"", b"PK\x03\x04broken"):
        assert ask("POST", "/import/demo.item", files={"file": ("a.xlsx", content)}).status_code in (
            413,
            415,
            422,
        )
    assert ask("POST", "/import/demo.item", files={"other": ("a.csv", b"x")}).status_code == 422


def test_an_import_is_taken_in_the_ways_that_were_asked_for_and_found_again_and_taken_back(ask: Api) -> None:
    code = f"W{uuid4().hex[:8]}"
    ways = {"does": "create", "cells": [[2, 1, "Mended"]]}
    given = {"ways": json.dumps(ways)}
    seen = ask("POST", "/import/demo.item", files=sheet(f"{code},"), data=given).json()
    assert (seen["creates"], seen["faults"]) == (1, [])
    asked = ask("POST", "/import/demo.item", files=sheet(f"{code},"), data={**given, "run": "1"})
    run_job(ask, asked.json()["job"])
    assert ask("GET", f"/records/demo.item/{code}").json()["name"] == "Mended"
    past = ask("GET", "/imports/demo.item", params={"limit": 1}).json()["data"][0]
    assert (past["file_name"], past["created"]) == ("items.csv", 1)
    told = ask("GET", f"/imports/demo.item/{past['id']}").json()
    assert [one["code"] for one in told["records"]] == [code]
    assert ask("GET", f"/imports/demo.item/{uuid4()}").status_code == 404
    undone = ask("POST", f"/imports/demo.item/{past['id']}/undo").json()
    assert undone == {"deleted": 1, "kept": []}
    assert ask("GET", f"/records/demo.item/{code}").status_code == 404
    assert ask("POST", f"/imports/demo.item/{past['id']}/undo").status_code == 409


@pytest.mark.parametrize("ways", ["[]", "{", '{"does": "all"}', '{"cells": [[1]]}', '{"odd": 1}'])
def test_ways_that_mean_nothing_are_422(ask: Api, ways: str) -> None:
    assert ask("POST", "/import/demo.item", files=sheet("A,a"), data={"ways": ways}).status_code == 422


def test_a_job_is_stopped_by_who_asked_for_it_once(ask: Api) -> None:
    asked = ask("POST", "/import/demo.item", files=sheet(f"S{uuid4().hex[:8]},x"), data={"run": "1"})
    key = asked.json()["job"]
    assert ask("POST", f"/jobs/{key}/stop", by="reader").status_code == 404
    assert ask("POST", f"/jobs/{key}/stop").json()["state"] == "cancelled"
    again = ask("POST", f"/jobs/{key}/stop")
    assert (again.status_code, again.json()["code"]) == (409, "job.has_ended")

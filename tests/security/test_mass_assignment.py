"""Mass assignment: sending fields that the kernel or a formula owns, hoping that they are taken.

A record is sent as it was read, so such fields are passed over; what matters is that none of them is believed.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from whole_site import Api, figures

pytest_plugins = ["whole_site"]

FOREIGN = "01a20e6a-fd32-79f5-96f0-20430349668c"
RESERVED: dict[str, Any] = {
    "id": FOREIGN, "version": 99, "state": "posted", "number": "SO-HACKED", "workflow_version": 9,
    "created_at": "2001-01-01T00:00:00Z", "created_by": FOREIGN, "updated_by": FOREIGN, "form": "finance.voucher",
    "updated_at": "2001-01-01T00:00:00Z",
}  # fmt: skip


def _order(ask: Api, **more: Any) -> Any:
    lines = [{"item": "A-0", "quantity": "2", "price": "10"}]
    return ask("POST", "/records/sales.order", {"customer": "C-0", "lines": lines} | more)


@pytest.mark.parametrize("field", RESERVED)
def test_mass_assignment_of_a_reserved_field_is_not_believed(ask: Api, field: str) -> None:
    for answer in (_order(ask, **{field: RESERVED[field]}), _order(ask)):
        if answer.status_code == 422:
            continue
        made = answer.json()
        assert (made["state"], made["version"], made["number"], made["form"]) == (
            "draft",
            1,
            None,
            "sales.order",
        )
        assert made["id"] != FOREIGN and made["created_at"] > "2026" and made["updated_at"] > "2026"
        assert made["created_by"]["code"] == "admin"
        path, headers = f"/records/sales.order/{made['id']}", {"If-Match": '"1"'}
        changed = ask("PATCH", path, {field: RESERVED[field], "note": "x"}, headers=headers)
        now = ask.ok("GET", path)
        assert changed.status_code in (200, 422)
        assert (now["id"], now["state"], now["number"]) == (made["id"], "draft", None)
        assert now["version"] == (2 if changed.status_code == 200 else 1)
        assert (now["created_by"], now["created_at"]) == (made["created_by"], made["created_at"])


def test_mass_assignment_of_computed_fields_is_not_believed(ask: Api) -> None:
    lines = [{"item": "A-0", "quantity": "2", "price": "10", "net": "0.01", "gross": "0.01", "delivered": "2",
              "invoiced": "2", "closed_quantity": "2", "base_quantity": "0"}]  # fmt: skip
    made = _order(
        ask, lines=lines, net="0.01", gross="0.01", base_gross="0", ordered_value="0", closed_value="5"
    ).json()
    line = made["lines"][0]
    assert figures(made, "net", "closed_value") == [20, 0]
    assert figures(line, "net", "base_quantity", "delivered", "closed_quantity") == [20, 2, 0, 0]


def test_mass_assignment_through_the_values_of_a_step_is_not_believed(ask: Api) -> None:
    made = _order(ask).json()
    body = {"values": {"state": "closed", "number": "SO-1", "version": 50, "net": "1", "customer": "C-0"}}
    answer = ask("POST", f"/records/sales.order/{made['id']}/do/confirm", body)
    if answer.status_code == 200:
        done = answer.json()
        assert (done["state"], done["version"]) == ("confirmed", 2)
        assert Decimal(done["net"]) == 20
        assert done["number"] != "SO-1"


def test_mass_assignment_of_a_line_id_of_another_record_steals_no_line(ask: Api) -> None:
    victim, thief = _order(ask).json(), _order(ask).json()
    stolen = [{"id": victim["lines"][0]["id"], "item": "A-0", "quantity": "1", "price": "1"}]
    answer = ask(
        "PATCH", f"/records/sales.order/{thief['id']}", {"lines": stolen}, headers={"If-Match": '"1"'}
    )
    assert answer.status_code in (200, 404, 422), answer.text
    assert ask.ok("GET", f"/records/sales.order/{victim['id']}")["lines"] == victim["lines"]


def test_mass_assignment_of_read_only_fields_of_packs_is_not_believed(ask: Api) -> None:
    company = ask.ok("GET", "/records/system.company/BRANCH")
    headers = {"If-Match": f'"{company["version"]}"'}
    ask(
        "PATCH", f"/records/system.company/{company['id']}", {"closed_through": "2030-12-31"}, headers=headers
    )
    assert ask.ok("GET", "/records/system.company/BRANCH")["closed_through"] is None
    voucher = ask.ok("GET", "/records/finance.voucher?limit=1")["data"][0]
    headers = {"If-Match": f'"{voucher["version"]}"'}
    given = {"reviewed_by": voucher["created_by"], "reviewed_at": "2026-01-01T00:00:00Z"}
    ask("PATCH", f"/records/finance.voucher/{voucher['id']}", given, headers=headers)
    assert ask.ok("GET", f"/records/finance.voucher/{voucher['id']}")["reviewed_by"] is None


def test_mass_assignment_nobody_gives_himself_a_role(ask: Api) -> None:
    for person in ("clerk", "boss", "master", "stranger"):
        me = ask.ok("GET", "/me", by=person)
        version = ask.ok("GET", f"/records/system.user/{person}")["version"]
        answer = ask("PATCH", f"/records/system.user/{me['id']}", {"roles": ["admin"]}, by=person, headers={"If-Match": f'"{version}"'})  # fmt: skip
        assert answer.status_code in (403, 404)
        assert (
            ask(
                "POST", "/records/system.user", {"code": "evil", "name": "E", "roles": ["admin"]}, by=person
            ).status_code
            == 403
        )
    assert ask.ok("GET", "/records/system.user/clerk")["roles"] == ["sales_clerk"]

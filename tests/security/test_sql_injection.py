"""SQL injection through every text that a caller sends; the stored procedure of revenge is `'; DROP TABLE`.

An attack must be data or a refusal: it finds nothing, changes nothing, waits for nothing, and is no defect.
"""

from __future__ import annotations

import base64
import json
import time
from urllib.parse import quote

import pytest

from whole_site import Api

pytest_plugins = ["whole_site"]

ATTACKS = [
    "'; DROP TABLE base_item; --",
    "' OR '1'='1",
    '" OR TRUE --',
    "x' UNION SELECT code, digest, '3' FROM token --",
    "1); SELECT pg_sleep(5); --",
    "$1", "$$; SELECT pg_sleep(5)", "%s %(x)s %%", "{0} {x}", "\\'; SELECT pg_sleep(5); --",
    "h.id) OR (1=1", "code\" DESC; DROP TABLE base_item; --", "code, (SELECT digest FROM token LIMIT 1)",
    "a' & b | !c <-> :*", "'' ' :", "((", "\\", "\u0001\u0008", "＇; DROP TABLE", "'" * 50,
]  # fmt: skip
PLACES = [
    "/records/base.item?where={}",
    "/records/base.item?sort={}",
    "/records/base.item?fields={}",
    "/records/base.item?search={}",
    "/records/base.item?after={}",
    "/records/base.item/{}",
    "/records/{}",
    "/records/sales.order/{}/trail",
    "/suggest/base.item?q={}",
    "/suggest/base.item?q=A&only={}",
    "/suggest/base.item?q=A&field={}",
    "/search?q={}",
    "/registers/stock.on_hand/balance?by={}",
    "/registers/stock.on_hand/balance?where={}",
    "/registers/stock.on_hand/balance?at={}",
    "/registers/stock.on_hand/turnover?from=2026-01-01&to={}",
    "/registers/stock.on_hand/movements?where={}",
    "/registers/stock.on_hand/movements?sort={}",
    "/registers/{}/balance",
    "/export/base.item?format=csv&where={}",
    "/users?where={}",
]


@pytest.mark.parametrize("place", PLACES)
def test_sql_injection_finds_nothing_and_changes_nothing(ask: Api, place: str) -> None:
    items = ask.ok("GET", "/records/base.item?count=exact")["count"]
    for attack in ATTACKS:
        started = time.monotonic()
        answer = ask("GET", place.format(quote(attack, safe="")))
        assert time.monotonic() - started < 4, attack
        assert answer.status_code in (200, 404, 422), (attack, answer.text[:300])
        if answer.status_code == 200 and "json" in answer.headers["content-type"]:
            found = json.dumps(answer.json())
            assert "anl_" not in found and "digest" not in found, attack
            if "DROP" in attack and any(word in place for word in ("search=", "q={}")):
                assert answer.json()["data"] == [], (attack, found[:300])
    assert ask.ok("GET", "/records/base.item?count=exact")["count"] == items


@pytest.mark.parametrize("attack", ATTACKS)
def test_sql_injection_in_a_text_of_a_formula_is_a_text(ask: Api, attack: str) -> None:
    text = attack.replace('"', '""')
    answer = ask("GET", "/records/base.item", params={"where": f'name = "{text}"', "count": "exact"})
    assert answer.status_code in (200, 422), answer.text[:300]
    if answer.status_code == 200:
        assert answer.json()["count"] == 0


def test_sql_injection_in_the_values_of_a_cursor_is_refused_or_finds_nothing_wrong(ask: Api) -> None:
    first = ask.ok("GET", "/records/base.unit?limit=2&sort=name")
    cursor = first["next"]
    padded = cursor + "=" * (-len(cursor) % 4)
    plain = base64.urlsafe_b64decode(padded)
    for attack in (*ATTACKS, "null", "[]", "{}", "[1]", '["a", "b", "c", "d"]', "[[[]]]", "1e999"):
        for forged in (
            attack.encode(),
            plain.replace(b'"', attack.encode(), 1),
            json.dumps([attack, attack]).encode(),
            json.dumps([None, attack]).encode(),
        ):
            text = base64.urlsafe_b64encode(forged).decode().rstrip("=")
            answer = ask("GET", "/records/base.unit", params={"limit": "2", "sort": "name", "after": text})
            assert answer.status_code in (200, 422), (attack, answer.text[:200])


@pytest.mark.parametrize("attack", ATTACKS)
def test_sql_injection_is_stored_and_read_back_as_it_is(ask: Api, attack: str) -> None:
    values = {"code": f"Q{abs(hash(attack)) % 10**12}", "name": attack, "unit": "KG"}
    answer = ask("POST", "/records/base.item", values)
    if answer.status_code == 422:
        assert "\u0001" in attack, answer.text
        return
    made = answer.json()
    assert made["name"] == attack.strip()
    assert ask.ok("GET", f"/records/base.item/{made['id']}")["name"] == made["name"]
    found = ask.ok("GET", "/records/base.item", params={"where": f'code = "{values["code"]}"'})["data"]
    assert [one["name"] for one in found] == [made["name"]]
    ask.ok("POST", f"/records/base.item/{made['id']}/comments", {"text": attack + "."})
    assert ask("DELETE", f"/records/base.item/{made['id']}").status_code == 204

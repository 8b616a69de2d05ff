"""The scenarios of tests/scenarios, told to the HTTP API of a fresh site."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from anlan.kernel import site as sites
from anlan.kernel.access import tokens
from anlan.web.app import create_app

FOLDER = Path(__file__).parents[1] / "scenarios"
sys.path.insert(0, str(FOLDER))

from story import calls_of, differences, filled, parsed  # noqa: E402  # the folder is put on the path above


@pytest.mark.parametrize("page", sorted(FOLDER.glob("*.md")), ids=lambda page: page.stem)
def test_the_story_goes_as_it_is_told(page: Path, fresh_site: sites.Site) -> None:
    token = tokens.create(fresh_site, "admin", "scenario")
    known: dict[str, Any] = {}
    with TestClient(create_app(fresh_site)) as client:
        for call in calls_of(page):
            path, _, condition = filled(call.path, known).partition(" If-Match: ")
            headers = {
                "Authorization": f"Bearer {token}",
                "Accept-Language": "en",
                "Content-Type": "application/json",
            }
            if condition:
                headers["If-Match"] = f'"{condition}"'
            answer = client.request(
                call.method, f"/api/v1{path}", content=filled(call.body, known) or None, headers=headers
            )
            found = answer.json() if answer.content else None
            told = (
                f"{call.method} {path} → {answer.status_code} {json.dumps(found, ensure_ascii=False)[:2000]}"
            )
            assert answer.status_code == call.status, told
            wanted = parsed(filled(call.holds, known))
            wrong = differences(wanted, found) if wanted is not None else []
            assert not wrong, f"{told}\n" + "\n".join(wrong)
            if call.name:
                known[call.name] = found

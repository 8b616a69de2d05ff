"""Nothing that is committed holds a secret, a path of somebody's machine, or the address of a package registry."""

from __future__ import annotations

import re

import pytest

from house import committed, inner

# Put together so that this file does not match itself.
SECRETS = {
    "a private key": "-----BEGIN " + r"[A-Z ]*PRIVATE KEY",
    "a cloud access key": r"\bAKIA[0-9A-Z]{16}\b",
    "a code host's token": r"\bgh[pousr]_[A-Za-z0-9]{30,}",
    "a chat's token": r"\bxox[bap]-[0-9A-Za-z-]{20,}",
    "a password in an address": r"\b[a-z+]+://[^\s/:@{}$<>]+:[^\s/@{}$<>*…]{3,}@(?!127\.0\.0\.1|localhost|[\w.-]*\bexample\b)[\w-]+\.[\w.-]+",
}
PLACES = {
    "a folder of somebody's machine": r"(?<![\w.])/(?:home|Users|root)/[a-z]\w*/",
    "a folder where this was built": r"(?<![\w.])/(?:work|workspace|builds)/\w",
    "a passing folder": r"(?<![\w.])/tmp/\w",
    "a package registry": r"https?://(?:[\w-]+\.)*(?:pypi|npmjs|pythonhosted|aliyun|tuna|npmmirror)\.",
}
BINARY = {".png", ".ttf", ".ico", ".woff2", ".pdf", ".xlsx", ".jpg"}
# What attacks send is written in tests; licences and locks are other people's words.
ELSEWHERE = ("tests/security/", "LICENSE", "NOTICE")


def _found(pattern: str) -> list[str]:
    wanted = re.compile(pattern)
    return [
        f"{inner(path)}:{number}: {line.strip()[:90]}"
        for path in committed()
        if path.suffix not in BINARY and not inner(path).startswith(ELSEWHERE)
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1)
        if wanted.search(line)
    ]


@pytest.mark.parametrize("what", SECRETS)
def test_no_secret_is_committed(what: str) -> None:
    assert _found(SECRETS[what]) == []


@pytest.mark.parametrize("what", PLACES)
def test_no_place_of_a_machine_or_registry_is_named(what: str) -> None:
    assert _found(PLACES[what]) == []


def test_the_patterns_find_what_they_are_for() -> None:
    assert re.search(SECRETS["a password in an address"], "postgresql://anlan:s3cret" + "@db.internal/anlan")
    assert re.search(PLACES["a folder of somebody's machine"], 'open("/home/' + 'lin/orders.csv")')
    assert not re.search(SECRETS["a password in an address"], "postgresql://user:…@host/database")

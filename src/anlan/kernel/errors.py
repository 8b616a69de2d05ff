"""What the kernel raises when a call cannot be done.

`Refused` is an answer, not a defect: it carries an HTTP-like status, a stable code and the faults found, each
with a path into what the caller sent. The sentence is made from the code where it is shown (`i18n`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

__all__ = ["Fault", "Refused", "conflict", "forbidden", "invalid", "not_found"]


class Fault(NamedTuple):
    """One thing that is wrong: `path` like `lines[2].quantity` ("" is the whole record), `params` for the sentence."""

    code: str
    path: str = ""
    params: Mapping[str, Any] = {}

    def under(self, prefix: str) -> Fault:
        """The same fault seen from outside, e.g. below `records[3]`."""
        return self._replace(path=f"{prefix}.{self.path}" if self.path else prefix)


class Refused(Exception):
    """The call is refused; `code` says why, `faults` where."""

    def __init__(
        self,
        status: int,
        code: str,
        faults: Iterable[Fault] = (),
        *,
        params: Mapping[str, Any] | None = None,
        retry_after: int | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.faults = tuple(faults)
        self.params: Mapping[str, Any] = params or {}
        self.retry_after = retry_after
        self.data: Mapping[str, Any] = data or {}

    def __str__(self) -> str:
        return f"{self.status} {self.code} {list(self.faults)}"


def invalid(faults: Iterable[Fault]) -> Refused:
    """422: what was sent does not pass; the first fault gives the code."""
    found = tuple(faults)
    return Refused(422, found[0].code if len(found) == 1 else "invalid", found)


def not_found(form: str, key: str) -> Refused:
    """404: there is no such record, or the caller may not know that there is."""
    return Refused(404, "not_found", params={"form": form, "key": key})


def forbidden(form: str, action: str) -> Refused:
    """403: the caller's roles do not grant the action."""
    return Refused(403, "forbidden", params={"form": form, "action": action})


def conflict(code: str, **params: Any) -> Refused:
    """409: the state does not allow it, or somebody else is in the way."""
    return Refused(409, code, params=params)

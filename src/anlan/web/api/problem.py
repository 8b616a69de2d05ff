"""Errors as RFC 9457 problems, in the caller's language.

    Refused(422, "stock.not_enough", [Fault("stock.not_enough", "lines[2].quantity", {...})])
    ->  {"type": "urn:anlan:problem:stock.not_enough", "title": "…", "status": 422, "detail": "…",
         "code": "stock.not_enough", "request_id": "…",
         "errors": [{"path": "lines[2].quantity", "code": "stock.not_enough", "message": "…"}]}

A fault's parameter `message_code` names another sentence than that of its code; `position` is shown beside the
path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NotRequired, TypedDict

from anlan.kernel.errors import Fault, Refused
from anlan.kernel.formula import DesignError

__all__ = ["MEDIA_TYPE", "OneError", "Problem", "Say", "fault_shown", "problem", "refused_formula"]

MEDIA_TYPE = "application/problem+json"
_BODY = {"zh": "请求内容", "en": "The body"}
# An answer names all faults; a batch of a thousand broken records would otherwise answer with megabytes.
_MOST_ERRORS = 1000

Say = Callable[[str, Mapping[str, Any]], str]
"""The sentence of a code with its parameters, in one language; an unknown code comes back as it is."""


class OneError(TypedDict):
    path: str
    code: str
    message: str
    help: NotRequired[str]
    position: NotRequired[int]


class Problem(TypedDict):
    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[OneError]
    request_id: str


def problem(refused: Refused, say: Say, request_id: str) -> dict[str, Any]:
    """The body of the answer; members of `refused.data` are added beside the fixed ones."""
    faults = refused.faults[:_MOST_ERRORS] or (Fault(refused.code, "", refused.params),)
    errors = [fault_shown(fault, say) for fault in faults]
    body: Problem = {
        "type": f"urn:anlan:problem:{refused.code}",
        "title": say(f"title.{refused.status}", {}),
        "status": refused.status,
        "detail": _detail(refused, errors, say),
        "code": refused.code,
        "errors": errors,
        "request_id": request_id,
    }
    return {**refused.data, **body}


def refused_formula(error: DesignError, path: str) -> Refused:
    """A formula that cannot be accepted: its code, and the position of the token at fault."""
    params = {**error.params, "position": error.position, "message_code": f"formula.{error.code}"}
    return Refused(422, error.code, [Fault(error.code, path, params)])


def fault_shown(fault: Fault, say: Say) -> OneError:
    """One fault as answers have it: place, code, sentence, advice."""
    params = {"field": fault.params.get("label") or fault.path or _BODY, **fault.params}
    sentence = fault.params.get("message_code", fault.code)
    error: OneError = {"path": fault.path, "code": fault.code, "message": say(sentence, params)}
    remedy = f"{fault.code}.help"
    advice = say(remedy, params)
    if advice != remedy:
        error["help"] = advice
    position = fault.params.get("position")
    if isinstance(position, int):
        error["position"] = position
    return error


def _detail(refused: Refused, errors: Sequence[OneError], say: Say) -> str:
    if len(refused.faults) > 1:
        return say("several_faults", {"count": len(refused.faults), "first": errors[0]["message"]})
    return errors[0]["message"]

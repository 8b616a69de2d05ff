"""Pure questions that store nothing: formulas, the merge of definitions, working time."""

from __future__ import annotations

from datetime import date

from anlan.kernel import calendar, formula
from anlan.kernel.errors import Fault, Refused, invalid
from anlan.kernel.formula import DesignError
from anlan.web.api import params
from anlan.web.api.problem import refused_formula
from anlan.web.api.routing import Answer, Call

__all__ = ["compute", "evaluate", "simulate"]


def evaluate(call: Call) -> Answer:
    """POST /formula/evaluate: 200 with a value or an error value; 422 for an error of design, with its
    position.
    """
    body = params.object_body(call.body, known=("expression", "values", "types", "today"))
    expression = params.required_text(body, "expression")
    values = params.object_body(body.get("values"))
    types = params.object_body(body.get("types"))
    try:
        return Answer(
            formula.evaluate(expression, values, types, _today(call, params.text_of(body, "today")))
        )
    except DesignError as error:
        raise refused_formula(error, "expression") from None


def _today(call: Call, text: str | None) -> date:
    if text is None:
        today: date = call.ctx.today
        return today
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise invalid([Fault("calendar.bad_date", "today", {"value": text[:40]})]) from None


def compute(call: Call) -> Answer:
    """POST /calendar/compute"""
    return Answer(calendar.compute(call.body))


def simulate(call: Call) -> Answer:
    """POST /service/simulate: comes with the service pack."""
    raise Refused(422, "not_yet", params={"what": {"zh": "时钟模拟", "en": "The clock simulator"}})

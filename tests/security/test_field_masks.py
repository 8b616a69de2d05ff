"""Masked fields: what a role may not see must not come out by any other way, nor be guessed by asking.

The warehouse keeper reads orders without prices; most people see users without their e-mail and roles.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest

from anlan.kernel.access.policy import Policy
from anlan.kernel.catalogue.form import Form
from anlan.kernel.formula import references
from whole_site import Api, Record

pytest_plugins = ["whole_site"]

MASKED = ("net", "gross", "base_gross", "lines.price", "lines.net")
SECRET = "83.17"


@pytest.fixture(scope="module")
def order(ask: Api) -> Record:
    lines = [{"item": "A-0", "quantity": "1", "price": SECRET}]
    made = ask.ok("POST", "/records/sales.order", {"customer": "C-0", "lines": lines})
    done: Record = ask.ok("POST", f"/records/sales.order/{made['id']}/do/confirm")
    return done


def test_masked_fields_are_not_in_the_record_its_list_its_trail_or_its_description(
    ask: Api, order: Record
) -> None:
    path = f"/records/sales.order/{order['id']}"
    for address in (
        path,
        f"{path}/trail",
        f"/records/sales.order?where=id%20%3D%20%22{order['id']}%22&fields=number,lines",
    ):
        assert SECRET not in ask("GET", address, by="keeper").text, address
    described = ask.ok("GET", "/forms/sales.order", by="keeper")["fields"]
    assert "gross" not in described and "price" not in described["lines"]["fields"]


@pytest.mark.parametrize("field", MASKED)
def test_masked_fields_cannot_be_guessed_by_filtering_sorting_or_asking_for_them(
    ask: Api, order: Record, field: str
) -> None:
    aggregate = f"SUM({field})" if "." in field else field
    for query in (
        {"where": f"{aggregate} > 83"},
        {"where": f"IF({aggregate} > 83, TRUE, FALSE)"},
        {"sort": field},
        {"fields": field},
    ):
        answer = ask("GET", "/records/sales.order", by="keeper", params=query)
        assert answer.status_code == 422 or field not in str(answer.json()["data"]), (
            query,
            answer.text[:300],
        )
        assert answer.status_code == 422 or "fields" in query
    assert (
        ask(
            "GET", "/suggest/sales.order", by="keeper", params={"q": "", "only": f"{aggregate} > 83"}
        ).status_code
        == 422
    )


def test_masked_fields_cannot_be_guessed_through_a_link(ask: Api, order: Record) -> None:
    """A delivery's line leads to the order's line, and every record to the user who made it."""
    ask.ok("POST", f"/records/sales.order/{order['id']}/make/sales.delivery")
    for where in ("SUM(lines.source_line.price) > 83", "MAX(lines.source_line.net) > 1"):
        answer = ask("GET", "/records/sales.delivery", by="keeper", params={"where": where})
        assert answer.status_code == 422, (where, answer.text[:200])
    for where in ('created_by.email <> ""', "ISBLANK(created_by.email)"):
        answer = ask("GET", "/records/sales.order", by="clerk", params={"where": where})
        assert answer.status_code == 422, (where, answer.text[:200])
    for where in ("customer.credit_limit > 0", "ISBLANK(customer.credit_limit)"):
        answer = ask("GET", "/records/sales.order", by="keeper", params={"where": where})
        assert answer.status_code == 422, (where, answer.text[:200])
    sorted_by = ask("GET", "/records/sales.order", by="keeper", params={"sort": "customer.credit_limit"})
    assert sorted_by.status_code == 422, sorted_by.text[:200]
    shown = ask("GET", "/records/sales.order", by="keeper", params={"fields": "number,customer.credit_limit"})
    assert shown.status_code == 422 or "credit_limit" not in shown.text


def test_masked_fields_are_not_in_an_export_or_an_import_sheet(ask: Api, order: Record) -> None:
    path = "/export/sales.delivery"
    for asked in ({}, {"fields": "number,lines.price,lines.unit_value,lines.item"}):
        answer = ask("GET", path, by="keeper", params={"format": "csv", **asked})
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert answer.status_code == 422 or (len(rows) > 1 and SECRET not in answer.text)
    assert ask("GET", "/export/sales.order", by="keeper").status_code == 403
    sheet = ask("GET", "/import/stock.receipt", by="keeper").content
    seen = ask.ok("POST", "/import/stock.receipt", by="keeper", files={"file": ("a.xlsx", sheet)})
    assert not {"value", "lines.value"} & {path for path in seen["columns"] if path}


def test_masked_fields_are_not_written_by_sending_them(ask: Api) -> None:
    sent = {
        "customer": "C-0",
        "warehouse": "WH1",
        "lines": [{"item": "A-0", "quantity": "1", "price": "5", "unit_value": "77"}],
    }
    made = ask.ok("POST", "/records/sales.delivery", sent, by="keeper")
    seen = ask.ok("GET", f"/records/sales.delivery/{made['id']}")["lines"][0]
    assert (seen["price"], seen["unit_value"]) == (None, None)


def test_a_field_that_is_computed_or_copied_from_a_masked_one_is_masked_too(ask: Api) -> None:
    """Else the mask is a curtain: amount / quantity is the price."""
    catalogue = ask.site.catalogue
    leaks = []
    for form in catalogue.forms.values():
        for role in sorted(catalogue.roles):
            policy = catalogue.policies.of(frozenset({role}))
            if not policy.all_rights and policy.can(form.name, "read"):
                leaks += [
                    f"{form.name}.{path} tells {role} {source}" for path, source in _leaks(ask, form, policy)
                ]
    assert leaks == []


def _leaks(ask: Api, form: Form, policy: Policy) -> Iterator[tuple[str, str]]:
    """(field that is shown, masked field that its formula or default reads, here or one link away)."""
    hidden = _hidden(policy, form.name)
    for item in form.all_fields():
        definition = item.definition
        text = (
            definition.formula
            or definition.lookup
            or (definition.default if isinstance(definition.default, str) else None)
        )
        if text is None or item.path in hidden or item.path.partition(".")[0] in hidden:
            continue
        table = item.path.rpartition(".")[0]
        for named in references(text):
            first = form.field_at(f"{table}.{named[0]}") if table else None
            first = first or form.field_at(named[0])
            if first is None:
                continue
            if first.path in hidden or f"{first.path}.{'.'.join(named[1:])}" in hidden:
                yield item.path, first.path
            elif len(named) > 1 and not first.type.is_lines:
                to, _, lines = (
                    (first.definition.to or "").rpartition(".")
                    if first.type.key == "line"
                    else (first.to, "", "")
                )
                masked = f"{lines}.{named[1]}" if lines else named[1]
                if to in ask.site.catalogue.forms and masked in _hidden(policy, to):
                    yield item.path, f"{to}.{masked}"


def _hidden(policy: Policy, form: str) -> set[str]:
    return {path for path, level in policy.fields(form).items() if level == "none"}

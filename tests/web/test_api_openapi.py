"""The OpenAPI document: valid, complete, written for one caller, quick."""

from typing import Any

from api_site import Api
from openapi_spec_validator import OpenAPIV31SpecValidator

from anlan.kernel.fieldtype import FIELD_TYPES
from anlan.web.api.openapi import document
from anlan.web.api.routing import Answer, Call
from anlan.web.api.schema import form_schemas
from anlan.web.api.shapes import ANSWERS, BODIES
from anlan.web.api.table import table

pytest_plugins = ("api_site",)

Json = dict[str, Any]


def nothing(call: Call) -> Answer:
    return Answer()


ROUTES = table(nothing)


def described(name: str = "demo.note", **changes: Any) -> Json:
    """What `describe.form` says about a form with a field of every type."""
    fields: Json = {
        f"a_{kind}": {"type": kind, "label": f"A {kind}", "access": "write"}
        for kind in FIELD_TYPES
        if kind != "lines"
    }
    fields["a_choice"]["options"] = {"x": {"label": "X"}, "y": {"label": "Y"}}
    fields["subject"] = {
        "type": "text",
        "label": "Subject",
        "access": "write",
        "required": True,
        "max_length": 20,
    }
    fields["total"] = {"type": "money", "label": "Total", "access": "write", "formula": True}
    fields["masked"] = {"type": "money", "label": "Masked", "access": "read"}
    fields["rows"] = {
        "type": "lines",
        "label": "Rows",
        "access": "write",
        "order": ["n"],
        "fields": {
            "n": {"type": "quantity", "label": "N", "access": "write"},
            "sum": {"type": "money", "label": "Sum", "formula": True, "access": "read"},
        },
    }
    return {
        "form": name,
        "kind": "document",
        "label": "Note",
        "fields": fields,
        "prints": {"demo.slip": {}},
        "actions": ["read", "create", "update", "delete", "confirm", "print", "import", "export"],
        "transitions": {"confirm": {}, "cancel": {}},
        "conversions": {"copy": {"to": "demo.other"}},
        **changes,
    }


def written(*forms: Json) -> Json:
    return document(ROUTES, forms, version="1", text=lambda code: code)


def test_the_document_is_valid_openapi_3_1() -> None:
    OpenAPIV31SpecValidator(written(described(), described("demo.other"))).validate()  # type: ignore[arg-type]  # a dict will do


def test_every_route_of_the_table_is_in_it() -> None:
    paths = written(described())["paths"]
    for route in ROUTES:
        assert route.method.lower() in paths[route.path.replace("{form}", "demo.note")], route


def test_every_body_and_answer_belongs_to_a_route_of_the_table() -> None:
    names = {route.name for route in ROUTES}
    assert set(BODIES) | set(ANSWERS) <= names
    assert {route.name for route in ROUTES if route.body != "none"} <= set(BODIES)


def test_a_form_that_the_caller_may_not_see_is_not_in_it() -> None:
    assert not [path for path in written(described())["paths"] if "demo.other" in path]


def test_an_action_that_the_caller_may_not_do_has_no_operation() -> None:
    paths = written(described(actions=["read"]))["paths"]
    assert set(paths["/records/demo.note"]) == {"get"}
    assert set(paths["/records/demo.note/{id}"]) == {"get"}
    assert "/records/demo.note/{id}/do/{transition}" not in paths


def test_steps_and_targets_are_those_that_he_may_take() -> None:
    paths = written(described())["paths"]
    step = paths["/records/demo.note/{id}/do/{transition}"]["post"]["parameters"][1]["schema"]
    target = paths["/records/demo.note/{id}/make/{target_form}"]["post"]["parameters"][1]["schema"]
    assert (step["enum"], target["enum"]) == (["confirm"], ["demo.other"])


def test_computed_and_masked_fields_are_read_but_not_sent() -> None:
    schemas = dict(form_schemas(described()))
    read, sent = schemas["demo.note"]["properties"], schemas["demo.note.change"]["properties"]
    assert {"total", "masked", "version"} <= set(read)
    assert not {"total", "masked", "version", "id", "state"} & set(sent)
    assert set(schemas["demo.note.rows.input"]["properties"]) == {"id", "n"}


def test_a_draft_needs_nothing_and_a_master_its_required_fields() -> None:
    assert "required" not in dict(form_schemas(described()))["demo.note.new"]
    assert dict(form_schemas(described(kind="master")))["demo.note.new"]["required"] == ["subject"]


def test_a_change_needs_if_match() -> None:
    parameters = written(described())["paths"]["/records/demo.note/{id}"]["patch"]["parameters"]
    assert {"$ref": "#/components/parameters/MustMatch"} in parameters


def test_the_document_is_kept_until_rights_or_language_differ(ask: Api) -> None:
    first = ask("GET", "/openapi.json")
    unchanged = ask("GET", "/openapi.json", headers={"If-None-Match": first.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    other = ask("GET", "/openapi.json", headers={"If-None-Match": first.headers["etag"]}, by="reader")
    assert other.status_code == 200 and "post" not in other.json()["paths"]["/records/demo.item"]
    zh = ask("GET", "/openapi.json", headers={"Accept-Language": "zh-CN"}).json()
    assert zh["components"]["schemas"]["demo.order"]["title"] == "订单"


def test_the_document_of_a_real_site_is_valid(ask: Api) -> None:
    OpenAPIV31SpecValidator(ask("GET", "/openapi.json", by="boss").json()).validate()

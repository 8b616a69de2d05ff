"""The OpenAPI 3.1 document, written for one caller from the table of routes and the forms that he may see.

A form edited in the browser is in it at once: the document is kept per (catalogue, roles, token, language)
and written again when one of them differs. An action that the caller may not do has no operation in it.

    POST /records/{form}/{id}/do/{transition}
    ->  /records/sales.order/{id}/do/{transition}    with `transition` one of those that he may do
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from anlan.web.api.caller import COOKIE
from anlan.web.api.routing import Route
from anlan.web.api.schema import COMMON, form_schemas, ref
from anlan.web.api.shapes import ANSWERS, BODIES, PARAMETERS, SHAPES

__all__ = ["document"]

Schema = dict[str, Any]
Text = Callable[[str], str]

_JSON = "application/json"
_PROBLEMS: Schema = {
    "4XX": {"$ref": "#/components/responses/Problem"},
    "5XX": {"$ref": "#/components/responses/Problem"},
}
_KEY: Schema = {"$ref": "#/components/parameters/IdempotencyKey"}
_MATCH: Schema = {"$ref": "#/components/parameters/IfMatch"}
_MUST_MATCH: Schema = {"$ref": "#/components/parameters/MustMatch"}

_OWN = {"$record": "", "$new": ".new", "$change": ".change"}


def _mentions_form(schema: Any) -> bool:
    if isinstance(schema, dict):
        return any(_mentions_form(value) for value in schema.values())
    return isinstance(schema, str) and schema in _OWN


# The routes whose schemas differ from form to form; those of the others are shared.
_OF_FORM = frozenset(
    name for table in (BODIES, ANSWERS) for name, schema in table.items() if _mentions_form(schema)
)


def document(
    routes: Iterable[Route],
    forms: Iterable[Mapping[str, Any]],
    *,
    version: str,
    text: Text,
    base: str = "/api/v1",
) -> Schema:
    """The document. `forms` as `describe.form` gives them; `text` is the sentence of a code in the caller's
    language.
    """
    described = list(forms)
    schemas: Schema = {**COMMON, **SHAPES}
    for form in described:
        schemas.update(form_schemas(form))
    paths: Schema = {}
    for route in routes:
        summary, method = text(f"api.{route.name}"), route.method.lower()
        shared = _operation(route, summary, route.name, _generic(route))
        if "{form}" not in route.path:
            paths.setdefault(route.path, {})[method] = {**shared, "tags": [route.name.partition(".")[0]]}
            continue
        before, _, after = route.path.partition("{form}")
        for form in described:
            offered = _offered(route, form)
            if offered is None:
                continue
            name = form["form"]
            own = {"operationId": f"{route.name}.{name}", "tags": [name]}
            # Thousands of operations differ in nothing else: those are not made anew.
            operation = (
                {**_operation(route, summary, "", _of_form(route, name), offered=offered), **own}
                if offered or route.name in _OF_FORM
                else {**shared, **own}
            )
            paths.setdefault(f"{before}{name}{after}", {})[method] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Anlan 安澜", "version": version, "description": text("api.description")},
        "servers": [{"url": base}],
        "security": [{"token": []}, {"session": []}],
        "tags": [{"name": form["form"], "description": form["label"]} for form in described],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {
                "Problem": {
                    "description": text("api.problem"),
                    "content": {"application/problem+json": {"schema": ref("Problem")}},
                }
            },
            "parameters": PARAMETERS,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
            },
        },
    }


def _offered(route: Route, form: Mapping[str, Any]) -> list[str] | None:
    """The values of the path's last placeholder for this form and caller (empty: any); None: not offered at
    all.
    """
    actions = form["actions"]
    if route.needs and route.needs not in actions:
        return None
    if route.name == "records.step":
        return [key for key in form.get("transitions", {}) if key in actions] or None
    if route.name in ("records.make", "records.make_many"):
        return sorted({one["to"] for one in form.get("conversions", {}).values()}) or None
    if route.name in ("records.print", "records.print_many"):
        return list(form.get("prints", {})) or None
    return []


def _generic(route: Route) -> tuple[Schema | None, Schema | None]:
    return BODIES.get(route.name), ANSWERS.get(route.name)


def _of_form(route: Route, name: str) -> tuple[Schema | None, Schema | None]:
    """The schemas of body and answer, where `$record`, `$new`, `$change` stand for those of the form."""
    return _filled(BODIES.get(route.name), name), _filled(ANSWERS.get(route.name), name)


def _filled(schema: Any, name: str) -> Any:
    if isinstance(schema, dict):
        return {key: _filled(value, name) for key, value in schema.items()}
    suffix = _OWN.get(schema) if isinstance(schema, str) else None
    return schema if suffix is None else ref(name + suffix)


def _operation(
    route: Route,
    summary: str,
    name: str,
    schemas: tuple[Schema | None, Schema | None],
    *,
    offered: list[str] | None = None,
) -> Schema:
    body, answer = schemas
    operation: Schema = {"operationId": name, "summary": summary}
    parameters = _parameters(route, offered or [])
    if parameters:
        operation["parameters"] = parameters
    if body is not None:
        media_type = "multipart/form-data" if route.body == "upload" else _JSON
        operation["requestBody"] = {
            "required": route.body != "optional",
            "content": {media_type: {"schema": body}},
        }
    good: Schema = {"description": "OK"}
    if route.answers != _JSON:
        good["content"] = {kind: {} for kind in route.answers.split(", ")}
    elif route.status != 204:
        good["content"] = {_JSON: {"schema": answer if answer is not None else {}}}
    operation["responses"] = {str(route.status): good, **_PROBLEMS}
    return operation


def _parameters(route: Route, offered: list[str]) -> list[Schema]:
    found: list[Schema] = []
    names = [name for name in route.parameters if name != "form"]
    for name in names:
        schema: Schema = {"type": "string", "minLength": 1}
        if offered and name == names[-1]:
            schema["enum"] = offered
        found.append({"name": name, "in": "path", "required": True, "schema": schema})
    for name in route.query or ():
        found.append({"$ref": f"#/components/parameters/{name}"})
    if route.method == "POST":
        found.append(_KEY)
    if route.name == "records.change":
        found.append(_MUST_MATCH)
    if route.name == "records.step":
        found.append(_MATCH)
    return found

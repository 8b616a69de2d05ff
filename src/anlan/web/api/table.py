"""The table of routes: every address of the API, one line each. docs/api.md names the same ones."""

from __future__ import annotations

from functools import partial

from anlan.web.api import (
    admin,
    approvals,
    bulk,
    definitions,
    figures,
    files,
    finding,
    forms,
    people,
    printing,
    records,
    registers,
    reports,
    series,
    sheets,
    tools,
    views,
)
from anlan.web.api.routing import ADMIN, Handler, Route
from anlan.web.api.sheets import MEDIA_TYPES

__all__ = ["table"]

_get, _post, _put, _patch, _delete = (
    partial(Route, method) for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
)

_RECORD = "/records/{form}/{id}"
_REGISTER = "/registers/{register}"
_LIST = records.LIST_PARAMETERS
_VIEW = "/views/{form}/{id}"
_SHEETS = f"{MEDIA_TYPES['xlsx']}, text/csv"


def table(openapi: Handler) -> tuple[Route, ...]:
    """All routes; `openapi` answers the document that is made of them."""
    return (
        _get("/openapi.json", "openapi.read", openapi),
        _get("/forms", "forms.list", forms.every),
        _get("/forms/{form}", "forms.read", forms.one, needs="read"),
        *_RECORDS,
        *_OF_A_RECORD,
        *_OF_A_LIST,
        *_REGISTERS,
        *_PEOPLE,
        *_APPROVALS,
        *_FOUND,
        *_DEFINITIONS,
        *_ADMIN,
        *_TOOLS,
    )


_RECORDS = (
    _get("/records/{form}", "records.list", records.find, query=records.RECORD_PARAMETERS, needs="read"),
    _post("/records/{form}", "records.create", records.create, "json", status=201, needs="create"),
    _post("/records/{form}/query", "records.query", records.find, "json", needs="read"),
    _post("/records/{form}/batch", "records.create_many", records.create_many, "json", status=201,
          needs="create"),
    _post("/records/{form}/hints", "records.hints", finding.hints, "json", needs="read"),
    _post("/records/{form}/preview", "records.preview", records.preview, "json"),
    _get(_RECORD, "records.read", records.read, needs="read"),
    _patch(_RECORD, "records.change", records.change, "json", needs="update"),
    _delete(_RECORD, "records.delete", records.delete, status=204, needs="delete"),
    _post("/batch", "records.batch", records.batch, "json"),
    _get("/export/{form}", "exchange.export", sheets.export, query=sheets.EXPORT_PARAMETERS, answers=_SHEETS,
         needs="export"),
    _post("/export/{form}", "exchange.request_export", sheets.request_export, "json", status=202, needs="export"),
    _get("/import/{form}", "exchange.template", sheets.template, answers=MEDIA_TYPES["xlsx"], needs="import"),
    _post("/import/{form}", "exchange.import", sheets.import_, "upload", needs="import"),
    _get("/imports/{form}", "exchange.imports", sheets.imports, query=("limit", "after"), needs="import"),
    _get("/imports/{form}/{id}", "exchange.outcome", sheets.outcome, needs="import"),
    _post("/imports/{form}/{id}/undo", "exchange.undo", sheets.undo, needs="import"),
)  # fmt: skip

_OF_A_RECORD = (
    _post(_RECORD + "/do/{transition}", "records.step", records.step, "optional"),
    _post(_RECORD + "/make/{target_form}", "records.make", records.make, "optional", status=201,
          needs="read"),
    _post(_RECORD + "/copy", "records.copy", records.copy, "optional", status=201, needs="create"),
    _post("/records/{form}/make/{target_form}", "records.make_many", records.make_many, "json", status=201,
          needs="read"),
    _get(_RECORD + "/trail", "records.trail", records.trail, query=("limit", "before"), needs="read"),
    _post(_RECORD + "/comments", "records.comment", records.comment, "json", status=201, needs="read"),
    _get(_RECORD + "/mentionable", "records.mentionable", records.mentionable, query=("q",), needs="read"),
    _get(_RECORD + "/related", "records.related", records.related, query=("limit",), needs="read"),
    _get(_RECORD + "/copy", "records.copied", records.copied, needs="create"),
    _get(_RECORD + "/links", "records.links", records.links, needs="read"),
    _get(_RECORD + "/files", "records.files", files.of_record, needs="read"),
    _post(_RECORD + "/files", "records.attach", files.attach, "upload", status=201, needs="update"),
    _put(_RECORD + "/files/{file}", "records.put_back", files.put_back, needs="update"),
    _delete(_RECORD + "/files/{file}", "records.detach", files.detach, status=204, needs="update"),
    _get("/recycle-bin", "recycle.list", records.deleted, query=("form",)),
    _post("/recycle-bin/{id}/restore", "recycle.restore", records.restore),
    _get(_RECORD + "/print/{print}", "records.print", printing.print_record, answers=MEDIA_TYPES["pdf"],
         query=("language",), needs="print"),
    _post("/records/{form}/print/{print}", "records.print_many", printing.print_many, "json",
          answers=MEDIA_TYPES["pdf"], needs="print"),
)  # fmt: skip

_OF_A_LIST = (
    _get("/views/{form}", "views.list", views.every, needs="read"),
    _post("/views/{form}", "views.create", views.create, "json", status=201, needs="read"),
    _put("/views/{form}/layout", "views.layout", views.remember, "json", needs="read"),
    _patch(_VIEW, "views.change", views.change, "json", needs="read"),
    _delete(_VIEW, "views.delete", views.delete, status=204, needs="read"),
    _post(_VIEW + "/restore", "views.restore", views.restore, needs="read"),
    _post("/bulk/{form}", "bulk.run", bulk.run, "json", needs="read"),
    _get("/bulk/{form}/{id}", "bulk.results", bulk.results, needs="read"),
    _get("/print/{form}", "print.chosen", bulk.print_chosen, query=("print", "ids", "sort"),
         answers=MEDIA_TYPES["pdf"], needs="print"),
    _post("/print/{form}", "print.request", bulk.request_print, "json", status=202, needs="print"),
)  # fmt: skip

_REGISTERS = (
    _get("/registers", "registers.list", registers.every),
    _get(_REGISTER, "registers.read", registers.one, needs="read"),
    _get(_REGISTER + "/balance", "registers.balance", registers.balance,
         query=("at", "by", "where", "zero"), needs="read"),
    _get(_REGISTER + "/turnover", "registers.turnover", registers.turnover,
         query=("from", "to", "by", "where"), needs="read"),
    _get(_REGISTER + "/movements", "registers.movements", registers.movements, query=_LIST, needs="read"),
    _get("/series/{register}", "series.read", series.read, query=series.READ_PARAMETERS, needs="read"),
    _post("/series/{register}", "series.push", series.push, "json", status=201, needs="create"),
    _get("/reports", "reports.list", reports.every),
    _get("/reports/{report}", "reports.read", reports.run, query=None, needs="read", answers="*/*"),
    _get("/reports/{report}/behind", "reports.behind", reports.behind, query=None, needs="read"),
    _get("/reports/{report}/pivot", "reports.pivot", figures.pivot_of_report, query=None, needs="read"),
    _get("/pivot/{form}", "pivot.read", figures.pivot_of_form, query=figures.FORM_PARAMETERS, needs="read"),
    _get("/pivot/{form}/fields", "pivot.fields", figures.fields_of_form, query=("each",), needs="read"),
    _get("/dashboards", "dashboards.list", figures.dashboards),
    _get("/dashboards/{dashboard}", "dashboards.read", figures.one_dashboard, needs="read"),
    _get("/dashboards/{dashboard}/{widget}", "dashboards.widget", figures.widget, query=("period", "company"),
         needs="read"),
)  # fmt: skip

_PEOPLE = (
    _get("/me", "me.read", people.me),
    _post("/me/password", "me.password", people.change_password, "json", status=204),
    _get("/me/sessions", "me.sessions", people.own_sessions),
    _delete("/me/sessions/{id}", "me.end_session", people.end_session, status=204),
    _get("/me/profile", "me.profile", people.profile),
    _patch("/me/profile", "me.change_profile", people.change_profile, "json", status=204),
    _get("/messages", "messages.list", people.messages, query=("unread", "kind", "limit", "after")),
    _post("/messages/read", "messages.read", people.mark_read, "json"),
    _get("/why/{form}", "why.read", people.why, query=("action", "key", "login")),
    _get("/users", "users.list", people.users, query=_LIST),
    _get("/roles", "roles.list", people.roles),
    _get("/tokens", "tokens.list", people.tokens),
    _post("/tokens", "tokens.create", people.create_token, "json", status=201),
    _delete("/tokens/{id}", "tokens.end", people.end_token, status=204),
)

_APPROVAL = "/approvals/{id}"
_APPROVALS = (
    _get("/todos", "todos.list", approvals.todos, query=("box", "form")),
    _get("/todos/counts", "todos.counts", approvals.counts),
    _get(_RECORD + "/approvals", "approvals.of_record", approvals.of_record, needs="read"),
    _get(_APPROVAL, "approvals.read", approvals.card),
    _post("/approvals/decide", "approvals.decide_many", approvals.decide_many, "json"),
    _post(_APPROVAL + "/decide", "approvals.decide", approvals.decide, "json"),
    _post(_APPROVAL + "/transfer", "approvals.transfer", approvals.transfer, "json"),
    _post(_APPROVAL + "/signers", "approvals.sign", approvals.sign, "json"),
    _post(_APPROVAL + "/urge", "approvals.urge", approvals.urge, "optional"),
    _post(_APPROVAL + "/copies", "approvals.copy", approvals.copy, "json"),
    _get("/colleagues", "colleagues.find", approvals.colleagues, query=("q", "limit")),
    _get("/me/delegations", "delegations.list", approvals.delegations, query=("every",)),
    _post("/me/delegations", "delegations.create", approvals.add_delegation, "json", status=201),
    _delete("/me/delegations/{id}", "delegations.end", approvals.end_delegation, status=204),
)

_FOUND = (
    _get("/scan", "scan.find", finding.scanned, query=("code", "form")),
    _get("/search", "search.find", finding.search, query=("q", "limit")),
    _get("/suggest/{form}", "suggest.find", finding.suggest, query=("q", "only", "field", "limit")),
    _get("/jobs/{id}", "jobs.read", finding.job_state),
    _post("/jobs/{id}/stop", "jobs.stop", finding.stop_job),
    _post("/files", "files.save", files.save, "upload", status=201),
    _get("/files/{id}", "files.read", files.read, answers="*/*"),
)

_DEFINITION = "/definitions/{kind}/{name}"
_DEFINITIONS = (
    _get("/definitions", "definitions.list", definitions.every, needs=ADMIN),
    _get(_DEFINITION, "definitions.read", definitions.one, needs=ADMIN),
    _put(_DEFINITION, "definitions.put", definitions.put, "definition", needs=ADMIN),
    _delete(_DEFINITION, "definitions.delete", definitions.remove, status=204, needs=ADMIN),
    _post("/definitions/merge", "definitions.merge", definitions.merge_definitions, "definition"),
    _post("/catalogue/plan", "catalogue.plan", definitions.plan, "optional", needs=ADMIN),
    _post("/catalogue/publish", "catalogue.publish", definitions.publish, "optional", needs=ADMIN),
    _get("/catalogue/versions", "catalogue.versions", definitions.versions, needs=ADMIN),
    _post("/catalogue/rollback", "catalogue.rollback", definitions.rollback, "json", needs=ADMIN),
)

_PERSON = "/admin/people/{login}"
_ADMIN = (
    _get("/admin/health", "admin.health", admin.health, needs=ADMIN),
    _get("/admin/people", "admin.people", admin.people, query=("q",), needs=ADMIN),
    _post("/admin/people", "admin.invite", admin.invite, "json", status=201, needs=ADMIN),
    _post(_PERSON + "/password", "admin.password", admin.password, needs=ADMIN),
    _post(_PERSON + "/activate", "admin.activate", admin.activate, "json", status=204, needs=ADMIN),
    _post(_PERSON + "/unlock", "admin.unlock", admin.unlock, status=204, needs=ADMIN),
    _delete(_PERSON + "/sessions", "admin.end_sessions", admin.end_sessions, status=204, needs=ADMIN),
    _delete(_PERSON + "/second-factor", "admin.drop_factor", admin.drop_factor, status=204, needs=ADMIN),
    _get("/admin/roles", "admin.roles", admin.roles, query=("pack",), needs=ADMIN),
    _get("/admin/roles/{role}", "admin.role", admin.role, needs=ADMIN),
    _put("/admin/roles/{role}/members", "admin.assign", admin.assign, "json", needs=ADMIN),
    _get("/admin/roles/{role}/grants/{name}", "admin.granted", admin.granted, needs=ADMIN),
    _put("/admin/roles/{role}/grants/{name}", "admin.grant", admin.grant, "json", status=204, needs=ADMIN),
    _get("/admin/sessions", "admin.sessions", admin.sessions, needs=ADMIN),
    _delete("/admin/sessions/{session}", "admin.end_session", admin.end_session, status=204, needs=ADMIN),
    _get("/admin/tokens", "admin.tokens", admin.tokens, needs=ADMIN),
    _delete("/admin/tokens/{token}", "admin.end_token", admin.end_token, status=204, needs=ADMIN),
    _get("/admin/jobs", "admin.jobs", admin.jobs, query=("group", "limit"), needs=ADMIN),
    _post("/admin/jobs/{job}/{decision}", "admin.settle", admin.settle, status=204, needs=ADMIN),
    _get("/admin/events", "admin.events", admin.events, query=admin.EVENT_PARAMETERS, needs=ADMIN),
    _post("/admin/events/verify", "admin.verify", admin.verify, needs=ADMIN),
    _get("/admin/events/export", "admin.export", admin.export, query=("first", "last"), needs=ADMIN,
         answers="application/zip"),
    _get("/catalogue/conflicts", "catalogue.conflicts", admin.conflicts, needs=ADMIN),
)  # fmt: skip

_TOOLS = (
    _post("/formula/evaluate", "formula.evaluate", tools.evaluate, "json"),
    _post("/calendar/compute", "calendar.compute", tools.compute, "json"),
    _post("/service/simulate", "service.simulate", tools.simulate, "optional"),
)

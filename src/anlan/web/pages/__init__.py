"""The pages: what people see in a browser. Built only on the kernel's calls; they know forms, not business.

routes()     -> the pages' routes, with /static; mount them at the root, after the API's
middleware() -> same-site check and security headers, for the whole application
install(state) -> checks that the front-end files are there and loads the templates' words
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from anlan.kernel.errors import Refused
from anlan.web.api import reading
from anlan.web.pages import (
    approvals,
    beside,
    boards,
    bulk_page,
    demo_data,
    exporting,
    guide,
    home,
    importing,
    listing,
    login,
    me,
    phone,
    pivots,
    record_page,
    recycle,
    second_factor,
    tables,
    why,
)
from anlan.web.pages.admin import people, running
from anlan.web.pages.context import Page, page
from anlan.web.pages.errors import error_page, failed_page, refused_page
from anlan.web.pages.frame import STATIC, words
from anlan.web.pages.import_choices import MOST_FIELDS
from anlan.web.pages.security import Headers, SameSiteOnly
from anlan.web.pages.static_files import KeptFiles

__all__ = ["VENDORED", "error_page", "install", "middleware", "routes"]

VENDORED = ("htmx.min.js", "tabler.min.css", "icons.svg")


class MissingFiles(RuntimeError):
    """Front-end files are missing; run `make vendor`."""


def install(state: Any) -> None:
    """Make the application's state ready for the pages. Raises MissingFiles."""
    del state
    missing = [name for name in VENDORED if not (STATIC / "vendor" / name).is_file()]
    if missing:
        raise MissingFiles(f"{', '.join(missing)} not in {STATIC / 'vendor'}: run `make vendor`")
    words()


def middleware() -> list[Middleware]:
    """For the whole application: the API's cookie callers need the same-site check as well."""
    return [Middleware(Headers), Middleware(SameSiteOnly)]


def routes() -> list[BaseRoute]:
    """All pages."""
    return [
        Route("/", _answer(page(home.home_page))),
        Route("/login", _answer(login.login_page)),
        Route("/login", _posted(login.log_in), methods=["POST"]),
        Route("/logout", _answer(login.log_out), methods=["POST"]),
        *_own_routes(),
        *_admin_routes(),
        Route("/recycle", _answer(page(recycle.recycle_page))),
        Route("/recycle/{id}/restore", _answer(page(recycle.restore_record)), methods=["POST"]),
        Route("/example", _answer(page(demo_data.example_page))),
        Route("/example/remove", _form_page(demo_data.remove_example), methods=["POST"]),
        *_form_routes(),
        *_figure_routes(),
        Mount("/static", KeptFiles(directory=STATIC, check_dir=False), name="static"),
        Route("/{rest:path}", _answer(page(_nothing_here))),
    ]


def _own_routes() -> list[BaseRoute]:
    """What is one's own: to-do, messages, preferences, log-ins; help and scanning."""
    return [
        Route("/todo", _answer(page(approvals.todo_page))),
        Route("/todo/{record}", _answer(page(approvals.card_page))),
        Route("/me/delegations", _answer(page(approvals.delegations_page))),
        Route("/me/delegations", _form_page(approvals.delegate, fields=100), methods=["POST"]),
        Route("/me/delegations/{id}/end", _answer(page(approvals.end_delegation)), methods=["POST"]),
        Route("/manifest.webmanifest", _answer(phone.manifest)),
        Route("/sw.js", _answer(phone.service_worker)),
        Route("/offline", _answer(phone.offline_page)),
        Route("/scan", _answer(page(phone.scan_page))),
        Route("/scan/{form}/{key}", _answer(page(phone.scan_lines_page))),
        Route("/search", _answer(page(home.search_page))),
        Route("/palette", _answer(page(home.palette_part))),
        Route("/bell", _answer(page(home.bell_part)), methods=["POST"]),
        Route("/help/keys", _answer(page(home.help_part))),
        Route("/help", _answer(page(guide.help_index))),
        Route("/help/here", _answer(page(guide.help_here))),
        Route("/help/{page}", _answer(page(guide.guide_page))),
        Route("/messages", _answer(page(me.messages_page))),
        Route("/messages/read", _form_page(me.read_messages), methods=["POST"]),
        Route("/me", _answer(page(me.me_page))),
        Route("/me", _form_page(me.save_me), methods=["POST"]),
        Route("/me/welcome", _answer(page(me.welcome_page))),
        Route("/me/prefer", _posted(login.prefer), methods=["POST"]),
        Route("/me/password", _answer(login.password_page)),
        Route("/me/password", _posted(login.set_password), methods=["POST"]),
        Route("/me/sessions", _answer(page(login.sessions_page))),
        Route("/me/sessions/{id}/revoke", _answer(page(login.revoke_session)), methods=["POST"]),
        Route("/me/second-factor", _answer(page(second_factor.factor_page))),
        Route("/me/second-factor", _answer(page(second_factor.begin_factor)), methods=["POST"]),
        Route("/me/second-factor/confirm", _form_page(second_factor.confirm_factor), methods=["POST"]),
        Route("/me/second-factor/remove", _form_page(second_factor.remove_factor), methods=["POST"]),
        Route("/why", _answer(page(why.why_page))),
    ]


def _form_routes() -> list[BaseRoute]:
    """Lists and records of a form. Paths with a fixed word stand before `{key}`."""
    return [
        Route("/f/{form}", _answer(page(listing.list_page))),
        Route("/f/{form}/count", _answer(page(listing.count_of_list))),
        Route("/f/{form}/filter", _answer(page(listing.filter_fields))),
        Route("/f/{form}/field", _answer(page(bulk_page.field_input))),
        Route("/f/{form}/bulk", _form_page(bulk_page.run), methods=["POST"]),
        Route("/f/{form}/bulk/{id}", _answer(page(bulk_page.job_page))),
        Route("/f/{form}/pivot", _answer(page(pivots.form_pivot))),
        Route("/f/{form}/new", _answer(page(record_page.new_page))),
        Route("/f/{form}/import", _answer(page(importing.import_page))),
        Route("/f/{form}/import", _uploaded(importing.may_bring, importing.bring), methods=["POST"]),
        Route("/f/{form}/import/check", _form_page(importing.check, fields=MOST_FIELDS), methods=["POST"]),
        Route("/f/{form}/import/run", _form_page(importing.run, fields=MOST_FIELDS), methods=["POST"]),
        Route("/f/{form}/import/forget", _form_page(importing.give_up), methods=["POST"]),
        Route("/f/{form}/import/undo", _form_page(importing.take_back), methods=["POST"]),
        Route("/f/{form}/import/past", _answer(page(importing.past_page))),
        Route("/f/{form}/import/done/{id}", _answer(page(importing.done_page))),
        Route("/f/{form}/import/job/{id}", _answer(page(importing.job_page))),
        Route("/f/{form}/import/job/{id}/stop", _form_page(importing.stop), methods=["POST"]),
        Route("/f/{form}/export", _answer(page(exporting.export_page))),
        Route("/f/{form}/export", _form_page(exporting.ask), methods=["POST"]),
        Route("/f/{form}/export/job/{id}", _answer(page(exporting.job_page))),
        Route("/f/{form}/export/job/{id}/stop", _form_page(exporting.stop), methods=["POST"]),
        Route("/f/{form}/{key}", _answer(page(record_page.record_page))),
        Route("/f/{form}/{key}/trail", _answer(page(record_page.trail_part))),
        Route("/f/{form}/{key}/links", _answer(page(record_page.links_part))),
        Route("/f/{form}/{key}/chain", _answer(page(beside.chain_part))),
        Route("/f/{form}/{key}/files", _answer(page(beside.files_part))),
        Route("/f/{form}/{key}/related", _answer(page(beside.related_part))),
    ]


def _figure_routes() -> list[BaseRoute]:
    """Reports, pivots, dashboards, registers."""
    return [
        Route("/r/{report}", _answer(page(tables.report_page))),
        Route("/r/{report}/behind", _answer(page(tables.behind_page))),
        Route("/r/{report}/pivot", _answer(page(pivots.report_pivot))),
        Route("/d", _answer(page(boards.boards_page))),
        Route("/d/{dashboard}", _answer(page(boards.board_page))),
        Route("/screen/{dashboard}", _answer(page(boards.screen_page))),
        Route("/d/{dashboard}/{widget}", _answer(page(boards.widget_part))),
        Route("/registers/{register}", _answer(page(tables.register_page))),
    ]


def _admin_routes() -> list[BaseRoute]:
    """The administrator's pages; the kernel's calls refuse everybody else."""

    def shown(endpoint: Page) -> Callable[[Request], Awaitable[Response]]:
        return _answer(page(endpoint))

    def posted(endpoint: Callable[[Request, Any, Any], Response]) -> Callable[[Request], Awaitable[Response]]:
        return _form_page(endpoint, fields=1000)

    return [
        Route("/admin", shown(running.admin_home)),
        Route("/admin/see-as", posted(why.begin_seeing), methods=["POST"]),
        Route("/admin/see-as/end", shown(why.end_seeing), methods=["POST"]),
        Route("/admin/health", shown(running.health_page)),
        Route("/admin/people", shown(people.people_page)),
        Route("/admin/people", posted(people.add_person), methods=["POST"]),
        Route("/admin/people/{login}", shown(people.person_page)),
        Route("/admin/people/{login}", posted(people.save_person), methods=["POST"]),
        Route("/admin/people/{login}/do", posted(people.act_on_person), methods=["POST"]),
        Route("/admin/departments", shown(people.departments_page)),
        Route("/admin/roles", shown(people.roles_page)),
        Route("/admin/roles/{role}", shown(people.role_page)),
        Route("/admin/roles/{role}", posted(people.assign_role), methods=["POST"]),
        Route("/admin/roles/{role}/grant", shown(people.grant_page)),
        Route("/admin/roles/{role}/grant", posted(people.save_grant), methods=["POST"]),
        Route("/admin/sessions", shown(people.sessions_page)),
        Route("/admin/sessions/{id}/end", shown(people.end_session), methods=["POST"]),
        Route("/admin/tokens", shown(people.tokens_page)),
        Route("/admin/tokens", posted(people.make_token), methods=["POST"]),
        Route("/admin/tokens/{id}/end", shown(people.end_token), methods=["POST"]),
        Route("/admin/jobs", shown(running.jobs_page)),
        Route("/admin/jobs/{id}", posted(running.settle_job), methods=["POST"]),
        Route("/admin/audit", shown(running.audit_page)),
        Route("/admin/audit/verify", shown(running.verify_audit), methods=["POST"]),
        Route("/admin/audit/export", shown(running.export_audit)),
        Route("/admin/catalogue", shown(running.catalogue_page)),
        Route("/admin/catalogue", posted(running.change_catalogue), methods=["POST"]),
        Route("/admin/settings", shown(running.settings_page)),
    ]


Endpoint = Callable[[Request], Response]


def _answer(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """A plain function as an endpoint: run in a thread, refusals become pages."""

    async def answered(request: Request) -> Response:
        try:
            return await run_in_threadpool(endpoint, request)
        except Refused as refused:
            return await run_in_threadpool(refused_page, request, refused)
        except Exception as error:  # noqa: BLE001  # the one edge of all pages: logged with its id, shown as a page
            return await run_in_threadpool(failed_page, request, error)

    return answered


def _posted(
    endpoint: Callable[[Request, Any], Response], *, fields: int = 20
) -> Callable[[Request], Awaitable[Response]]:
    """The same for an endpoint that reads a posted form."""

    async def answered(request: Request) -> Response:
        async with request.form(max_files=0, max_fields=fields) as form:
            return await _answer(partial(_with_form, endpoint, form))(request)

    return answered


def _with_form(endpoint: Callable[[Request, Any], Response], form: Any, request: Request) -> Response:
    return endpoint(request, form)


def _uploaded(
    before: Page, endpoint: Callable[[Request, Any, Any], Response]
) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint `(request, ctx, upload)`; `before` answers 204 when the caller may send a file at all, so that
    nobody else gets to fill the disk.
    """

    async def answered(request: Request) -> Response:
        allowed = await _answer(page(before))(request)
        if allowed.status_code != 204:
            return allowed
        try:
            upload = await reading.upload(request.scope, request.receive, request.headers)
        except Refused as refused:
            return await run_in_threadpool(refused_page, request, refused)
        given: Page = lambda asked, ctx: endpoint(asked, ctx, upload)  # noqa: E731
        try:
            return await _answer(page(given))(request)
        finally:
            await upload.close()

    return answered


def _form_page(
    endpoint: Callable[[Request, Any, Any], Response], *, fields: int = 20
) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint `(request, ctx, form)` for people who are logged in."""

    def posted(request: Request, form: Any) -> Response:
        given: Page = lambda asked, ctx: endpoint(asked, ctx, form)  # noqa: E731
        return page(given)(request)

    return _posted(posted, fields=fields)


def _nothing_here(request: Request, ctx: Any) -> Response:
    del ctx
    return error_page(request, 404)

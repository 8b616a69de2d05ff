"""Jobs, audit, definitions, settings, health: `/admin/jobs` and what stands beside it."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from anlan.kernel import admin
from anlan.kernel.admin.guard import require_admin
from anlan.kernel.admin.work import GROUPS
from anlan.kernel.catalogue import change
from anlan.kernel.context import Context
from anlan.kernel.errors import Fault, Refused, invalid
from anlan.kernel.settings import SETTINGS, Secret
from anlan.web.pages.admin.shared import Form, back, event_told, shown, touched, worded

__all__ = [
    "admin_home",
    "audit_page",
    "catalogue_page",
    "change_catalogue",
    "export_audit",
    "health_page",
    "jobs_page",
    "settings_page",
    "settle_job",
    "verify_audit",
]

PAGE = 100


def admin_home(request: Request, ctx: Context) -> Response:
    """`GET /admin`."""
    del request, ctx
    return RedirectResponse("/admin/health", 303)


def health_page(request: Request, ctx: Context) -> Response:
    """`GET /admin/health`: what is wrong first."""
    order = {"bad": 0, "attention": 1, "ok": 2}
    checks = sorted(admin.health(ctx), key=lambda one: order[one.level])
    failed = admin.jobs(ctx, group="failed", limit=5)
    return shown(request, ctx, "health", checks=checks, failed=failed, jobs=admin.summary(ctx))


def jobs_page(request: Request, ctx: Context) -> Response:
    """`GET /admin/jobs?group=`: without a choice the first group that has something in it."""
    counts = admin.summary(ctx)
    group = request.query_params.get("group", "")
    if group not in GROUPS:
        group = next((one for one in ("failed", "running", "waiting", "done") if counts[one]), "failed")
    return _jobs(request, ctx, group)


def settle_job(request: Request, ctx: Context, form: Form) -> Response:
    """`POST /admin/jobs/{id}`: retry, cancel or discard it."""
    group = str(form.get("group", "failed"))
    group = group if group in GROUPS else "failed"
    try:
        admin.settle(ctx, request.path_params["id"], str(form.get("do", "")))
    except Refused as refused:
        if refused.status != 409:
            raise
        return _jobs(request, ctx, group, refused=refused)
    return back(f"/admin/jobs?group={group}")


def _jobs(request: Request, ctx: Context, group: str, *, refused: Refused | None = None) -> Response:
    return shown(
        request, ctx, "jobs", refused=refused, jobs=admin.jobs(ctx, group=group), counts=admin.summary(ctx),
        group=group, groups=list(GROUPS),
    )  # fmt: skip


def audit_page(request: Request, ctx: Context) -> Response:
    """`GET /admin/audit?who=&form=&kind=&record=&start=&end=&before=`."""
    return _audit(request, ctx)


def verify_audit(request: Request, ctx: Context) -> Response:
    """`POST /admin/audit/verify`: walks the whole chain and says what it found."""
    return _audit(request, ctx, verdict=admin.verify(ctx))


def export_audit(request: Request, ctx: Context) -> Response:
    """`GET /admin/audit/export?first=&last=`: a ZIP file that a stranger can check."""
    first, last = (request.query_params.get(name, "") for name in ("first", "last"))
    content = admin.export(
        ctx,
        first=int(first) if first.isdecimal() else 1,
        last=int(last) if last.isdecimal() else None,
    )
    name = f"anlan-audit-{ctx.today.isoformat()}.zip"
    return Response(
        content,
        media_type="application/zip",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


def _audit(request: Request, ctx: Context, *, verdict: dict[str, Any] | None = None) -> Response:
    given = {
        name: request.query_params.get(name, "").strip()
        for name in ("who", "form", "kind", "record", "start", "end", "before")
    }
    require_admin(ctx)
    refused, rows = None, []
    try:
        rows = admin.events(
            ctx, who=given["who"] or None, form=given["form"] or None, kind=given["kind"] or None,
            record=given["record"] or None, start=_day(given["start"], "start"), end=_day(given["end"], "end"),
            before=int(given["before"]) if given["before"].isdecimal() else None, limit=PAGE,
        )  # fmt: skip
    except Refused as one:
        if one.status != 422:
            raise
        refused = one
    people = admin.people(ctx)
    return shown(
        request, ctx, "audit", refused=refused, events=rows, given=given, people=people, verdict=verdict,
        kinds=sorted({one["kind"] for one in rows} | {given["kind"]} - {""}), more=len(rows) == PAGE,
        steps=_step_labels(ctx, rows), told=partial(event_told, ctx.language), touched=partial(touched, ctx), worded=partial(worded, ctx.language),
    )  # fmt: skip


def _step_labels(ctx: Context, rows: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    """The words of events that are transitions of their form."""
    found = {}
    for row in rows:
        form = ctx.catalogue.forms.get(row["form"])
        if form is not None and row["kind"] in form.transitions:
            found[row["form"], row["kind"]] = form.transitions[row["kind"]].label.text(ctx.language)
    return found


def _day(text: str, path: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise invalid([Fault("calendar.bad_instant", path, {"value": text[:40]})]) from None


def catalogue_page(request: Request, ctx: Context) -> Response:
    """`GET /admin/catalogue`: packs, what the company changed, its draft, versions, conflicts."""
    return _catalogue(request, ctx)


def change_catalogue(request: Request, ctx: Context, form: Form) -> Response:
    """`POST /admin/catalogue`: publish or discard the draft, go back to a version, take a pack's definition."""
    require_admin(ctx)
    do = str(form.get("do", ""))
    try:
        if do == "publish":
            change.publish(ctx, str(form.get("comment", "")).strip() or None)
        elif do == "discard":
            change.discard(ctx)
        elif do == "rollback" and str(form.get("version", "")).isdecimal():
            change.rollback(ctx, int(str(form["version"])))
        elif do == "take":
            change.remove(ctx, str(form.get("kind", "")), str(form.get("name", "")))
        else:
            raise invalid([Fault("admin.unknown_step", "do")])
    except Refused as refused:
        if refused.status in (403, 404):
            raise
        return _catalogue(request, ctx, refused=refused)
    return back("/admin/catalogue")


def _catalogue(request: Request, ctx: Context, *, refused: Refused | None = None) -> Response:
    listing = change.listing(ctx)
    draft, plan = change.drafted(ctx), None
    if draft:
        try:
            plan = change.plan(ctx)
        except Refused as one:
            if one.status != 422:
                raise
            refused = refused or one
    return shown(
        request, ctx, "catalogue", worded=partial(worded, ctx.language), refused=refused, packs=list(ctx.catalogue.packs.values()),
        changed=[one for one in listing if one["changed"]], plan=plan, draft=draft,
        versions=change.versions(ctx), conflicts=change.conflicts(ctx),
    )  # fmt: skip


def settings_page(request: Request, ctx: Context) -> Response:
    """`GET /admin/settings`: what the operator has set; secrets only as set or not."""
    rows = []
    for one in SETTINGS:
        value = getattr(ctx.site.settings, one.attribute)
        secret = isinstance(value, Secret)
        rows.append(
            {
                "name": one.name,
                "meaning": one.meaning.en if ctx.language == "en" else one.meaning.zh,
                "value": "" if value is None else "•••" if secret else str(value),
                "secret": secret,
                "default": one.default,
            }
        )
    return shown(request, ctx, "settings", rows=rows)

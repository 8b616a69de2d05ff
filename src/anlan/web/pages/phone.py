"""The phone: what makes the pages installable, what stands in for them without a network, and scanning.

Nothing here is kept by the browser that belongs to a person: the service worker keeps files under /static and the
page that says "no connection".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from anlan.kernel import describe, query, record
from anlan.kernel.context import Context
from anlan.kernel.errors import Refused, conflict, forbidden
from anlan.web.pages import show
from anlan.web.pages.context import language, theme
from anlan.web.pages.frame import STATIC, render, static_url, template, words

__all__ = ["manifest", "offline_page", "scan_lines_page", "scan_page", "service_worker"]

# What the service worker keeps at once; all of it is the same for everybody.
SHELL = (
    "vendor/tabler.min.css", "anlan.css", "theme.js", "vendor/htmx.min.js", "vendor/icons.svg", "frame.js", "mark.svg",
)  # fmt: skip


def manifest(request: Request) -> Response:
    """`GET /manifest.webmanifest`: name and icons for the home screen, in the browser's language."""
    lang = language(request)
    icons = [
        {"src": static_url(f"icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png", "purpose": "any"}
        for size in (192, 512)
    ]
    whole = {"src": static_url("icon-maskable-512.png"), "sizes": "512x512", "type": "image/png", "purpose": "maskable"}
    content = {
        "id": "/",
        "name": words().text("brand", lang),
        "short_name": words().text("brand", lang),
        "lang": "en" if lang == "en" else "zh-CN",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": "#0f6b66",
        "icons": [*icons, whole],
        "shortcuts": [
            {"name": words().text("todo.title", lang), "url": "/todo"},
            {"name": words().text("scan.title", lang), "url": "/scan"},
        ],
    }
    return JSONResponse(content, media_type="application/manifest+json", headers={"cache-control": "no-cache"})


def service_worker(request: Request) -> Response:
    """`GET /sw.js`: the script with the addresses of the files as they are now; a new file is a new worker."""
    del request
    source = (STATIC / "sw.js").read_text("utf-8")
    addresses = ", ".join(f'"{static_url(one)}"' for one in SHELL)
    return Response(
        source.replace("/* SHELL */", addresses), media_type="text/javascript", headers={"cache-control": "no-cache"}
    )


def offline_page(request: Request) -> Response:
    """`GET /offline`: what one sees without a network; the same for everybody, logged in or not."""
    lang = language(request)
    html = template(
        "offline.html", lang=lang, theme=theme(request), nonce=request.state.nonce,
        title=words().text("offline.title", lang),
    )  # fmt: skip
    return Response(html, media_type="text/html")


def scan_page(request: Request, ctx: Context) -> Response:
    """`GET /scan`: camera or typed code; leads to the record."""
    return render(request, ctx, "scan.html", title=words().text("scan.title", ctx.language))


def scan_lines_page(request: Request, ctx: Context) -> Response:
    """`GET /scan/{form}/{key}`: the lines of a draft by scanning, as the form's definition says (`scan`)."""
    form = describe.form(ctx, request.path_params["form"])
    scan = form.get("scan")
    if scan is None:
        raise Refused(404, "scan.no_scan", params={"form": form["form"]})
    if "update" not in form["actions"]:
        raise forbidden(form["form"], "update")
    content = record.read(ctx, form["form"], request.path_params["key"])
    if content.get("state") not in (None, form.get("start")):
        raise conflict("scan.not_draft", number=content.get("number") or "")
    label = show.label(form["label"], ctx.language)
    heading = content.get("number") or content.get("code") or label
    return render(
        request,
        ctx,
        "scan_lines.html",
        title=f"{words().text('scan.title', ctx.language)} · {heading}",
        crumbs=[(label, f"/f/{form['form']}"), (heading, f"/f/{form['form']}/{content['id']}")],
        form=form,
        record=content,
        heading=heading,
        form_label=label,
        source=show.plain(content.get(form.get("title") or ""), form["fields"].get(form.get("title") or "", {}), ctx.language, ctx.site.zone),
        island=_island(ctx, form, content, scan),
    )


def _island(ctx: Context, form: Mapping[str, Any], content: Mapping[str, Any], scan: Mapping[str, Any]) -> dict[str, Any]:
    """What the script works on: the lines with the codes that mean them. `expected` stays out where it is blind."""
    inner = form["fields"][scan["lines"]]["fields"]
    target = inner[scan["item"]].get("to")
    rows = []
    barcodes = _barcodes(ctx, target, [row[scan["item"]]["id"] for row in content[scan["lines"]] if row.get(scan["item"])])
    for row in content[scan["lines"]]:
        item, lot = row.get(scan["item"]), row.get(scan["lot"]) if scan["lot"] else None
        if item is None:
            continue
        rows.append(
            {
                "id": row["id"],
                "item": item,
                "codes": [code for code in (item.get("code"), *barcodes.get(item["id"], ())) if code],
                "lot": lot.get("code") if lot else None,
                "expected": None if scan["blind"] else row.get(scan["quantity"]),
                "kept": row.get(scan["quantity"]) if scan["mode"] == "free" else None,
            }
        )
    return {
        "form": form["form"],
        "id": content["id"],
        "version": content["version"],
        "login": ctx.caller.login,
        "scan": dict(scan),
        "target": target,
        "rows": rows,
        "steps": [
            [key, show.label(one["label"], ctx.language)]
            for key, one in (form.get("transitions") or {}).items()
            if one.get("primary") and content.get("state") in one["from"] and key in form["actions"]
        ],
    }


def _barcodes(ctx: Context, form: str | None, ids: list[str]) -> dict[str, list[str]]:
    """The barcodes of linked records, by id; none where the caller may not read them."""
    if form is None or not ids or not ctx.caller.policy.can(form, "read"):
        return {}
    fields = [key for key, one in describe.form(ctx, form)["fields"].items() if one["type"] == "barcode"]
    if not fields:
        return {}
    found: dict[str, list[str]] = {}
    wanted = sorted(set(ids))
    for start in range(0, len(wanted), 100):
        quoted = ", ".join(f'"{one}"' for one in wanted[start : start + 100])
        asked = query.Query(where=f"IN(id, {quoted})", fields=fields, limit=100)
        for one in query.records(ctx, form, asked)["data"]:
            found[one["id"]] = [one[key] for key in fields if one.get(key)]
    return found

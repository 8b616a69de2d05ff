"""What a list shows, as its address says: the view, and whatever differs from what the view says itself.

    /f/demo.note                                  the form's first view, or the one that the person opens first
    /f/demo.note?view=draft&sort=-total           a pack's view in another order
    /f/demo.note?view=<id>&columns=number,total   a saved view with other columns
    /f/demo.note?kind=board&by=state              the first view as a board
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from anlan.kernel import view
from anlan.kernel.context import Context
from anlan.kernel.query import Query
from anlan.web.pages import filters
from anlan.web.pages.columns import first_columns
from anlan.web.pages.filters import Chip

__all__ = ["STATE", "Listing", "Tab", "read"]

Json = Mapping[str, Any]
STATE = ("where", "search", "sort", "columns", "totals", "kind", "by", "at", "span")


@dataclass(frozen=True)
class Tab:
    """One view: a pack's (`saved` None) or a saved one."""

    key: str
    label: Any
    saved: Json | None = None


@dataclass(frozen=True)
class Listing:
    """`base` is what the view says, `now` what is shown; `fixed` the filter of a pack's view, which no chip shows.

    `named`: the address must name the view. `left_out`: what the caller cannot use of all that. `gone`: the
    address named a view that there is not.
    """

    form: str
    view: str
    base: Mapping[str, str]
    now: Mapping[str, str]
    fixed: str = ""
    named: bool = False
    tabs: Sequence[Tab] = ()
    layout: Json = field(default_factory=dict)
    first: str | None = None
    may_share: bool = False
    left_out: Sequence[Json] = ()
    gone: bool = False

    def carried(self, *without: str) -> list[tuple[str, str]]:
        """The parameters of the address, without those named."""
        return self._pairs(self.now, without)

    def _pairs(self, now: Mapping[str, str], without: Sequence[str] = ()) -> list[tuple[str, str]]:
        state = [(name, now.get(name, "")) for name in STATE if now.get(name, "") != self.base.get(name, "")]
        view_ = [("view", self.view)] if self.view and (self.named or state) else []
        return [(name, text) for name, text in (*view_, *state) if name not in without]

    def url(self, **changes: str) -> str:
        """The address of this list with some of its state changed."""
        pairs = self._pairs({**self.now, **changes})
        return f"/f/{self.form}" + (f"?{urlencode(pairs)}" if pairs else "")

    def tab_url(self, key: str) -> str:
        """The address of a view as it is."""
        return f"/f/{self.form}?{urlencode({'view': key})}"

    def with_where(self, where: str) -> Listing:
        """The same list with other chips."""
        return replace(self, now={**self.now, "where": where})

    def also(self, condition: str) -> str:
        """The chips' filter with another condition."""
        parts = [*view.parts_of(self.now["where"]), *view.parts_of(condition)]
        return f"AND({', '.join(parts)})" if len(parts) > 1 else condition

    def chips(self) -> list[Chip]:
        return filters.chips(self.now["where"])

    def __getattr__(self, name: str) -> str:
        """`listing.search` and the others of `STATE`."""
        if name in STATE:
            return self.now.get(name, "")
        raise AttributeError(name)

    @property
    def tab(self) -> Tab | None:
        """The view that is open."""
        return next((one for one in self.tabs if one.key == self.view), None)

    @property
    def changed(self) -> bool:
        """Whether what is shown differs from what the view says."""
        return any(self.now.get(name, "") != self.base.get(name, "") for name in STATE if name not in ("at", "span"))

    @property
    def columns_shown(self) -> list[str]:
        return _names(self.now["columns"])

    @property
    def sorted_by(self) -> list[str]:
        return _names(self.now["sort"])

    @property
    def totals_asked(self) -> list[str]:
        return _names(self.now["totals"])

    @property
    def totals_shown(self) -> list[str]:
        """Those whose column is there to stand under."""
        return [path for path in self.totals_asked if path in self.columns_shown]

    @property
    def whole_where(self) -> str | None:
        """The view's own filter and the chips together."""
        parts = [part for part in (self.fixed, self.now["where"]) if part]
        return f"AND({', '.join(parts)})" if len(parts) > 1 else parts[0] if parts else None

    def query(self) -> Query:
        """The rows of this list, without what is shown of them."""
        return Query(where=self.whole_where, search=self.now["search"] or None, sort=self.sorted_by)


def read(request: Request, ctx: Context, form: Json) -> Listing:
    """The list that the address asks for. One statement.

    A filter that the address itself names and that cannot be used is refused when it is asked: a misspelt one must
    not list everything. Of a saved view it is left out, and told.
    """
    asked = request.query_params
    kept = view.listing(ctx, form["form"])
    packs = form.get("views") or {}
    tabs = [Tab(key, one["label"]) for key, one in packs.items()]
    tabs += [Tab(one["id"], one["label"], one) for one in kept["data"]]
    keys = [tab.key for tab in tabs]
    wanted, bare = asked.get("view", ""), not any(name in asked for name in STATE)
    first = kept["first"] if kept["first"] in keys else None
    usual = keys[0] if packs else ""
    name = wanted if wanted in keys else first if bare and first else usual
    tab = next((one for one in tabs if one.key == name), None)
    base, fixed = _base(form, packs, tab)
    now = {one: asked.get(one, base[one]).strip() for one in STATE}
    if not now["sort"]:
        now["sort"] = base["sort"]
    if "columns" not in asked and (own := kept["layout"].get("columns", {}).get(name)):
        now["columns"] = ",".join(own)
    if now["kind"] not in ("", *view.KINDS):
        now["kind"] = base["kind"]
    usable = view.usable(
        ctx,
        ctx.form(form["form"]),
        sort=_names(now["sort"]),
        columns=_names(now["columns"]),
        totals=_names(now["totals"]),
        by=now["by"],
    )
    now |= {
        "sort": ",".join(usable.sort),
        "columns": ",".join(usable.columns) or base["columns"],
        "totals": ",".join(usable.totals),
        "by": usable.by,
    }
    left = [*(tab.saved["left_out"] if tab and tab.saved else ()), *(one._asdict() for one in usable.left_out)]
    return Listing(
        form["form"],
        name,
        base,
        now,
        fixed,
        name not in ("", usual) or first is not None,
        tabs,
        kept["layout"],
        first,
        kept["may_share"],
        [one for place, one in enumerate(left) if one not in left[:place]],
        bool(wanted) and wanted not in keys,
    )


def _base(form: Json, packs: Json, tab: Tab | None) -> tuple[dict[str, str], str]:
    """What a view says of each part of the state, and the filter that no chip shows."""
    base = dict.fromkeys(STATE, "")
    said: Json = {} if tab is None else tab.saved if tab.saved is not None else packs[tab.key]
    for name in ("sort", "columns", "totals"):
        base[name] = ",".join(said.get(name) or ())
    base["columns"] = base["columns"] or ",".join(first_columns(form))
    base["kind"] = said.get("kind") or ""
    base["kind"] = "" if base["kind"] == "list" else base["kind"]
    base["by"] = said.get("by") or ""
    if tab is not None and tab.saved is not None:
        base["where"], base["search"] = said["where"], said["search"]
        return base, ""
    return base, said.get("where") or ""


def _names(text: str) -> list[str]:
    return [one for one in dict.fromkeys(part.strip() for part in text.split(",")) if one]

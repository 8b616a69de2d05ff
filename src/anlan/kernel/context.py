"""One Context per request: the site, the catalogue as it was at its start, who asks, when, in which language.

    ctx.atomically(lambda: [record.create(ctx, …), record.step(ctx, …)])

runs several calls in one transaction, and runs them again when another process published a newer catalogue, or
PostgreSQL asks for it (deadlock). A kernel call outside makes a transaction of its own.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg

from anlan.kernel.access.caller import SYSTEM_USER, Caller, caller_again
from anlan.kernel.catalogue.catalogue import Catalogue
from anlan.kernel.catalogue.form import Form
from anlan.kernel.errors import Fault, Refused
from anlan.kernel.memory import EMPTY, Masters, Memory
from anlan.kernel.storage.pool import Connection

if TYPE_CHECKING:
    from anlan.kernel.site.site import Site

__all__ = ["Caller", "Context", "Stale", "Transaction"]

T = TypeVar("T")

RETRIES = 3
ITSELF: Mapping[str, Any] = {"id": SYSTEM_USER, "code": "system", "name": "Anlan"}
AGAIN = frozenset({"40001", "40P01"})  # serialization failure, deadlock: PostgreSQL asks to run again


class Stale(Exception):
    """The catalogue of this process is older than the site's; reload it and run again."""


class Transaction:
    """One database transaction, with what was loaded in it.

    `linked[form][id]` are rows of linked records by field key; `seen` tells whether the version row was read;
    `pending` is looked at before the commit, `after` runs when the transaction has been committed.
    """

    __slots__ = (
        "after",
        "connection",
        "linked",
        "locked",
        "masters",
        "pending",
        "private",
        "seen",
        "version",
        "wrote_masters",
    )

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.linked: dict[str, dict[str, Mapping[str, Any]]] = {}
        self.seen = False
        self.wrote_masters = False
        self.version: Any = None  # the answer to the question for the versions
        self.locked: set[str] = set()  # companies whose periods cannot be closed now
        self.pending: list[Callable[[], None]] = []  # results that must be looked at before the commit
        self.private: Memory | None = None
        self.masters: Masters | None = None  # None: not known yet, or this transaction wrote masters
        self.after: list[Callable[[], None]] = []


class Context:
    """What every kernel call gets first. Belongs to one request and one thread."""

    __slots__ = ("caller", "catalogue", "language", "now", "request_id", "site", "today", "tx", "via")

    def __init__(
        self,
        site: Site,
        caller: Caller,
        *,
        language: str | None = None,
        via: str = "api",
        request_id: str | None = None,
        now: datetime | None = None,
    ) -> None:
        self.site = site
        self.catalogue: Catalogue = site.catalogue
        self.caller = caller
        self.language = language or caller.language
        self.via = via
        self.request_id = request_id
        self.now = now or site.clock.now()
        self.today: date = self.now.astimezone(site.zone).date()
        self.tx: Transaction | None = None

    def form(self, name: str) -> Form:
        """The form of a name; 404 when there is none."""
        return self.catalogue.form(name)

    @property
    def person(self) -> str | None:
        """The id of the user who asks; None when Anlan itself does (jobs, seeds)."""
        return None if self.caller.user == SYSTEM_USER else self.caller.user

    @property
    def memory(self) -> Memory:
        """The settings as this context sees them."""
        if self.tx is not None and self.tx.private is not None:
            return self.tx.private
        return self.site.memory(self.catalogue)

    def linked(self, form: str, key: str | None) -> Mapping[str, Any]:
        """A linked record as Python values: a setting, or one that was loaded in this transaction."""
        if key is None:
            return EMPTY
        if key == SYSTEM_USER and form == "system.user":
            return ITSELF
        if self.catalogue.forms[form].is_setting:
            return self.memory.row(form, key)
        return self.tx.linked.get(form, {}).get(key, EMPTY) if self.tx is not None else EMPTY

    def rows(self, form: str) -> dict[str, Mapping[str, Any]]:
        """The linked rows of a form that this transaction has loaded, by id."""
        assert self.tx is not None, "a kernel call outside a transaction"
        return self.tx.linked.setdefault(form, {})

    @property
    def connection(self) -> Connection:
        """The connection of the running transaction."""
        assert self.tx is not None, "a kernel call outside a transaction"
        return self.tx.connection

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """The running transaction, or a new one that is committed at the end. It is not run again by itself;
        see `atomically`."""
        if self.tx is not None:
            yield self.tx
            return
        with self.site.pool.connection() as connection:
            tx = self.tx = Transaction(connection)
            try:
                # In a pipeline a statement is only waited for when its result is looked at: half the CPU of both sides.
                with connection.pipeline():
                    yield tx
                    self.settle()
                    connection.commit()
            finally:
                self.tx = None
        for action in tx.after:
            action()

    def atomically(self, work: Callable[[], T]) -> T:
        """Run `work` in one transaction and return its result.

        1. A transaction that already runs is joined.
        2. Stale catalogue: it is reloaded, the caller gets what it grants him, and the work runs again.
        3. Deadlock or serialization failure: again, at most three times, after a random pause.
        4. What a limit inside a statement refused, a broken unique key or a missing link becomes `Refused`.
        """
        if self.tx is not None:
            return work()
        attempt = 0
        while True:
            try:
                with self.transaction():
                    return work()
            except Stale:
                self.site.reload()
                self.catalogue = self.site.catalogue
                self.caller = caller_again(self.caller, self.catalogue.policies)
                if attempt >= RETRIES:
                    raise
            except psycopg.Error as error:
                if error.sqlstate not in AGAIN or attempt >= RETRIES:
                    raise refused_by_database(self.catalogue, error) from error
            attempt += 1
            time.sleep(random.uniform(0.5, 1.5) * 0.005 * 2**attempt)

    def ask_versions(self, *, again: bool = False) -> None:
        """Send the question for the site's versions; `know_versions` looks at the answer."""
        tx = self.tx
        if tx is not None and tx.version is None and (again or not tx.seen):
            tx.version = tx.connection.execute(
                "SELECT catalogue, settings, masters FROM site_version", prepare=True
            )

    def know_versions(self) -> None:
        """Compare the site's versions with ours, if they were asked for. Raises Stale for an old catalogue.

        Older settings are dropped, so that the next look reads them anew.
        """
        tx = self.tx
        if tx is None or tx.version is None:
            return
        row = tx.version.fetchone()
        tx.version, tx.seen = None, True
        assert row is not None, "a site without its version row"
        if row[0] != self.catalogue.version:
            raise Stale
        self.site.settings_are_at(row[1])
        if not tx.wrote_masters:
            tx.masters = self.site.masters_at(self.catalogue, row[2])

    def check_versions(self) -> None:
        """Ask and look: once a transaction, before anything else is believed."""
        self.ask_versions()
        self.know_versions()

    def settle(self) -> None:
        """Look at all results that may refuse the transaction."""
        assert self.tx is not None
        pending, self.tx.pending = self.tx.pending, []
        for look in pending:
            look()

    def settings_changed(self) -> None:
        """Called after a setting was written in this transaction: others will notice, and we see our own."""
        assert self.tx is not None
        connection = self.tx.connection
        connection.execute("UPDATE site_version SET settings = settings + 1", prepare=True)
        self.tx.private = Memory(self.catalogue, -1, lambda: nullcontext(connection))

    def masters_changed(self) -> None:
        """Called after a master was written in this transaction: what processes hold of masters is not valid any more."""
        tx = self.tx
        assert tx is not None
        if not tx.wrote_masters:
            tx.connection.execute("UPDATE site_version SET masters = masters + 1", prepare=True)
            tx.wrote_masters, tx.masters = True, None


def refused_by_database(catalogue: Catalogue, error: psycopg.Error) -> Exception:
    """What a constraint says, as an answer; anything else stays the error it is (a defect)."""
    if isinstance(error, psycopg.errors.UniqueViolation):
        return _not_unique(catalogue, error)
    if isinstance(error, psycopg.errors.ForeignKeyViolation):
        detail = error.diag.message_detail or ""
        if "still referenced" in detail:
            return Refused(
                409, "still_referenced", params={"table": detail.rpartition('table "')[2].rstrip('".')}
            )
        return Refused(422, "unknown_link", [Fault("unknown_link", "", {"value": detail})])
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return Refused(409, "busy", retry_after=1)
    return error


def _not_unique(catalogue: Catalogue, error: psycopg.Error) -> Refused:
    """Which fields have values that another record has: "Key (company, code)=(…, A1) already exists"."""
    table, detail = error.diag.table_name or "", error.diag.message_detail or ""
    form = next((item for item in catalogue.forms.values() if item.table.strip('"') == table), None)
    columns = detail.partition("(")[2].partition(")=")[0].replace('"', "").split(", ")
    values = detail.partition("=(")[2].rpartition(")")[0].split(", ")
    named = [(column, value) for column, value in zip(columns, values, strict=False) if column != "company"]
    if form is None or not named or len(columns) != len(values):
        return Refused(422, "not_unique", [Fault("not_unique", "", {"value": detail[:200]})])
    if len(named) == 1:
        return Refused(422, "not_unique", [Fault("not_unique", named[0][0], {"value": named[0][1]})])
    labels = [form.fields[column].definition.label or column for column, _ in named if column in form.fields]
    fields = {
        "zh": "、".join(str(getattr(label, "zh", label)) for label in labels),
        "en": ", ".join(str(getattr(label, "en", label)) for label in labels),
    }
    return Refused(
        422, "not_unique_together", [Fault("not_unique_together", named[0][0], {"fields": fields})]
    )

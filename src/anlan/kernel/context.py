"""One Context per request: the site, the catalogue as it was at its start, who asks, when, in which language.

    ctx.atomically(lambda: [record.create(ctx, …), record.step(ctx, …)])

runs several calls in one transaction, and runs them again when another process published a newer catalogue, or
PostgreSQL asks for it (deadlock). A kernel call outside makes a transaction of its own.

All statements of a transaction, BEGIN and COMMIT included, travel in one pipeline, and only answers that the next step
needs are waited for. What would refuse the transaction (a broken limit, an old catalogue) therefore refuses inside
its statement (`anlan_refuse`), behind which nothing is executed any more.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from anlan.kernel.access.caller import SYSTEM_USER, Caller, caller_again
from anlan.kernel.catalogue.catalogue import Catalogue
from anlan.kernel.catalogue.form import Form
from anlan.kernel.errors import Fault, Refused
from anlan.kernel.memory import EMPTY, Masters, Memory
from anlan.kernel.storage.pool import Connection

if TYPE_CHECKING:
    from anlan.kernel.site.site import Site

__all__ = ["LIMIT", "Caller", "Context", "Later", "Stale", "Transaction"]

T = TypeVar("T")

RETRIES = 3
ITSELF: Mapping[str, Any] = {"id": SYSTEM_USER, "code": "system", "name": "Anlan"}
AGAIN = frozenset({"40001", "40P01"})  # serialization failure, deadlock: PostgreSQL asks to run again
LIMIT, OLD = "AN001", "AN002"  # what `anlan_refuse` ends a transaction with
CURRENT = (
    "SELECT CASE WHEN catalogue = $1 AND settings = $2 AND masters = $3 THEN NULL "
    f"ELSE anlan_refuse('{OLD}', concat_ws(' ', catalogue, settings, masters)) END FROM site_version"
)


class Stale(Exception):
    """The catalogue of this process is older than the site's; reload it and run again."""


@dataclass(slots=True, frozen=True)
class Later(Generic[T]):
    """A result that needs no statement any more: it is put together while the database commits."""

    make: Callable[[], T]


class _Made(Generic[T]):
    """What some work comes to, once `take` has run."""

    result: T

    def __init__(self, found: T | Later[T]) -> None:
        self.found = found

    def take(self) -> None:
        self.result = self.found.make() if isinstance(self.found, Later) else self.found


class Transaction:
    """One database transaction, with what was loaded in it.

    `linked[form][id]` are rows of linked records by field key; `seen` tells whether the versions were asked for;
    `pending` takes in answers that nobody has needed yet, before a result is put together; `refusals` say, by SQLSTATE,
    what a statement's refusal means, given its detail; `posted` are the documents whose postings were sent, `doubtful`
    is true while nobody knows whether they were refused; `after` runs when the transaction has been committed.

    `trusting`: memory is taken for current, and a statement refuses when it is not; then the work runs again with a
    transaction that asks and waits.
    """

    __slots__ = (
        "after",
        "connection",
        "doubtful",
        "linked",
        "locked",
        "masters",
        "pending",
        "pipeline",
        "posted",
        "private",
        "refusals",
        "seen",
        "trusting",
        "version",
        "wrote_masters",
    )

    def __init__(self, connection: Connection, pipeline: psycopg.Pipeline, *, trusting: bool = False) -> None:
        self.connection, self.pipeline, self.trusting = connection, pipeline, trusting
        self.linked: dict[str, dict[str, Mapping[str, Any]]] = {}
        self.seen = False
        self.wrote_masters = False
        self.version: Any = None  # the answer to the question for the versions
        self.locked: set[str] = set()  # companies whose periods cannot be closed now
        self.pending: list[Callable[[], None]] = []
        self.doubtful = False
        self.posted: list[tuple[Form, list[dict[str, Any]]]] = []
        self.refusals: dict[str, Callable[[str], Exception]] = {}
        self.private: Memory | None = None
        self.masters: Masters | None = None  # None: not known yet, or this transaction wrote masters
        self.after: list[Callable[[], None]] = []

    def take_in(self) -> None:
        """Take in the answers that are pending."""
        pending, self.pending = self.pending, []
        for take in pending:
            take()


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
    def transaction(self, *, trusting: bool = False) -> Iterator[Transaction]:
        """The running transaction, or a new one that is committed at the end. It is not run again by itself;
        see `atomically`."""
        if self.tx is not None:
            yield self.tx
            return
        with self.site.pool.connection() as connection:
            connection.autocommit = True  # else psycopg waits for the answer to BEGIN
            try:
                # In a pipeline a statement is only waited for when its result is looked at: half the CPU of both sides.
                with connection.pipeline() as pipeline:
                    tx = self.tx = Transaction(connection, pipeline, trusting=trusting)
                    failed = True
                    try:
                        connection.execute("BEGIN", prepare=True)
                        yield tx
                        connection.execute("COMMIT", prepare=True)
                        tx.take_in()
                        failed = False
                    finally:
                        if failed:
                            _drain(pipeline)
            finally:
                self.tx = None
                _leave(connection)
        for action in tx.after:
            action()

    def atomically(self, work: Callable[[], T | Later[T]]) -> T:
        """Run `work` in one transaction and return its result.

        1. A transaction that already runs is joined.
        2. Stale catalogue: it is reloaded, the caller gets what it grants him, and the work runs again.
        3. Deadlock or serialization failure: again, at most three times, after a random pause.
        4. What a limit inside a statement refused, a broken unique key or a missing link becomes `Refused`.
        """
        if self.tx is not None:
            result = work()
            if not isinstance(result, Later):
                return result
            if self.tx.doubtful:
                self.settle()
            return result.make()
        attempt = 0
        while True:
            tx = None
            try:
                with self.transaction(trusting=attempt == 0) as tx:
                    made = _Made(self._believed(work))
                    tx.pending.append(made.take)
                return made.result
            except Stale:
                self._catch_up()
                if attempt >= RETRIES:
                    raise
            except psycopg.Error as error:
                if error.sqlstate == OLD:
                    self._remember_versions(error.diag.message_detail or "")
                    attempt += 1
                    continue
                if error.sqlstate not in AGAIN or attempt >= RETRIES:
                    raise self.told(error, tx) from error
            attempt += 1
            time.sleep(random.uniform(0.5, 1.5) * 0.005 * 2**attempt)

    def _believed(self, work: Callable[[], T]) -> T:
        """The result of the work; what it refuses counts only when what it believed is true: a statement that knows
        better raises first."""
        try:
            return work()
        except Refused:
            if self.tx is not None and self.tx.trusting:
                self.tx.pipeline.sync()
            raise

    def _catch_up(self) -> None:
        self.site.reload()
        self.catalogue = self.site.catalogue
        self.caller = caller_again(self.caller, self.catalogue.policies)

    def _remember_versions(self, detail: str) -> None:
        """What the site's versions are, as a statement found out that ours are others."""
        catalogue, settings, masters = (int(part) for part in detail.split())
        if catalogue != self.catalogue.version:
            self._catch_up()
        self.site.settings_are_at(settings)
        self.site.masters_at(self.catalogue, masters)

    def told(self, error: psycopg.Error, tx: Transaction | None = None) -> Exception:
        """What an error of the database means to a caller; itself when it is a defect."""
        tx = tx or self.tx
        means = tx.refusals.get(error.sqlstate or "") if tx is not None else None
        if means is not None:
            return means(error.diag.message_detail or "")
        return refused_by_database(self.catalogue, error)

    def ask_versions(self, *, again: bool = False) -> None:
        """Make sure of the site's versions: by a statement that refuses when ours are old, or by a question whose answer
        `know_versions` looks at. `again`: something was waited for since."""
        tx = self.tx
        if tx is None or (tx.seen and not again):
            return
        if tx.trusting and tx.private is None and not tx.wrote_masters:
            masters = self.site.masters(self.catalogue)
            tx.connection.execute(
                CURRENT, [self.catalogue.version, self.memory.version, masters.version], prepare=True
            )
            tx.masters = masters
        else:
            tx.version = tx.connection.execute(
                "SELECT catalogue, settings, masters FROM site_version", prepare=True
            )
        tx.seen = True

    def know_versions(self) -> None:
        """Compare the site's versions with ours, if they were asked for. Raises Stale for an old catalogue.

        Older settings are dropped, so that the next look reads them anew; a transaction that wrote settings itself
        goes on with its own.
        """
        tx = self.tx
        if tx is None or tx.version is None:
            return
        row = tx.version.fetchone()
        tx.version = None
        assert row is not None, "a site without its version row"
        if row[0] != self.catalogue.version:
            raise Stale
        if tx.private is None:
            self.site.settings_are_at(row[1])
        if not tx.wrote_masters:
            tx.masters = self.site.masters_at(self.catalogue, row[2])

    def check_versions(self) -> None:
        """Once a transaction, before anything else is believed."""
        self.ask_versions()
        self.know_versions()

    def take_in(self) -> None:
        """Take in the answers that are pending; waits for them."""
        assert self.tx is not None
        self.tx.take_in()

    def settle(self) -> None:
        """Wait for all that was sent: what refuses the transaction refuses now, what was pending is taken in."""
        assert self.tx is not None
        self.tx.doubtful = False
        try:
            self.tx.pipeline.sync()
        except psycopg.Error as error:
            if error.sqlstate == OLD or error.sqlstate in AGAIN:
                raise
            raise self.told(error) from error
        self.tx.take_in()

    def settings_changed(self) -> None:
        """Called after a setting was written in this transaction: others will notice, and we see our own."""
        tx = self.tx
        assert tx is not None
        connection = tx.connection
        answer = connection.execute(
            "UPDATE site_version SET settings = settings + 1 RETURNING settings", prepare=True
        )
        tx.private = Memory(self.catalogue, -1, lambda: nullcontext(connection))
        tx.after.append(partial(_now_at, answer, self.site.settings_are_at))

    def masters_changed(self) -> None:
        """Called after a master was written in this transaction: what processes hold of masters is not valid any more."""
        tx = self.tx
        assert tx is not None
        if not tx.wrote_masters:
            answer = tx.connection.execute(
                "UPDATE site_version SET masters = masters + 1 RETURNING masters", prepare=True
            )
            tx.wrote_masters, tx.masters = True, None
            tx.after.append(partial(_now_at, answer, partial(self.site.masters_at, self.catalogue)))


def _now_at(answer: Any, tell: Callable[[int], Any]) -> None:
    """Tell this process the version that its own transaction has made, so that the next one need not find out."""
    tell(answer.fetchone()[0])


def _drain(pipeline: psycopg.Pipeline) -> None:
    """Wait for what was sent before a transaction failed; why it failed is being told already."""
    with suppress(psycopg.Error):
        pipeline.sync()


def _leave(connection: Connection) -> None:
    """Give the connection back as it was."""
    if not connection.closed:
        if connection.info.transaction_status != TransactionStatus.IDLE:
            connection.rollback()
        connection.autocommit = False


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

"""From what a document did to the lines of its voucher, by a posting rule.

    rule   debit receivable gross; credit revenue net; credit output_vat tax
    facts  gross 113.00 (USD 15.69), net 100.00, tax 13.00
    →      Dr 1122 113.00 party C001 | Cr 5001 100.00 | Cr 22210107 13.00

Facts are in company currency, with the amount in the document's currency where the account may need it. A
rule's line takes all facts of its key: a line of the voucher for each account and analysis that it asks for.
Red entries are negative amounts on the side of what they take back; zeros book nothing.
Invariant of a sensible rule: the sum of debit equals the sum of credit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

__all__ = ["About", "Fact", "NoAccount", "RuleLine", "difference", "exchange_result", "voucher_lines"]

ZERO = Decimal(0)


class Fact(NamedTuple):
    """One amount of a document: `foreign` in its currency if it has one; `account` overrides the rule's."""

    key: str
    value: Decimal
    foreign: Decimal | None = None
    item: str | None = None
    account: str | None = None


class RuleLine(NamedTuple):
    """One line of a posting rule; `account` is used when given, else the account of `role`."""

    summary: str
    side: str
    role: str | None
    account: str | None
    amount: str
    negative: bool = False


@dataclass(frozen=True, slots=True)
class About:
    """What all lines of a voucher share; ids, and texts for the summaries."""

    currency: str
    exchange_rate: Decimal
    base_currency: str
    texts: Mapping[str, str]
    party: str | None = None
    department: str | None = None
    employee: str | None = None


class NoAccount(Exception):
    """A rule names a role that no account has; `role` is its key."""

    def __init__(self, role: str) -> None:
        super().__init__(role)
        self.role = role


def voucher_lines(
    lines: Iterable[RuleLine],
    facts: Sequence[Fact],
    *,
    about: About,
    account_of: Callable[[str], str | None],
    analysis_of: Callable[[str], Iterable[str]],
) -> list[dict[str, Any]]:
    """The lines of a voucher as values of `finance.voucher`.

    `account_of(role)` finds an account's id, `analysis_of(account)` what it asks for. Raises NoAccount for a
    role without an account, only when there is something to book on it.
    """
    result: list[dict[str, Any]] = []
    for line in lines:
        groups: dict[tuple[str, str | None], list[Fact]] = {}
        for fact in facts:
            if fact.key == line.amount and fact.value != 0:
                account = fact.account or line.account or account_of(line.role or "")
                if account is None:
                    raise NoAccount(line.role or "")
                item = fact.item if "item" in analysis_of(account) else None
                groups.setdefault((account, item), []).append(fact)
        for (account, item), group in groups.items():
            written = _line(
                line, account, group, item=item, about=about, asked=frozenset(analysis_of(account))
            )
            if written is not None:
                result.append(written)
    return result


def difference(lines: Iterable[Mapping[str, Any]]) -> Decimal:
    """Debit less credit over all lines."""
    return sum((line["debit"] - line["credit"] for line in lines), ZERO)


def exchange_result(
    money: Decimal, settled: Decimal, write_off: Decimal, *, incoming: bool
) -> dict[str, Decimal]:
    """Gain or loss of a payment: what came in (or had to be paid less) beyond what it cleared.

    小企业会计准则: a gain is 营业外收入, a loss 财务费用; the roles fx_gain and fx_loss say which accounts.
    """
    gain = money + write_off - settled if incoming else settled - money - write_off
    return {"fx_gain": max(gain, ZERO), "fx_loss": max(-gain, ZERO)}


def _line(
    rule: RuleLine,
    account: str,
    facts: Sequence[Fact],
    *,
    item: str | None,
    about: About,
    asked: frozenset[str],
) -> dict[str, Any] | None:
    sign = -1 if rule.negative else 1
    value = sign * sum((fact.value for fact in facts), ZERO)
    if value == 0:
        return None
    foreign = [fact.foreign for fact in facts if fact.foreign is not None]
    in_currency = len(foreign) == len(facts) and about.currency != about.base_currency
    return {
        "summary": _filled(rule.summary, about.texts),
        "account": account,
        "debit": value if rule.side == "debit" else ZERO,
        "credit": value if rule.side == "credit" else ZERO,
        "currency": about.currency if in_currency else about.base_currency,
        "exchange_rate": about.exchange_rate if in_currency else Decimal(1),
        "amount": sign * sum(foreign, ZERO) if in_currency else value,
        "party": about.party if "party" in asked else None,
        "item": item,
        "department": about.department if "department" in asked else None,
        "employee": about.employee if "employee" in asked else None,
    }


def _filled(summary: str, texts: Mapping[str, str]) -> str:
    """The summary with {number}, {party}, {note} in place, cut to what a line may hold."""
    for key, text in texts.items():
        summary = summary.replace("{" + key + "}", text)
    return " ".join(summary.split())[:200]

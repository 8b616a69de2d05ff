"""The year, day by day. The same site date gives the same story.

1. People, places, goods, partners, opening stock and capital, the day before the first.
2. Each working day: purchases, production, transfers, orders, deliveries, invoices, shop sales, money.
3. Weekly: quotations and what becomes of them, requisitions; monthly: a count, prices that move, a closed month.
4. The end leaves work to do: drafts, open orders, goods on the way, a count, a shortage, who does not pay; and the
   company turns approvals on, so that three orders wait for somebody.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from anlan.kernel.access.caller import system_caller
from anlan.kernel.site import Site, example
from anlan.packs.demo.beginning import PASSWORD, found_company, months_later
from anlan.packs.demo.company import PEOPLE
from anlan.packs.demo.days import leave_work, live_a_day
from anlan.packs.demo.state import Story
from anlan.packs.demo.waiting import turn_on_approvals

__all__ = ["MONTHS", "load"]

MONTHS = 12
SEED = 20260816
SUNDAY = 6


def load(site: Site, *, months: int = MONTHS) -> None:
    """Fill a new site with the story of so many months; it ends on the site's yesterday.

    What it makes is remembered, so that `example.remove` can take it out again.
    """
    last = site.clock.today(site.zone_name) - timedelta(days=1)
    first = _so_many_months_before(last, months)
    shown = [(one.code, one.name, one.shown) for one in PEOPLE if one.shown]
    with example.remembering(site, shown=shown, password=PASSWORD):
        story = Story(site, Random(SEED), first - timedelta(days=1), last=last)
        story.people["system"] = system_caller(site.catalogue.policies)
        found_company(story)
        for number in range((last - first).days + 1):
            story.begin(first + timedelta(days=number))
            if story.day.weekday() != SUNDAY:
                live_a_day(story)
        leave_work(story)
        turn_on_approvals(story)


def _so_many_months_before(day: date, months: int) -> date:
    month = months_later(day.replace(day=1), -months)
    return month.replace(day=min(day.day, 28)) + timedelta(days=1)

"""The three months, day by day. The same site date gives the same story.

1. People, places, goods, partners, opening stock and capital, the day before the first.
2. Each working day: purchases, production, transfers, orders, deliveries, invoices, shop sales, money.
3. A month is closed on the fifth of the next but one, when its vouchers have been reviewed.
4. The end leaves work to do: drafts, open orders, a delivery that waits for its invoice, a shortage; and the company
   turns approvals on, so that three orders wait for somebody.
"""

from __future__ import annotations

from datetime import timedelta
from random import Random

from anlan.kernel.access.caller import system_caller
from anlan.kernel.site import Site
from anlan.packs.demo.beginning import found_company
from anlan.packs.demo.days import leave_work, live_a_day
from anlan.packs.demo.state import Story
from anlan.packs.demo.waiting import turn_on_approvals

__all__ = ["DAYS", "load"]

DAYS = 91
SEED = 20260816
SUNDAY = 6


def load(site: Site) -> None:
    """Fill a new site with the story; it ends on the site's today."""
    last = site.clock.today(site.zone_name)
    story = Story(site, Random(SEED), last - timedelta(days=DAYS))
    story.people["system"] = system_caller(site.catalogue.policies)
    found_company(story)
    for number in range(1, DAYS + 1):
        story.begin(last - timedelta(days=DAYS - number))
        if story.day.weekday() != SUNDAY:
            live_a_day(story)
    leave_work(story)
    turn_on_approvals(story)

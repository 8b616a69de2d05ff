"""Dashboards: widgets that a pack defines, each a figure, chart or table of a report or form, read on its own.

    dashboards(ctx) -> those that the caller may read; home(ctx) -> the one that his roles begin the day with
    describe(ctx, "demo.overview") -> its widgets, without those whose source the caller may not read
    widget(ctx, "demo.overview", "total", period="month") -> {"kind": "number", "value": "679278.37", …, "at": "…Z"}
"""

from anlan.kernel.dashboard.catalogue import dashboards, describe, home
from anlan.kernel.dashboard.period import PERIODS
from anlan.kernel.dashboard.widget import widget

__all__ = ["PERIODS", "dashboards", "describe", "home", "widget"]

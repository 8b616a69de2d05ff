"""Reports: a table over a form, a register's balance, turnover or movements, or over several of them.

    run(ctx, "demo.by_thing", {"from": "2026-11-01"})
    →  {"columns": [{"key", "label", "type"}], "rows": [{key: value}], "totals": {key: text}, "parameters": {...}}

Each source row gives the values of `rows` (the group) and of `columns`; numbers of a group are added up, other values
are kept where they agree. A turnover is grouped first, because its columns compare totals. Parameters called like a
field of the source narrow it; `from` and `to` bound its date, `at` is the day of a balance. Rows that the caller may
not see are not counted. `behind` shows the rows of the source that one figure was made of, each with its document.
"""

from anlan.kernel.report.behind import behind
from anlan.kernel.report.checks import report_formulas
from anlan.kernel.report.table import MAX_ROWS, run

__all__ = ["MAX_ROWS", "behind", "report_formulas", "run"]

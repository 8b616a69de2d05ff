"""Pivots: figures by rows and columns that somebody chooses, over a form or over a report.

    run(ctx, Pivot(form="demo.note", rows=("thing",), columns=("date@month",), values=("sum:total",)))
    →  {"rows": [{"level": 1, "keys": [{"id", "code", "label"}], "cells": [["10.00"], None], "total": ["10.00"]}], …}

One statement with GROUPING SETS gives cells, subtotals and totals. Over a form the figures are those of documents, or with
`each` those of lines: an amount of the head is never repeated for each line, because it is not offered there.
"""

from anlan.kernel.pivot.fields import fields
from anlan.kernel.pivot.run import Pivot, bounds_of, run, where_of

__all__ = ["Pivot", "bounds_of", "fields", "run", "where_of"]

"""Files in and out: import of Excel and CSV with a preview, export, templates, files of reports.

    table = exchange.read(content, "notes.xlsx")
    paths = exchange.propose(ctx, "demo.note", table)
    seen = exchange.preview(ctx, "demo.note", table, paths)
    done = exchange.run(ctx, "demo.note", table, paths, mode="good", key="…")
    exchange.undo(ctx, done["id"])
    exchange.export_query(ctx, "demo.note", Query(where=…), out, format="xlsx")
    exchange.template_of(ctx, "demo.note")
    exchange.report_file(ctx, ReportTable(…), format="pdf")

Large ones are jobs: `request_import` of a file that was saved before, `request_export`.
"""

from anlan.kernel.exchange.importer import Preview, heads, preview, propose, run
from anlan.kernel.exchange.jobs import request_export, request_import
from anlan.kernel.exchange.listing import export_query, template_of
from anlan.kernel.exchange.past import Kept, Made, Past, Undone, history, outcome, undo
from anlan.kernel.exchange.report_file import ReportColumn, ReportTable, report_file
from anlan.kernel.exchange.runs import Result, Source
from anlan.kernel.exchange.table import Table, read
from anlan.kernel.exchange.unfinished import Unfinished, begun, forget, keep, unfinished
from anlan.kernel.exchange.ways import Ways, ways_of

__all__ = [
    "Kept",
    "Made",
    "Past",
    "Preview",
    "ReportColumn",
    "ReportTable",
    "Result",
    "Source",
    "Table",
    "Undone",
    "Unfinished",
    "Ways",
    "begun",
    "export_query",
    "forget",
    "heads",
    "history",
    "keep",
    "outcome",
    "preview",
    "propose",
    "read",
    "report_file",
    "request_export",
    "request_import",
    "run",
    "template_of",
    "undo",
    "unfinished",
    "ways_of",
]

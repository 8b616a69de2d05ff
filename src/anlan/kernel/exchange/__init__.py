"""Files in and out: import of Excel and CSV with a preview, export, templates, files of reports.

table   = exchange.read(content, "orders.xlsx")
paths   = exchange.propose(ctx, "demo.order", table)
seen    = exchange.preview(ctx, "demo.order", table, paths)
done    = exchange.run(ctx, "demo.order", table, paths, mode="good", key="…")
exchange.undo(ctx, done["id"])

exchange.export_query(ctx, "demo.order", Query(where=…), out, format="xlsx")
exchange.template_of(ctx, "demo.order")
exchange.report_file(ctx, ReportTable(…), format="pdf")
"""

from anlan.kernel.exchange.importer import Preview, preview, propose, run
from anlan.kernel.exchange.listing import export_query, template_of
from anlan.kernel.exchange.report_file import ReportColumn, ReportTable, report_file
from anlan.kernel.exchange.runs import Result, Undone, undo
from anlan.kernel.exchange.table import Table, read

__all__ = [
    "Preview",
    "ReportColumn",
    "ReportTable",
    "Result",
    "Table",
    "Undone",
    "export_query",
    "preview",
    "propose",
    "read",
    "report_file",
    "run",
    "template_of",
    "undo",
]

"""One thing done to many records: a step, one field, deleting; and many records on paper.

    work = Work("step", transition="confirm")
    bulk.run(ctx, "demo.note", work, Chosen(ids=[…]))        →  {"data": [{"id", "title", "outcome", "refusal"}], …}
    bulk.request(ctx, "demo.note", work, Chosen(where="…"))  →  the id of a job that does it, and tells by a message

Each record is a transaction of its own: what one refuses stops no other, and nothing is half done.
"""

from anlan.kernel.bulk.chosen import MOST, Chosen, count
from anlan.kernel.bulk.jobs import request, request_print
from anlan.kernel.bulk.paper import MOST_PRINTED, MOST_PRINTED_AT_ONCE, print_chosen
from anlan.kernel.bulk.work import AT_ONCE, Work, results, run

__all__ = [
    "AT_ONCE",
    "MOST",
    "MOST_PRINTED",
    "MOST_PRINTED_AT_ONCE",
    "Chosen",
    "Work",
    "count",
    "print_chosen",
    "request",
    "request_print",
    "results",
    "run",
]

"""The life of a record: defaults → formulas → validation → rules → write → postings → event, in one transaction.

These functions are the only way to a record, whoever asks: page, API, import, job, rule, demo loader.
"""

from anlan.kernel.record.batch import batch
from anlan.kernel.record.convert import make, makeable
from anlan.kernel.record.copying import copy, copy_of
from anlan.kernel.record.gather import make_many
from anlan.kernel.record.many import read_many
from anlan.kernel.record.recycle import deleted, restore
from anlan.kernel.record.step import step
from anlan.kernel.record.trail import comment, links, trail
from anlan.kernel.record.write import create, create_many, delete, preview, read, update

__all__ = [
    "batch",
    "comment",
    "copy",
    "copy_of",
    "create",
    "create_many",
    "delete",
    "deleted",
    "links",
    "make",
    "make_many",
    "makeable",
    "preview",
    "read",
    "read_many",
    "restore",
    "step",
    "trail",
    "update",
]

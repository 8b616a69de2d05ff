"""The sealed chain of events: seal, verify, export with a verifier that runs alone."""

from anlan.kernel.audit.export import Exported, export
from anlan.kernel.audit.heads import Head, UnreadableHeads, append_heads, read_heads
from anlan.kernel.audit.seal import seal, seal_all
from anlan.kernel.audit.verify import Finding, Report, verify

__all__ = [
    "Exported",
    "Finding",
    "Head",
    "Report",
    "UnreadableHeads",
    "append_heads",
    "export",
    "read_heads",
    "seal",
    "seal_all",
    "verify",
]

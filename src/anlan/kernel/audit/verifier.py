"""Checks an export of sealed events. Runs alone: Python 3.8 or later and nothing else.

    python verifier.py [FOLDER] [--heads FILE]

FOLDER (default: where this file is) holds `events.jsonl`, `seals.jsonl` and `manifest.json` of an export.
FILE is the record of seals that was kept outside the database, if you have a copy of it.

What is checked
    digest  = SHA-256 of the event's values, each written as its length in bytes, a colon and the UTF-8 text
              (`~` alone for an empty value), in the order of COLUMNS;
    hash    = SHA-256 of the hash before, the event's number as 8 bytes (highest first), the digest.
An edited event has another digest; a removed or moved one breaks the chain of hashes; a chain that was made
anew has other hashes than the record outside.

The kernel seals and verifies with the functions of this very file, so there is one canonical form.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

COLUMNS = ("record", "form", "kind", "occurred_at", "recorded_at", "actor", "via", "changes", "comment",
           "request_id", "xid")  # fmt: skip
GENESIS = bytes(32)  # what the first event is chained to


def digest_of(values: Sequence[str | None]) -> bytes:
    """The digest of an event; `values` in the order of COLUMNS."""
    parts = []
    for value in values:
        if value is None:
            parts.append(b"~")
        else:
            text = value.encode()
            parts.append(b"%d:%b" % (len(text), text))
    return hashlib.sha256(b"".join(parts)).digest()


def hash_of(previous: bytes, seq: int, digest: bytes) -> bytes:
    """The hash that chains event number `seq` to the one sealed before it."""
    return hashlib.sha256(previous + seq.to_bytes(8, "big") + digest).digest()


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON lines."""
    with path.open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            yield json.loads(line)


def faults_of(
    events: Iterable[Mapping[str, Any]],
    seals: Iterable[Mapping[str, Any]],
    manifest: Mapping[str, Any],
    heads: Mapping[int, str],
) -> Iterator[str]:
    """One sentence for each thing that is not as it was sealed. `heads`: position → hash, kept outside."""
    by_seq = {event["seq"]: event for event in events}
    if len(by_seq) != manifest["events"]:
        yield f"{len(by_seq)} events are here; the export was made with {manifest['events']}"
    position, previous = 0, GENESIS
    for index, seal in enumerate(seals):
        seq, digest, expected = seal["seq"], bytes.fromhex(seal["digest"]), bytes.fromhex(seal["hash"])
        if "previous" in seal and (index == 0 or not manifest["whole"]):
            position, previous = seal["position"] - 1, bytes.fromhex(seal["previous"])
        if seal["position"] != position + 1:
            yield f"seals {position + 1} to {seal['position'] - 1} are missing"
        if hash_of(previous, seq, digest) != expected:
            yield f"event {seq}: its seal does not follow from the one before"
        if heads.get(seal["position"], seal["hash"]) != seal["hash"]:
            yield f"event {seq}: the record outside has another seal for it"
        event = by_seq.pop(seq, None)
        if event is not None and digest_of([event[name] for name in COLUMNS]) != digest:
            yield f"event {seq}: was edited after it was sealed"
        if event is None and seal["exported"]:
            yield f"event {seq}: was removed"
        position, previous = seal["position"], expected
    if len(by_seq) != manifest["unsealed"]:
        yield f"{len(by_seq)} events have no seal; the export was made with {manifest['unsealed']}"


def main(arguments: Sequence[str] | None = None) -> int:
    """0: everything is as it was sealed; 1: it is not, and each fault is printed."""
    parser = argparse.ArgumentParser(description="Checks an export of sealed events.")
    parser.add_argument("folder", nargs="?", default=str(Path(__file__).parent))
    parser.add_argument("--heads", help="the record of seals kept outside the database (seals.jsonl)")
    given = parser.parse_args(arguments)
    folder = Path(given.folder)
    try:
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        events = list(read_lines(folder / "events.jsonl"))
        seals = list(read_lines(folder / "seals.jsonl"))
        heads = {one["position"]: one["hash"] for one in read_lines(Path(given.heads))} if given.heads else {}
        found = list(faults_of(events, seals, manifest, heads))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        sys.stdout.write(f"NOT INTACT  the export cannot be read: {error!r}\n")
        return 1
    compared = sum(seal["position"] in heads for seal in seals)
    for fault in found:
        sys.stdout.write(f"NOT INTACT  {fault}\n")
    if not found:
        sys.stdout.write(f"INTACT  {len(events)} events, {manifest['unsealed']} of them not sealed yet\n")
        sys.stdout.write(f"{compared} of the seals were compared with the record outside\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

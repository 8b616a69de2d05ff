"""Writes the pages that are made from definitions and sentences: docs/packs.md and docs/errors.md.

    python tools/docs.py            write them (make docs)

Both are read from the files of packs and of the kernel; no database, no site.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "anlan"
PACKS = ROOT / "docs" / "packs.md"
ERRORS = ROOT / "docs" / "errors.md"

# Words of pages and of the API's own description are no refusals.
NO_ERRORS = ("kind.", "title.", "api.", "access.why.", "audit.intact", "approval.own", "approval.nobody_to_ask",
             "approval.fewer", "approval.wanted", "approval.told_", "approval.late", "approval.copied",
             "approval.in_place", "approval.repeated", "approval.timed_out", "several_faults")  # fmt: skip
KINDS = {"master": "基础资料 master", "document": "单据 document", "setting": "设置 setting"}

_PACKS_HEAD = """\
# 应用包一览 · What the packs bring

本页由 `make docs` 生成，请勿手工修改。 This page is made by `make docs`; do not edit it.

每个应用包的 README 讲这门业务怎样运转；本页只列出有什么。
A pack's README tells how its business works; this page lists what there is.
"""
_ERRORS_HEAD = """\
# 错误代码 · Error codes

本页由 `make docs` 生成，请勿手工修改。 This page is made by `make docs`; do not edit it.

接口以 `application/problem+json` 回答，`code` 是下表的代码；网页显示同一句话。花括号内是随情形变化的内容。
The API answers with `application/problem+json`, whose `code` stands below; pages show the same sentence. What stands in
braces depends on the case.
"""


def load(file: Path) -> Any:
    """The content of a YAML file; None when it is not there."""
    return yaml.safe_load(file.read_text("utf-8")) if file.exists() else None


def label(value: Any) -> str:
    """A label as both languages, Chinese first."""
    return f"{value['zh']} {value['en']}" if isinstance(value, dict) else str(value)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '∣') for cell in row)} |\n" for row in lines)


def pack_folders() -> list[Path]:
    """The kernel's own forms, then the packs in the order of the menu."""
    found = [file.parent for file in (SOURCE / "packs").glob("*/pack.yaml")]
    return [
        SOURCE / "kernel" / "system",
        *sorted(found, key=lambda folder: load(folder / "pack.yaml").get("menu", 50)),
    ]


def packs_page() -> str:
    """The text of docs/packs.md."""
    return "\n".join([_PACKS_HEAD, *(_pack(folder) for folder in pack_folders())])


def _pack(folder: Path) -> str:
    about = load(folder / "pack.yaml") or {
        "pack": "system",
        "label": {"zh": "系统管理", "en": "System"},
        "requires": [],
    }
    parts = [f"## {about['pack']} · {label(about['label'])}\n"]
    if (folder / "README.md").exists():
        needs = ", ".join(about["requires"]) or "–"
        parts.append(
            f"[README](../{(folder / 'README.md').relative_to(ROOT)}) · {about['version']} · requires: {needs}\n"
        )
    parts += _forms(folder)
    for kind, name in (("registers", "register"), ("reports", "report"), ("dashboards", "dashboard"), ("prints", "print")):
        rows = [
            [f"`{one[name]}`", label(one["label"])]
            for one in map(load, sorted((folder / kind).glob("*.yaml")))
        ]
        if rows:
            heading = {"registers": "台账 register", "reports": "报表 report", "dashboards": "仪表盘 dashboard", "prints": "打印模板 print"}[
                kind
            ]
            parts.append(_table([heading, ""], rows))
    roles = [
        [f"`{one['role']}`", f"{label(one['label'])}", label(one.get("help", ""))]
        for one in load(folder / "roles.yaml") or ()
    ]
    if roles:
        parts.append(_table(["角色 role", "", ""], roles))
    return "\n".join(parts)


def _forms(folder: Path) -> Iterator[str]:
    rows = []
    for form in map(load, sorted((folder / "forms").glob("*.yaml"))):
        steps = "、".join(
            label(move["label"]) for move in form.get("workflow", {}).get("transitions", {}).values()
        )
        makes = ", ".join(f"`{one['to']}`" for one in form.get("conversions", {}).values())
        rows.append(
            [f"`{form['form']}`", label(form["label"]), KINDS[form["kind"]], steps or "–", makes or "–"]
        )
    if rows:
        yield _table(["表单 form", "", "类型 kind", "步骤 steps", "下推 makes"], rows)


def errors_page() -> str:
    """The text of docs/errors.md."""
    parts = [_ERRORS_HEAD]
    for folder in sorted(path.parent for path in SOURCE.glob("**/messages/zh.yaml")):
        if folder == SOURCE / "web" / "messages":
            continue
        zh, en = load(folder / "zh.yaml"), load(folder / "en.yaml")
        rows = [[f"`{code}`", zh[code], text] for code, text in en.items() if not code.startswith(NO_ERRORS)]
        if rows:
            parts.append(f"## {_place(folder)}\n")
            parts.append(_table(["代码 code", "中文", "English"], rows))
    return "\n".join(parts)


def _place(folder: Path) -> str:
    inside = folder.parent.relative_to(SOURCE).as_posix()
    return re.sub(r"^packs/", "", inside)


if __name__ == "__main__":
    PACKS.write_text(packs_page(), encoding="utf-8")
    ERRORS.write_text(errors_page(), encoding="utf-8")

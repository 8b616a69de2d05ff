"""What an account asks of a line, and what a voucher is called."""

from __future__ import annotations

from typing import Any

from anlan.kernel.rules import Batch

__all__ = ["check_analysis", "voucher_name"]

Row = dict[str, Any]


def check_analysis(batch: Batch, voucher: Row, place: int, line: Row) -> None:
    account = batch.linked("finance.account", line["account"])
    if not account:
        return
    label = f"{account['code']} {account['name']}"
    if not account["detail"]:
        batch.fault(voucher, "finance.not_detail", f"lines[{place}].account", line=place + 1, account=label)
    options = batch.ctx.form("finance.account").definition.fields["analysis"].options or {}
    for asked in account["analysis"] or ():
        if line.get(asked) is None:
            wanted = options[asked].label
            batch.fault(
                voucher,
                "finance.analysis_missing",
                f"lines[{place}].{asked}",
                line=place + 1,
                account=label,
                analysis={"zh": wanted.zh, "en": wanted.en},
            )


def voucher_name(voucher: Row) -> str:
    return (
        f"{voucher['word']}-{voucher['number']}"
        if voucher.get("number")
        else str(voucher.get("summary") or "")
    )

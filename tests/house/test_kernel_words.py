"""The kernel knows no business word: what packs are about stands in packs, also in comments and examples."""

from __future__ import annotations

import re

import pytest

from house import KERNEL, inner, texts

WORDS = ("sales", "invoice", "warehouse", "voucher", "customer", "supplier", "ticket", "purchase", "ledger",
         "receivable", "payable", "delivery", "payroll")  # fmt: skip
CHINESE = ("销售", "发票", "仓库", "凭证", "供应商", "工单", "采购", "总账", "应收", "应付", "出库", "入库")

# A word counts on its own and as a part of a name: `sales_order`, `Invoices`, but not `deliver` or `payablex`.
BUSINESS = re.compile(rf"(?<![a-z])(?:{'|'.join(WORDS)})s?(?![a-z])", re.I)


def test_the_kernel_knows_no_business_word() -> None:
    found = [
        f"{inner(path)}:{number}: {line.strip()[:100]}"
        for path, text in texts(KERNEL, ".py", ".yaml", ".sql", ".typ")
        for number, line in enumerate(text.splitlines(), 1)
        if BUSINESS.search(line) or any(word in line for word in CHINESE)
    ]
    assert found == []


@pytest.mark.parametrize(
    "line", ["a customer's id", "FROM sales_order", "# Invoices", 'form="stock.warehouse"']
)
def test_a_business_word_is_recognised_wherever_it_stands(line: str) -> None:
    assert BUSINESS.search(line)


@pytest.mark.parametrize("line", ["delivered by the relay", "customary", "a wholesaler"])
def test_a_word_that_only_looks_like_one_is_let_pass(line: str) -> None:
    assert not BUSINESS.search(line)

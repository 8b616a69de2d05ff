"""Every print of the packs renders in both languages from a real document."""

from __future__ import annotations

import pytest
from test_definitions import catalogue
from trade import Record, Trade

from anlan.kernel import describe, paper, record


def _document(trade: Trade, form: str) -> Record:
    """A posted document of a form."""
    item, customer, supplier = trade.item(spec="500 g"), trade.customer(contact="Li"), trade.supplier()
    receipt = trade.receive(item, 100, "6")
    if form == "stock.receipt":
        return receipt
    if form == "stock.issue":
        return trade.issue(item, 1)
    if form == "stock.transfer":
        line = {"item": item, "quantity": "1"}
        made = trade.create("stock.transfer", warehouse="WH1", to_warehouse=trade.warehouse(), lines=[line])
        return trade.do(made, "post")
    if form.startswith("purchase."):
        order = trade.purchase(supplier, item, 10)
        return order if form == "purchase.order" else trade.do(trade.make(order, form), "post")
    order = trade.order(customer, item, 10)
    delivery = trade.do(trade.make(order, "sales.delivery"), "post")
    invoice = trade.do(trade.make(delivery, "sales.invoice"), "post")
    made = {"sales.order": order, "sales.delivery": delivery, "sales.invoice": invoice}
    if form in made:
        return made[form]
    payment = trade.do(trade.make(invoice, "finance.payment"), "post")
    return payment if form == "finance.payment" else trade.vouchers(payment)[0]


@pytest.mark.parametrize("name", sorted(catalogue().prints))
def test_a_document_prints_in_both_languages(trade: Trade, name: str) -> None:
    definition = catalogue().prints[name]
    document = record.read(trade.ctx, definition.form, _document(trade, definition.form)["id"])
    for language in ("zh-CN", "en"):
        form = describe.form(trade.ctx, definition.form)
        page = paper.render(trade.ctx, definition, form, [document], language=language)
        assert page.startswith(b"%PDF")

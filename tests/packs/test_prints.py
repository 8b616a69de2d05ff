"""Every print of the packs renders in both languages from a real document."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from test_definitions import catalogue
from trade import Record, Trade, refused

from anlan.kernel import describe, paper, record
from anlan.kernel.access.caller import Identity, caller_from
from anlan.kernel.context import Context
from anlan.kernel.ids import uuid7


def pages(pdf: bytes) -> list[str]:
    """The text of each page."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext of poppler-utils is not installed: the text of a PDF cannot be read here")
    done = subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True, timeout=60
    )
    return done.stdout.decode().removesuffix("\f").split("\f")


def as_role(trade: Trade, *roles: str) -> Context:
    """A context of somebody of the main company with these roles only."""
    company = next(iter(trade.ctx.memory.rows("system.company")))
    identity = Identity(uuid7(), "x", "X", "zh-CN", company, (), None, frozenset(roles))
    return Context(trade.site, caller_from(identity, trade.site.catalogue.policies))


def _document(trade: Trade, form: str) -> Record:
    """A posted document of a form."""
    item, customer, supplier = trade.item(spec="500 g"), trade.customer(contact="Li"), trade.supplier()
    receipt = trade.receive(item, 100, "6")
    if form == "stock.receipt":
        return receipt
    if form == "stock.issue":
        return trade.issue(item, 1)
    if form == "stock.count":
        return trade.do(trade.create("stock.count", warehouse="WH1", lines=[{"item": item}]), "start")
    if form == "purchase.requisition":
        asked = {"reason": "生产", "needed_by": "2026-12-20", "lines": [{"item": item, "quantity": "1"}]}
        return trade.do(trade.create(form, **asked), "submit")
    if form == "sales.quotation":
        lines = [{"item": item, "quantity": "1", "price": "9"}]
        return trade.do(trade.create(form, customer=customer, lines=lines), "send")
    if form == "base.item":
        return record.read(trade.ctx, form, item)
    if form == "base.party":
        return record.read(trade.ctx, form, customer)
    if form == "stock.lot":
        return trade.create(
            form, code=trade.code("L"), item=trade.item("T", code=trade.code("T"), tracking="lot")
        )
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


def _two_orders(trade: Trade) -> list[Record]:
    item, customer = trade.item(), trade.customer("恒信")
    return [trade.order(customer, item, quantity) for quantity in (3, 4)]


def test_several_records_are_printed_into_one_file_in_their_order(trade: Trade) -> None:
    first, second = _two_orders(trade)
    made = paper.print_many(
        trade.ctx, "sales.order", [second["id"], first["id"]], "sales.order", language="en"
    )
    one, two = pages(made)
    assert second["number"] in one
    assert first["number"] in two


def test_printing_many_is_refused_for_a_record_that_is_not_there(trade: Trade) -> None:
    first, _ = _two_orders(trade)
    unknown, code = [first["id"], "019ab000-0000-7000-8000-000000000000"], [first["id"], trade.customer()]
    refused(lambda: paper.print_many(trade.ctx, "sales.order", unknown, "sales.order"), "not_found", 404)
    refused(lambda: paper.print_many(trade.ctx, "sales.order", code, "sales.order"), "not_found", 404)
    refused(lambda: paper.print_many(trade.ctx, "sales.order", [], "sales.order"), "out_of_range")
    refused(
        lambda: paper.print_many(trade.ctx, "sales.order", [first["id"]], "sales.invoice"), "not_found", 404
    )


def test_printing_many_is_refused_when_a_row_rule_hides_one_of_them(trade: Trade) -> None:
    first, second = _two_orders(trade)  # made by Anlan itself: no order of the clerk's
    clerk = as_role(trade, "sales_clerk")
    both = [first["id"], second["id"]]
    refused(lambda: paper.print_many(clerk, "sales.order", both, "sales.order"), "not_found", 404)

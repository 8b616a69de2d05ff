"""What happens on a working day, and what the last day leaves open."""

from __future__ import annotations

from datetime import timedelta

from anlan.packs.demo.company import SUPPLIERS
from anlan.packs.demo.desk import (
    answer_quotations,
    count_the_centre,
    move_prices,
    order_what_was_asked,
    quote,
    request,
)
from anlan.packs.demo.money import bill, close_month, move_money
from anlan.packs.demo.selling import arrive_in_shops, deliver_orders, sell_in_shops, supply_shops, take_order
from anlan.packs.demo.state import Story
from anlan.packs.demo.supply import buy_what_runs_low, produce, receive_what_comes

__all__ = ["leave_work", "live_a_day"]

MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY = 0, 1, 2, 3, 4, 5


def live_a_day(story: Story) -> None:
    """One working day, in the order in which its work is done."""
    weekday = story.day.weekday()
    receive_what_comes(story)
    if weekday in (MONDAY, WEDNESDAY):
        for supplier in SUPPLIERS:
            buy_what_runs_low(story, supplier)
    produce(story)
    deliver_orders(story)
    for _ in range(round(story.chance.choice((1, 1, 2, 2)) * story.season + story.chance.random() - 0.5)):
        take_order(story)
    if weekday == TUESDAY:
        quote(story)
        request(story)
    answer_quotations(story)
    if weekday == WEDNESDAY:
        order_what_was_asked(story)
    if weekday == FRIDAY:
        supply_shops(story)
    if weekday == SATURDAY:
        arrive_in_shops(story)
        sell_in_shops(story)
    if 24 <= story.day.day <= 30 and weekday == THURSDAY:
        count_the_centre(story)
    if story.day.day == 15:
        move_prices(story)
    bill(story)
    if weekday in (WEDNESDAY, FRIDAY):
        move_money(story)
    if story.day.day == 5 or (story.day.day == 6 and weekday == MONDAY):
        close_month(story)


def leave_work(story: Story) -> None:
    """What people find open when they look around for the first time."""
    today = story.day.isoformat()
    for customer, item, quantity in (("C001", "F05", "300"), ("C005", "F03", "240"), ("C007", "F08", "9000")):
        order = story.create(
            "lin",
            "sales.order",
            customer=customer,
            date=today,
            delivery_date=today,
            lines=[{"item": item, "quantity": quantity}],
        )
        order = story.do("lin", order, "confirm")
        if item == "F03":
            made = story.make("wu", order, "sales.delivery")
            story.do("wu", made, "post")
    story.create(
        "lin",
        "sales.order",
        customer="C002",
        date=today,
        lines=[{"item": "F01", "quantity": "200"}, {"item": "F04", "quantity": "80"}],
    )
    order = story.create(
        "chen",
        "purchase.order",
        supplier="V001",
        date=today,
        lines=[{"item": "R01", "quantity": "3000", "price": "6.35"}],
    )
    story.do("chen", order, "confirm")
    story.create(
        "sun",
        "finance.voucher",
        date=today,
        summary="计提本月水电费",
        lines=[{"account": "4101", "debit": "18600"}, {"account": "2241", "credit": "18600"}],
    )
    way = story.create(
        "wu",
        "stock.transfer",
        warehouse="WH1",
        to_warehouse="SH05",
        two_step=True,
        date=today,
        lines=[{"item": "F01", "quantity": "60"}],
    )
    story.do("wu", way, "dispatch")
    count = story.create(
        "wu", "stock.count", warehouse="SH03", date=today, scope="all", lines=[{"item": "F01"}]
    )
    story.do("wu", count, "start")
    ask = story.create(
        "wu",
        "purchase.requisition",
        date=today,
        reason="节前备货：包装物",
        needed_by=(story.day + timedelta(days=7)).isoformat(),
        supplier="V005",
        lines=[{"item": "R09", "quantity": "24000"}, {"item": "R10", "quantity": "12000"}],
    )
    story.do("wu", ask, "submit")
    offer = story.create(
        "lin",
        "sales.quotation",
        customer="C009",
        date=today,
        valid_until=(story.day + timedelta(days=5)).isoformat(),
        delivery_terms="下单后三天内送达",
        payment_terms="月结 30 天",
        lines=[
            {"item": "F05", "quantity": "600", "discount_percent": "4"},
            {"item": "F06", "quantity": "300"},
        ],
    )
    story.do("lin", offer, "send")

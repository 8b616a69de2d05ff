"""The last morning: the company has turned approvals on, and three orders wait for somebody."""

from __future__ import annotations

from datetime import timedelta

from anlan.kernel import record
from anlan.kernel.access.caller import caller_again
from anlan.kernel.catalogue import change
from anlan.packs.demo.state import Story

__all__ = ["turn_on_approvals"]

# (form, the pack's approval) that stands before the step "confirm".
_TURNED_ON = (("sales.order", "sales.order_check"), ("purchase.order", "purchase.order_check"))


def turn_on_approvals(story: Story) -> None:
    """Only what comes after waits: the orders of the three months were confirmed before."""
    ctx = story.ctx("system")
    for form, approval in _TURNED_ON:
        overlay = {"set": {"workflow.transitions.confirm.approval": approval}}
        change.put(ctx, "form", form, {"overlay": overlay})
    change.publish(ctx, "启用订单审批")
    policies = story.site.catalogue.policies
    for code, caller in story.people.items():
        story.people[code] = caller_again(caller, policies)
    story.begin(story.day)
    _submit(story, "lin", "sales.order", "客户旺季备货，要求 15% 折扣，否则转向别家", customer="C001", price_includes_tax=False,
            delivery_date=(story.day + timedelta(days=5)).isoformat(),
            lines=[{"item": "F05", "quantity": "1200", "discount_percent": "15"}, {"item": "F08", "quantity": "600", "discount_percent": "15"}])  # fmt: skip
    _submit(story, "lin", "sales.order", "新品试销，首单让利", customer="C006",
            delivery_date=(story.day + timedelta(days=3)).isoformat(),
            lines=[{"item": "F06", "quantity": "480", "discount_percent": "20"}])  # fmt: skip
    _submit(story, "chen", "purchase.order", "黄豆月底涨价，一次备足一个月用量", supplier="V001",
            expected_date=(story.day + timedelta(days=7)).isoformat(),
            lines=[{"item": "R01", "quantity": "15000", "price": "6.10"}])  # fmt: skip


def _submit(story: Story, who: str, form: str, why: str, **values: object) -> None:
    ctx = story.ctx(who)
    made = story.create(who, form, **values)
    record.step(ctx, form, made["id"], "confirm", comment=why)

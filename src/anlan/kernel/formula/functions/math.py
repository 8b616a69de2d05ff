"""Numbers: rounding, remainders, roots."""

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_UP, Context, Decimal
from typing import TYPE_CHECKING

from anlan.kernel.formula.errors import DIV0, NUM, FormulaError
from anlan.kernel.formula.functions.table import Function
from anlan.kernel.formula.runtime import CONTEXT, PLACES, ZERO, Number
from anlan.kernel.formula.tree import Call, Node, Operation
from anlan.kernel.formula.types import NUMBER

if TYPE_CHECKING:
    from anlan.kernel.formula.check import Checker
    from anlan.kernel.formula.parser import Application
    from anlan.kernel.formula.sql import SqlWriter

MAX_PLACES = 40
_STEPS = {Decimal(places): Decimal(1).scaleb(-places) for places in range(-MAX_PLACES, MAX_PLACES + 1)}


def places_of(digits: Number) -> Decimal:
    """A number of digits as rounding takes it: whole, and within 40 either way."""
    return Decimal(max(-MAX_PLACES, min(MAX_PLACES, int(digits))))


def _rounding(mode: str) -> Context:
    context = CONTEXT.copy()
    context.rounding = mode
    return context


_UP, _DOWN, _HALF_EVEN, _FLOOR = map(_rounding, (ROUND_UP, ROUND_DOWN, ROUND_HALF_EVEN, ROUND_FLOOR))


def step_of(digits: Number) -> Decimal:
    """The last place that is kept: 0.01 for 2 digits, 1E+3 for -3."""
    return _STEPS.get(digits) or _STEPS[places_of(digits)]


def round_half_up(value: Number, digits: Number) -> Decimal:
    return CONTEXT.quantize(value, step_of(digits))


def round_up(value: Number, digits: Number) -> Decimal:
    return _UP.quantize(value, step_of(digits))


def round_down(value: Number, digits: Number) -> Decimal:
    return _DOWN.quantize(value, step_of(digits))


def round_half_even(value: Number, digits: Number) -> Decimal:
    return _HALF_EVEN.quantize(value, step_of(digits))


def floor(value: Number) -> Decimal:
    return _FLOOR.quantize(value, _STEPS[Decimal(0)])


def absolute(value: Number) -> Number:
    return CONTEXT.abs(value)


def sign(value: Number) -> Decimal:
    return Decimal((value > 0) - (value < 0))


def modulo(value: Number, divisor: Number) -> Decimal:
    """The remainder that has the sign of the divisor."""
    if not divisor:
        raise FormulaError(DIV0)
    rest = CONTEXT.remainder(value, divisor)
    return CONTEXT.add(rest, divisor) if rest and (rest < 0) != (divisor < 0) else rest


def ceiling(value: Number, step: Number) -> Decimal:
    """The multiple of `step` next to `value`, away from zero where both have one sign."""
    return ZERO if not step else _multiple(value, step, ROUND_CEILING)


def floor_to(value: Number, step: Number) -> Decimal:
    """The multiple of `step` next to `value`, towards zero where both have one sign."""
    if not step:
        raise FormulaError(DIV0)
    return _multiple(value, step, ROUND_FLOOR)


def _multiple(value: Number, step: Number, rounding: str) -> Decimal:
    if value > 0 > step:
        raise FormulaError(NUM)
    times = CONTEXT.divide_int(value, step)
    rest = CONTEXT.remainder(value, step)
    if rest and rounding == ROUND_CEILING and (value < 0) == (step < 0):
        times += 1
    if rest and rounding == ROUND_FLOOR and (value < 0) != (step < 0):
        times -= 1
    return CONTEXT.multiply(times, step)


def square_root(value: Number) -> Decimal:
    if value < 0:
        raise FormulaError(NUM)
    return CONTEXT.quantize(CONTEXT.sqrt(value), PLACES)


def _check_power(checker: "Checker", parsed: "Application") -> Node:
    checker.matched(checker.functions[parsed.name], parsed)
    base, exponent = (checker.required(checker.single(argument), NUMBER) for argument in parsed.arguments)
    return Operation("^", (base, exponent), NUMBER, parsed.position)


def _sql_places(template: str) -> "Callable[[SqlWriter, Call], str]":
    """SQL with {value}, {places} and, for constant places, {scale} and {step}."""

    def write(writer: "SqlWriter", call: Call) -> str:
        value = writer.value(call.arguments[0])
        if "{scale}" not in template:
            return template.format(
                value=value, places=writer.whole(call.arguments[1], -MAX_PLACES, MAX_PLACES)
            )
        places = int(places_of(writer.constant_number(call.arguments[1])))
        scale, step = (format(Decimal(1).scaleb(power), "f") for power in (places, -places))
        return writer.let({"v_": value}, template.format(value="v_", scale=scale, step=step))

    return write


def _sql_multiple(writer: "SqlWriter", call: Call) -> str:
    value, step = (writer.value(argument) for argument in call.arguments)
    up = call.function.name == "CEILING"
    shift = "WHEN sign(v_) = sign(s_) THEN s_" if up else "WHEN sign(v_) <> sign(s_) THEN -s_"
    zero = "WHEN s_ = 0 THEN 0" if up else "WHEN s_ = 0 THEN NULL"
    body = (
        f"CASE WHEN v_ IS NULL THEN NULL {zero} WHEN v_ > 0 AND s_ < 0 THEN NULL ELSE div(v_, s_) * s_"
        f" + CASE WHEN mod(v_, s_) = 0 THEN 0 {shift} ELSE 0 END END"
    )
    return writer.let({"v_": value, "s_": step}, body)


def _sql_modulo(writer: "SqlWriter", call: Call) -> str:
    value, divisor = (writer.value(argument) for argument in call.arguments)
    return writer.let({"v_": value, "d_": f"NULLIF({divisor}, 0)"}, "mod(mod(v_, d_) + d_, d_)")


_SQL_HALF_EVEN = (
    "(round(v_ * {scale}) - CASE WHEN abs(v_ * {scale} - trunc(v_ * {scale})) = 0.5"
    " AND mod(round(v_ * {scale}), 2) <> 0 THEN sign(v_) ELSE 0 END) * {step}"
)
_WIDE = "0." + "0" * 40  # makes PostgreSQL compute 40 places before the rounding to 16

FUNCTIONS = (
    Function("ABS", "value: number", NUMBER, "绝对值", "Absolute value", absolute, "abs({0})"),
    Function("SIGN", "value: number", NUMBER, "符号: 1, 0 或 -1", "Sign: 1, 0 or -1", sign, "sign({0})"),
    Function(
        "ROUND",
        "value: number, digits: number = 0",
        NUMBER,
        "四舍五入到指定位数, 负位数取整到十、百",
        "Rounds to digits, half away from zero; negative digits round tens, hundreds",
        round_half_up,
        _sql_places("round({value}, {places})"),
    ),
    Function(
        "ROUNDUP",
        "value: number, digits: number = 0",
        NUMBER,
        "向远离零的方向舍入",
        "Rounds away from zero",
        round_up,
        _sql_places("sign(v_) * ceil(abs(v_) * {scale}) * {step}"),
    ),
    Function(
        "ROUNDDOWN",
        "value: number, digits: number = 0",
        NUMBER,
        "向零的方向舍入",
        "Rounds towards zero",
        round_down,
        _sql_places("trunc({value}, {places})"),
    ),
    Function(
        "ROUNDHALFEVEN",
        "value: number, digits: number = 0",
        NUMBER,
        "四舍六入五成双 (GB/T 8170)",
        "Rounds half to even (GB/T 8170)",
        round_half_even,
        _sql_places(_SQL_HALF_EVEN),
    ),
    Function("INT", "value: number", NUMBER, "向下取整", "The whole number below", floor, "floor({0})"),
    Function(
        "TRUNC",
        "value: number, digits: number = 0",
        NUMBER,
        "截去小数",
        "Cuts decimals off",
        round_down,
        _sql_places("trunc({value}, {places})"),
    ),
    Function(
        "CEILING",
        "value: number, step: number = 1",
        NUMBER,
        "向上舍入到步长的倍数",
        "Rounds up to a multiple of step",
        ceiling,
        _sql_multiple,
        fails=True,
    ),
    Function(
        "FLOOR",
        "value: number, step: number = 1",
        NUMBER,
        "向下舍入到步长的倍数",
        "Rounds down to a multiple of step",
        floor_to,
        _sql_multiple,
        fails=True,
    ),
    Function(
        "MOD",
        "value: number, divisor: number",
        NUMBER,
        "余数, 符号与除数相同",
        "Remainder, with the sign of the divisor",
        modulo,
        _sql_modulo,
        fails=True,
    ),
    Function(
        "POWER",
        "base: number, exponent: number",
        NUMBER,
        "乘方, 与 ^ 相同",
        "Power, as ^",
        check=_check_power,
        fails=True,
    ),
    Function(
        "SQRT",
        "value: number",
        NUMBER,
        "平方根, 保留 16 位小数",
        "Square root, to 16 places",
        square_root,
        "round(sqrt(CASE WHEN {0} >= 0 THEN {0} END + " + _WIDE + "), 16)",
        fails=True,
    ),
)

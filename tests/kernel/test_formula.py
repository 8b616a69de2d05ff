"""The spreadsheet language: what it takes, what it refuses and where, and what it computes."""

import contextlib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anlan.kernel.formula import (
    BOOLEAN,
    BUILTINS,
    CONTEXT,
    DATE,
    DATETIME,
    NUMBER,
    TEXT,
    DesignError,
    DictScope,
    Formula,
    FormulaError,
    Function,
    Link,
    ListOf,
    Ref,
    Table,
    check,
    dependency_order,
    evaluate,
    python_function,
    python_source,
    sql,
    sql_filter,
)
from anlan.kernel.formula.reference import reference_page, signature

PARTY = DictScope({"code": TEXT, "level": TEXT, "limit": NUMBER}, "head")
ROWS = DictScope({"net": NUMBER, "kind": TEXT, "due": DATE, "party": (Link("party"), PARTY)}, "head")
SCOPE = DictScope(
    {
        "price": NUMBER,
        "quantity": NUMBER,
        "note": TEXT,
        "day": DATE,
        "at": DATETIME,
        "open": BOOLEAN,
        "party": (Link("party"), PARTY),
        "payer": (Link("party"), PARTY),
        "rows": (Table(), ROWS),
        "others": (Table(), ROWS),
        "tags": ListOf(TEXT),
    },
    "head",
)


class Names:
    """Places as h.<path>, columns over `line r`."""

    zone = "Asia/Shanghai"

    def scalar(self, ref: Ref) -> str:
        return f"h.{'_'.join(ref.path)}"

    def column(self, ref: Ref) -> tuple[str, str]:
        return f"r.{'_'.join(ref.path[1:])}", "line r WHERE r.head = h.id"


def value(expression: str, values: dict[str, Any] | None = None, types: dict[str, str] | None = None) -> Any:
    """What `evaluate` answers, shortened to the value or the error value."""
    answer = evaluate(expression, values or {}, types, date(2026, 11, 24))
    return answer.get("error", answer.get("value"))


def refused(expression: str) -> tuple[str, int]:
    """Code and position of the design error."""
    with pytest.raises(DesignError) as raised:
        check(expression, SCOPE)
    return raised.value.code, raised.value.position


# -- what is accepted ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("-2^2", "4"),
        ("2^3^2", "64"),
        ("-50%", "-0.5"),
        ("2^-1", "0.5"),
        ("200*5%", "10"),
        ("1-2-3", "-4"),
        ("7/2/2", "1.75"),
        ("2*(3-(1-4))", "12"),
        ('1+1&"x"', "2x"),
        ('"a"&1=“a1”', True),
        ("1=1=TRUE", True),
        ("not 1>2 and 3>2", True),
        ("NOT(TRUE) or TRUE", True),
        ("not (1>2)", True),
        ("1==1 and 2!=3", True),
        ("true()", True),
        ("sum(1,2)", "3"),
        ("１＋２×３", "7"),
        ("3≥2", True),
        ('"say ""so"""', 'say "so"'),
        ("“他说““好””。”", "他说““好”。"),
        (".5+1.", "1.5"),
        ("1.5e3", "1500"),
        ("IF(FALSE,1)", None),
        ('IF(TRUE,"",1)', None),
        ("IN(3,1,2,3)", True),
        ("10 - 0.0", "10"),
        ("0*-1", "0"),
    ],
)
def test_expression_has_the_value_that_its_precedence_gives(expression: str, expected: Any) -> None:
    assert value(expression) == expected


def test_result_type_is_told_beside_the_value() -> None:
    assert evaluate("DATE(2024,1,31)", {}) == {"value": "2024-01-31", "type": "date"}
    assert evaluate("1<2", {}) == {"value": True, "type": "boolean"}
    assert evaluate("MAX(rows.x)", {"rows": []}, {"rows.x": "number"}) == {"value": None, "type": "number"}


def test_chain_of_a_hundred_terms_is_accepted() -> None:
    assert value("+".join(["1"] * 100)) == "100"
    assert value("*".join(["a"] * 100), {"a": 1}) == "1"
    assert value("&".join(['"a"'] * 100)) == "a" * 100


def test_sixty_nested_functions_are_accepted() -> None:
    assert value("ROUND(" * 60 + "1.55" + ",1)" * 60) == "1.6"
    assert value("IFERROR(" * 60 + "1/0" + ",2)" * 60) == "2"
    assert value("(" * 60 + "1+2" + ")" * 60) == "3"


# -- what is refused, and where --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "code", "position"),
    [
        ("price +", "syntax", 7),
        ("price price", "syntax", 6),
        ("(price", "syntax", 6),
        ("price)", "syntax", 5),
        ('note & "open', "syntax", 7),
        ("{price", "syntax", 0),
        ("12abc", "syntax", 2),
        ("price # 2", "syntax", 6),
        ("", "syntax", 0),
        ("SUM(1,)", "syntax", 6),
        ("price.", "syntax", 6),
        ("a\0b", "syntax", 1),
        ("and", "syntax", 0),
        ("prise * 2", "unknown_field", 0),
        ("1 + party.levl", "unknown_field", 10),
        ("price.net", "unknown_field", 6),
        ("1 + SUMM(rows.net)", "unknown_function", 4),
        ("1 + ROUND(1,2,3)", "arg_count", 4),
        ("IF(TRUE)", "arg_count", 0),
        ("IFS(TRUE,1,FALSE)", "arg_count", 0),
        ("TODAY(1)", "arg_count", 0),
        ("SUMIFS(rows.net,rows.kind)", "arg_count", 0),
        ('1 + "5"', "type_mismatch", 4),
        ("note + 1", "type_mismatch", 0),
        ("day + day", "type_mismatch", 6),
        ("day - at", "type_mismatch", 6),
        ("at = day", "type_mismatch", 5),
        ("IF(price, 1, 2)", "type_mismatch", 3),
        ('IF(open, 1, "no")', "type_mismatch", 12),
        ("rows.net", "type_mismatch", 0),
        ("rows", "type_mismatch", 0),
        ("SUM(rows)", "type_mismatch", 4),
        ("SUM(rows.kind)", "type_mismatch", 4),
        ("SUMPRODUCT(rows.net, others.net)", "type_mismatch", 21),
        ('SUMIF(rows.kind, "a", others.net)', "type_mismatch", 22),
        ("party < payer", "type_mismatch", 0),
        ("party = 3", "type_mismatch", 8),
        ("LARGE(price, 1)", "type_mismatch", 6),
        ("UPPER(5)", "type_mismatch", 6),
        ("MAX(price, day)", "type_mismatch", 11),
        ('LOOKUP("a", 1, 2)', "unknown_function", 0),
    ],
)
def test_mistake_is_refused_at_its_place(expression: str, code: str, position: int) -> None:
    assert refused(expression) == (code, position)


def test_near_name_is_suggested() -> None:
    with pytest.raises(DesignError) as field:
        check("prise", SCOPE)
    assert field.value.params == {"name": "prise", "suggestion": " (price?)"}
    with pytest.raises(DesignError) as function:
        check("ROUMD(1)", SCOPE)
    assert function.value.params == {"name": "ROUMD", "suggestion": " (ROUND?)"}


def test_argument_count_tells_what_is_expected() -> None:
    with pytest.raises(DesignError) as raised:
        check("ROUND(1,2,3)", SCOPE)
    assert raised.value.params == {"name": "ROUND", "expected": "1–2", "got": 3}


@pytest.mark.parametrize(
    "expression",
    [
        "().__class__",
        "price.__class__.__mro__",
        '__import__("os")',
        "lambda: 1",
        "[x for x in 1]",
        "(lambda x: x)(1)",
        'f"{price}"',
        "MAX(*[1])",
        "price; DROP TABLE x",
        "price -- comment",
        "$1",
        "price::text",
        "ctx.today",
        "fail",
        "{'a': 1}",
        "'a'",
        "`ls`",
        "\\x41",
        "@price",
        "price = note' OR '1'='1",
    ],
)
def test_attack_is_refused_as_a_design_error(expression: str) -> None:
    with pytest.raises(DesignError):
        check(expression, SCOPE)


@pytest.mark.parametrize(
    "expression", ["9^9^9^9", "9^9999", 'REPT("a",9999999999)', "DATE(99999,1,1)", "-0.5^0.5"]
)
def test_giant_is_an_error_value_and_not_a_halt(expression: str) -> None:
    assert value(expression) in ("#NUM!", "#VALUE!")


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 65 + "1" + ")" * 65,
        "-" * 5000 + "1",
        "not " * 1000 + "TRUE",
        "(" * 8000,
        "ABS(" * 2000,
        "1" + "+1" * 3000,
        "1" + "=1" * 200,
        "a" * 9000,
        "1 or 1 and 1=1&1+1*1^(" * 300,
    ],
)
def test_formula_beyond_the_limits_is_a_syntax_error(expression: str) -> None:
    assert refused(expression)[0] == "syntax"


_PIECES = [
    "price",
    "note",
    "day",
    "rows.net",
    "party",
    "party.code",
    "SUM(",
    "IF(",
    "ROUND(",
    "COUNTIF(",
    "SWITCH(",
    "(",
    ")",
    ",",
    "+",
    "-",
    "*",
    "/",
    "^",
    "%",
    "&",
    "=",
    "<>",
    "<",
    ">=",
    "and",
    "or",
    "not",
    "TRUE",
    '"a"',
    '""',
    "1",
    "2.5",
    ".",
    "{",
    "}",
    "TODAY()",
    "at",
    "，",
    "“",
    "”",
    "＝",
    "open",
    "IFERROR(",
    "TEXT(",
    "IN(",
    "MAX(",
    "tags",
    "rows",
]


@given(st.lists(st.sampled_from(_PIECES), max_size=25).map(" ".join) | st.text(max_size=80))
def test_any_input_checks_or_is_a_design_error(text: str) -> None:
    try:
        formula = check(text, SCOPE)
    except DesignError as error:
        assert error.code in ("syntax", "unknown_field", "unknown_function", "arg_count", "type_mismatch")
        assert 0 <= error.position <= len(text)
        return
    compile(
        python_source(formula, lambda ref: "_".join(("x", *ref.path)).replace("*", "record")),
        "formula",
        "eval",
    )


@pytest.mark.parametrize(
    "expression",
    [
        " or ".join(["1/price=1"] * 100),
        "1-" + "IF(open,1-" * 62 + "1" + ",2)" * 62,
        "-MAX(1," * 62 + "price" + ")" * 62,
        "AND(1/price=1,OR(1/price=1," * 31 + "open" + "))" * 31,
        "COALESCE(" * 62 + "price" + ")" * 62 + "*2",
        'CONCAT("(((",' * 62 + "note" + ")" * 62,
    ],
)
def test_deep_formula_compiles_or_is_a_design_error(expression: str) -> None:
    formula = check(expression, SCOPE)
    try:
        compute = python_function(formula, sorted(formula.refs))
    except DesignError as error:
        assert error.params["reason"] == "too_deep"
    else:
        with contextlib.suppress(FormulaError):
            compute(*[None] * len(formula.refs))


# -- what a formula reads --------------------------------------------------------------------------------


def test_refs_hold_every_place_with_its_owner() -> None:
    scope = DictScope({"rate": NUMBER}, "line")

    class Both:
        def lookup(self, name: str) -> Any:
            return scope.lookup(name) or SCOPE.lookup(name)

        def names(self) -> list[str]:
            return [*scope.names(), *SCOPE.names()]

    formula = check('rate * party.limit + SUM(rows.net) + IF(party = "C1", YEAR(TODAY()), 0)', Both())
    assert formula.refs == {
        Ref("line", ("rate",)),
        Ref("head", ("party", "limit")),
        Ref("head", ("rows", "net")),
        Ref("head", ("party", "code")),
        Ref(CONTEXT, ("today",)),
    }


def test_link_meets_text_by_code_and_link_by_id() -> None:
    names = {
        Ref("head", ("party", "code")): "code",
        Ref("head", ("party",)): "party",
        Ref("head", ("payer",)): "payer",
    }
    by_code = python_function(check('party = "C1" or IN(party, "C2", "C3")', SCOPE), names)
    assert by_code("C1", None, None) is True
    assert by_code("C3", None, None) is True
    assert by_code(None, "C1", None) is False
    by_id = python_function(check("party = payer", SCOPE), names)
    assert by_id(None, "1", "1") is True
    assert by_id(None, "1", "2") is False


def test_link_without_a_code_meets_text_by_its_number() -> None:
    document = DictScope({"number": TEXT}, "head")
    scope = DictScope(
        {"order": (Link("order"), document), "bare": (Link("x"), DictScope({}, "head"))}, "head"
    )
    assert check('order = "SO1"', scope).refs == {Ref("head", ("order", "number"))}
    with pytest.raises(DesignError) as raised:
        check('bare = "X"', scope)
    assert raised.value.code == "type_mismatch"


def test_iso_text_beside_a_date_is_that_date() -> None:
    compute = python_function(check('day >= "2026-11-01"', SCOPE), [Ref("head", ("day",))])
    assert compute(date(2026, 11, 1)) is True
    assert compute(date(2026, 10, 31)) is False
    assert sql_filter(check('day >= "2026-11-01"', SCOPE), Names()) == "(h.day >= DATE '2026-11-01')"
    assert (
        value('at < "2026-11-01T08:00:00+08:00"', {"at": "2026-10-31T23:59:59Z"}, {"at": "datetime"}) is True
    )
    assert refused('day > "soon"') == ("type_mismatch", 6)


def test_blank_links_and_dates_are_equal_to_nothing_but_blank() -> None:
    names = [Ref("head", ("party",)), Ref("head", ("payer",))]
    assert python_function(check("party = payer", SCOPE), names)(None, None) is False
    assert python_function(check("party <> payer", SCOPE), names)(None, None) is True
    assert python_function(check('party = ""', SCOPE), names)(None, None) is True


def test_user_is_compared_by_id_or_code() -> None:
    scope = DictScope({"owner": (Link("system.user"), DictScope({"code": TEXT}, "head"))}, "head")
    assert Ref(CONTEXT, ("user",)) in check("owner = USER()", scope).refs
    assert Ref(CONTEXT, ("user", "code")) in check('USER() = "u1"', scope).refs


def test_list_field_serves_where_a_column_does() -> None:
    formula = check('AND(IN("red", tags), COUNTA(tags) = 2)', SCOPE)
    compute = python_function(formula, [Ref("head", ("tags",))])
    assert compute(["red", "blue"]) is True
    assert compute(None) is False


# -- computing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expression", ['n = ""', "ISBLANK(n)", 't = ""', "ISBLANK(t)", 'd = ""', "n = 0", 'not (t <> "")']
)
def test_blank_is_empty_of_its_type(expression: str) -> None:
    types = {"n": "number", "t": "text", "d": "date"}
    assert value(expression, {"n": None, "t": None, "d": None}, types) is True
    assert value('t = ""', {"t": ""}) is True
    assert value("ISBLANK(n)", {"n": 0}) is False


def test_blank_date_has_no_place_in_the_order() -> None:
    values, types = {"d": None}, {"d": "date"}
    assert value("d < TODAY()", values, types) is False
    assert value("d >= TODAY()", values, types) is False
    assert value("IF(YEAR(d) = 0, 1, 2)", values, types) == "1"


def test_datetimes_are_read_in_the_zone_and_step_in_seconds() -> None:
    values, types = {"at": "2026-11-23T18:30:00Z"}, {"at": "datetime"}
    assert value("HOUR(at)", values, types) == "2"
    assert value("DAY(at)", values, types) == "24"
    assert value("at + 90", values, types) == "2026-11-23T18:31:30Z"
    assert value("(at + 90) - at", values, types) == "90"
    assert value('at & ""', values, types) == "2026-11-24 02:30:00"
    assert value("at < TODAY()", values, types) is False
    assert value('TEXT(at, "yyyy-mm-dd hh:mm")', values, types) == "2026-11-24 02:30"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("AND(FALSE, 1/0 = 1)", "#DIV/0!"),
        ("OR(TRUE, 1/0 = 1)", "#DIV/0!"),
        ("ISERROR(1/0)", True),
        ('IFERROR(MID("a",0,1), "b")', "b"),
        ("IFS(TRUE, 1, 1/0 = 1, 2)", "1"),
        ('SWITCH("b", "a", 1/0, "b", 2)', "2"),
        ('SWITCH("c", "a", 1)', "#N/A"),
        ("MOD(5,0)", "#DIV/0!"),
        ("MEDIAN(rows.x)", "#NUM!"),
        ("AVERAGE(rows.x)", "#DIV/0!"),
        ("0^0", "#NUM!"),
        ('VALUE("")', "#VALUE!"),
        ("DATE(2024,1,1) + 99999999", "#NUM!"),
        ('TEXT(1, "qq")', "#VALUE!"),
    ],
)
def test_error_values_pass_through_and_are_caught(expression: str, expected: Any) -> None:
    assert value(expression, {"rows": []}, {"rows.x": "number"}) == expected


@pytest.mark.parametrize(
    ("number", "pattern", "expected"),
    [
        ("1234567.891", "#,##0.00", "1,234,567.89"),
        ("-0.5", "0", "-1"),
        ("0", "#", ""),
        ("0.126", "0%", "13%"),
        ("5", "0000", "0005"),
        ("1234", "0,000,000", "0,001,234"),
        ("3.10", "0.0##", "3.1"),
        ("12", '¥0.00"元"', "¥12.00元"),
        ("-5", "0.0;(0.0);zero", "(5.0)"),
    ],
)
def test_number_is_shown_by_its_format(number: str, pattern: str, expected: str) -> None:
    escaped = pattern.replace('"', '""')
    assert value(f'TEXT(n, "{escaped}")', {"n": number}, {"n": "number"}) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("MM/DD/YY", "03/05/24"),
        ("yyyy-mm-dd hh:mm:ss", "2024-03-05 14:07:09"),
        ("h:mm AM/PM", "2:07 PM"),
        ("M月d日 aaaa", "3月5日 星期二"),
        ("H时m分", "14时7分"),
    ],
)
def test_instant_is_shown_by_its_format(pattern: str, expected: str) -> None:
    values, types = {"at": "2024-03-05T06:07:09Z"}, {"at": "datetime"}
    assert value(f'TEXT(at, "{pattern}")', values, types) == expected


def test_numbers_stay_exact_where_many_digits_meet() -> None:
    values = {"a": "123456789012345678.12345678", "b": "98765432109876.0123456789"}
    types = {"a": "number", "b": "number"}
    exact = Decimal(values["a"].replace(".", "")) * Decimal(values["b"].replace(".", ""))
    assert value("a*b", values, types) is not None
    assert Decimal(value("a*b", values, types)).as_tuple().digits == exact.as_tuple().digits


def test_wrong_value_is_a_mismatch_that_names_the_field() -> None:
    with pytest.raises(DesignError) as raised:
        evaluate("a", {"a": "x"}, {"a": "number"})
    assert raised.value.code == "type_mismatch"
    assert raised.value.params["name"] == "a"


def test_list_of_scalars_is_a_column() -> None:
    assert value('IN("b", tags)', {"tags": ["a", "b"]}) is True
    assert value("SUM(numbers)", {"numbers": [1, "2.5", None]}, {"numbers": "number"}) == "3.5"


@pytest.mark.parametrize("types", [{"a": []}, {"a": "nothing"}, {"a": None}])
def test_unknown_type_is_a_mismatch(types: Any) -> None:
    with pytest.raises(DesignError) as raised:
        evaluate("1", {"a": 1}, types)
    assert raised.value.code == "type_mismatch"


def test_values_nested_too_deep_are_a_mismatch() -> None:
    nested: dict[str, Any] = {}
    for _ in range(500):
        nested = {"a": nested}
    with pytest.raises(DesignError):
        evaluate("1", nested)


def test_instant_without_offset_is_the_zones_own() -> None:
    assert value("HOUR(at)", {"at": "2026-11-24T09:30:00"}, {"at": "datetime"}) == "9"


def test_two_blanks_of_no_type_are_equal() -> None:
    assert value("a = b", {"a": None, "b": None}) is True


def test_links_inside_rows_give_columns() -> None:
    values = {"rows": [{"party": {"level": "A"}, "net": 5}, {"party": None, "net": 7}]}
    assert value('SUMIF(rows.party.level, "A", rows.net)', values) == "5"


@pytest.mark.parametrize(
    ("criterion", "expected"),
    [('">=5"', "2"), ('"<>5"', "3"), ('"5"', "1"), ('""', "1"), ('"<>"', "3"), ('"abc"', "0"), ("5", "1")],
)
def test_criterion_counts_the_cells_that_meet_it(criterion: str, expected: str) -> None:
    values = {"rows": [{"x": 5}, {"x": 4}, {"x": 6}, {"x": None}]}
    assert value(f"COUNTIF(rows.x, {criterion})", values) == expected


# -- packs' own functions --------------------------------------------------------------------------------


def _factor(party: dict[str, Any] | None, kind: str) -> Decimal:
    if party is None:
        raise FormulaError("#N/A")
    return Decimal(party["factors"][kind])


FACTOR = Function(
    "FACTOR",
    "party: record party, kind: text",
    NUMBER,
    "系数",
    "Factor",
    python=_factor,
    reads=("factors.value", "level"),
)


def test_function_of_a_pack_gets_the_linked_record() -> None:
    functions = {**BUILTINS, "FACTOR": FACTOR}
    formula = check('2 * FACTOR(party, "b")', SCOPE, functions=functions)
    assert formula.refs == {
        Ref("head", ("party", "*")),
        Ref("head", ("party", "factors", "value")),
        Ref("head", ("party", "level")),
    }
    compute = python_function(formula, sorted(formula.refs), functions=functions)
    assert compute({"factors": {"b": 3}}, None, None) == 6
    with pytest.raises(FormulaError):
        compute(None, None, None)
    with pytest.raises(DesignError) as raised:
        sql(formula, Names())
    assert raised.value.code == "not_in_sql"


def test_function_of_a_pack_refuses_another_form() -> None:
    scope = DictScope({"party": (Link("item"), PARTY)}, "head")
    with pytest.raises(DesignError) as raised:
        check('FACTOR(party, "b")', scope, functions={**BUILTINS, "FACTOR": FACTOR})
    assert raised.value.code == "type_mismatch"


# -- order of formulas -----------------------------------------------------------------------------------


def _formulas(**texts: str) -> dict[str, Formula]:
    scope = DictScope(dict.fromkeys([*texts, "x"], NUMBER), "head")
    return {key: check(text, scope) for key, text in texts.items()}


def test_formulas_are_ordered_after_what_they_read() -> None:
    formulas = _formulas(total="net + tax", tax="net * 0.13", other="x", net="x * 2")
    order = dependency_order(formulas, lambda ref: ref.path[0])
    assert order.index("net") < order.index("tax") < order.index("total")
    assert sorted(order) == sorted(formulas)


def test_circle_of_formulas_is_refused_by_name() -> None:
    with pytest.raises(DesignError) as raised:
        dependency_order(_formulas(a="b", b="c", c="a"), lambda ref: ref.path[0])
    assert raised.value.code == "cycle"
    names = str(raised.value.params["cycle"]).split(" → ")
    assert names[0] == names[-1]
    assert set(names) == {"a", "b", "c"}


# -- SQL texts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("price > 1000", "(h.price > 1000::numeric)"),
        ("price < 5", "(h.price < 5::numeric OR h.price IS NULL)"),
        ("1000 <= price", "(h.price >= 1000::numeric)"),
        ('party.code = "C1" and open', "((h.party_code = 'C1') AND h.open)"),
        ('party = "C1"', "(h.party_code = 'C1')"),
        ("party = payer", "(h.party = h.payer)"),
        ("day >= TODAY()", "(h.day >= h.today)"),
        ('IN(note, "a", "b")', "(h.note IN ('a', 'b'))"),
        ('note <> ""', "(h.note <> '')"),
        (
            "SUM(rows.net) > 10",
            "(COALESCE((SELECT sum(r.net) FROM line r WHERE r.head = h.id), 0) > 10::numeric)",
        ),
    ],
)
def test_filter_leaves_columns_bare_for_their_indexes(expression: str, expected: str) -> None:
    assert sql_filter(check(expression, SCOPE), Names()) == expected


class JoinedNames(Names):
    """Names that join for a linked column, and can give columns over one source."""

    def column(self, ref: Ref) -> tuple[str, str]:
        joined = " JOIN party p ON p.id = r.party" if "party" in ref.path else ""
        return f"r.{ref.path[-1]}", f"line r{joined} WHERE r.head = h.id"

    def columns(self, refs: Sequence[Ref]) -> tuple[list[str], str]:
        return [
            f"r.{ref.path[-1]}" for ref in refs
        ], "line r JOIN party p ON p.id = r.party WHERE r.head = h.id"


class SeparateNames(Names):
    """The same without `columns`."""

    column = JoinedNames.column


def test_columns_that_meet_in_a_function_share_one_source() -> None:
    formula = check('SUMIF(rows.party.level, "A", rows.net)', SCOPE)
    assert "FROM line r JOIN party p ON p.id = r.party WHERE" in sql(formula, JoinedNames())
    with pytest.raises(DesignError) as raised:
        sql(formula, SeparateNames())
    assert raised.value.code == "not_in_sql"


def test_formula_that_repeats_itself_too_often_is_not_put_into_sql() -> None:
    nested = check("IFERROR(" * 60 + "1/price" + ",1/0)" * 60, SCOPE)
    with pytest.raises(DesignError) as raised:
        sql(nested, Names())
    assert raised.value.code == "not_in_sql"


def test_text_constants_cannot_leave_their_quotes() -> None:
    written = sql(check('note = "a\'; DROP TABLE x; --\\"', SCOPE), Names())
    assert written == "(COALESCE(h.note, '') = 'a''; DROP TABLE x; --\\')"


@pytest.mark.parametrize(
    "expression", ["RMBCAP(price)", "price ^ quantity", 'SUBSTITUTE(note, "a", "b", 2)', "PINYIN(note)"]
)
def test_what_sql_cannot_do_is_said(expression: str) -> None:
    with pytest.raises(DesignError) as raised:
        sql(check(expression, SCOPE), Names())
    assert raised.value.code == "not_in_sql"


# -- the users' page -----------------------------------------------------------------------------------


def test_page_about_formulas_is_current() -> None:
    page = Path(__file__).parents[2] / "docs" / "formulas.md"
    assert page.read_text(encoding="utf-8") == reference_page()


def test_every_function_has_a_line_in_both_languages() -> None:
    for function in BUILTINS.values():
        assert function.zh and function.en
        assert f"`{signature(function)}`" in reference_page()


def test_moments_of_evaluate_are_instants() -> None:
    formula = check("at", SCOPE)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert python_function(formula, [Ref("head", ("at",))])(moment) == moment

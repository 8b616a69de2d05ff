"""The two back ends agree: whatever Python computes, PostgreSQL computes as well, errors being NULL."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, Inexact, getcontext
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from anlan.kernel.formula import (
    BOOLEAN,
    CONTEXT,
    DATE,
    DATETIME,
    FAILURES,
    NUMBER,
    TEXT,
    DesignError,
    DictScope,
    Formula,
    Ref,
    Table,
    check,
    python_function,
    sql,
    sql_filter,
    use_exact_decimals,
)
from anlan.kernel.storage.pool import Connection

ZONE = "Asia/Shanghai"
FIELDS = {
    "n": NUMBER,
    "q": NUMBER,
    "t": TEXT,
    "u": TEXT,
    "b": BOOLEAN,
    "c": BOOLEAN,
    "d": DATE,
    "e": DATE,
    "m": DATETIME,
}
COLUMNS = {"a": NUMBER, "k": TEXT, "w": DATE}
SCOPE = DictScope({**FIELDS, "rows": (Table(), DictScope(COLUMNS, "row"))}, "head")
CAST = {NUMBER: "numeric", TEXT: "text", BOOLEAN: "boolean", DATE: "date", DATETIME: "timestamptz"}
ROW = (
    "(SELECT "
    + ", ".join(f"${i + 1}::{CAST[of]} AS {name}" for i, (name, of) in enumerate(FIELDS.items()))
    + ") h"
)
ROWS = "(SELECT " + ", ".join(
    f"unnest(${len(FIELDS) + i + 1}::{CAST[of]}[]) AS {name}" for i, (name, of) in enumerate(COLUMNS.items())
) + ") r"  # fmt: skip


class Names:
    """Fields are columns of `h`, columns those of `r`; both come from the statement's parameters."""

    zone = ZONE

    def scalar(self, ref: Ref) -> str:
        return f"h.{ref.path[0]}"

    def column(self, ref: Ref) -> tuple[str, str]:
        return f"r.{ref.path[1]}", ROWS


# Templates of each kind, between semicolons: a lone N, T, B, D or M is a place for a number, text, boolean,
# date or moment.
_TEMPLATES = {
    "N": r"""
        N + N ; N - N ; N * N ; N / N ; -N ; N% ; N ^ 2 ; N ^ 0 ; N ^ -1 ; ABS(N) ; SIGN(N) ;
        ROUND(N, 2) ; ROUND(N, -1) ; ROUND(N, N) ; ROUNDUP(N, 1) ; ROUNDDOWN(N, 1) ; ROUNDHALFEVEN(N, 1) ;
        INT(N) ; TRUNC(N, N) ; CEILING(N, N) ; FLOOR(N, N) ; MOD(N, N) ; SQRT(N) ; IF(B, N, N) ;
        IF(B, N) ; IF(B, N, "") ; IFS(B, N, B, N) ; SWITCH(T, "a", N, "b", N) ; SWITCH(N, 1, N, N) ;
        IFERROR(N, N) ; COALESCE(N, N) ; LEN(T) ; LENB(T) ; VALUE(T) ; FIND(T, T) ; SEARCH(T, T, N) ;
        D - D ; DAYS(D, D) ; YEAR(D) ; MONTH(D) ; DAY(D) ; WEEKDAY(D) ; WEEKDAY(D, 2) ; WEEKDAY(D, 3) ;
        WEEKDAY(D, 13) ; ISOWEEKNUM(D) ; QUARTER(D) ; DATEDIF(D, D, "D") ; DATEDIF(D, D, "M") ;
        DATEDIF(D, D, "Y") ; DATEDIF(D, D, "MD") ; DATEDIF(D, D, "YM") ; DATEDIF(D, D, "YD") ; HOUR(m) ;
        MINUTE(M) ; M - M ; SUM(N, rows.a, N) ; SUM(rows.a) ; MAX(rows.a) ; MAX(N, N) ; MIN(N, rows.a) ;
        AVERAGE(rows.a) ; AVERAGE(N, N) ; COUNT(rows.a, N) ; COUNTA(rows.k) ; MEDIAN(rows.a, N) ;
        LARGE(rows.a, N) ; SMALL(rows.a, 1) ; SUMPRODUCT(rows.a, rows.a) ; SUMIF(rows.k, "a", rows.a) ;
        SUMIF(rows.a, ">=1") ; COUNTIF(rows.k, "<>a") ; COUNTIF(rows.k, "") ; COUNTIF(rows.a, "x") ;
        COUNTIF(rows.w, ">2024-01-31") ; COUNTIFS(rows.k, "a", rows.a, "<2") ;
        AVERAGEIF(rows.k, "a", rows.a) ; SUMIF(rows.a, N)
    """,
    "T": r"""
        T & T ; T & N ; T & D ; T & B ; T & m ; LEFT(T, N) ; RIGHT(T, N) ; MID(T, N, N) ; UPPER(T) ;
        LOWER(T) ; TRIM(T) ; SUBSTITUTE(T, T, T) ; REPLACE(T, N, N, T) ; REPT(T, N) ;
        SPLITPART(T, "a", N) ; ASC(T) ; TEXT(N, "#,##0.00") ; TEXT(N, "0") ; TEXT(N, "0.0%") ;
        TEXT(N, "000.0#") ; TEXT(D, "yyyy-MM-dd") ; TEXT(D, "yy年M月d日") ; TEXT(m, "HH:mm:ss") ;
        TEXT(m, "h:mm AM/PM") ; TEXT(D, "MM/dd aaaa") ; IF(B, T, T) ; COALESCE(T, T) ; IFERROR(T, T) ;
        TEXTJOIN("-", TRUE, rows.k) ; TEXTJOIN("-", B, rows.k) ; CONCAT(T, N)
    """,
    "B": r"""
        N = N ; N <> N ; N < N ; N >= N ; T = T ; T <> T ; T < T ; T >= T ; D = D ; D <> D ; D < D ;
        D >= D ; M < M ; M > D ; M = M ; B = B ; B and B ; OR(B, B) ; not B ; XOR(B, B, B) ; ISBLANK(N) ;
        ISBLANK(T) ; ISBLANK(D) ; ISERROR(N) ; ISERROR(D) ; IN(N, 1, N) ; IN(T, "a", T) ; IN(T, rows.k) ;
        T = "" ; D = "" ; N <> "" ; EXACT(T, T) ; IF(B, B, B) ; IFERROR(B, B) ; COALESCE(B, B)
    """,
    "D": r"""
        DATE(N, N, N) ; DATE(2024, N, N) ; D + N ; D - N ; EDATE(D, N) ; EOMONTH(D, N) ; DATEDELTA(D, N) ;
        IF(B, D, D) ; COALESCE(D, D) ; IFERROR(D, D) ; MAX(rows.w) ; MIN(rows.w, D) ; LARGE(rows.w, 1)
    """,
    "M": r"""
        M + N ; M - N ; IF(B, M, M) ; COALESCE(M, M)
    """,
}
_LEAVES = {
    "N": r"""
        n ; q ; 0 ; 1 ; 2 ; 0.5 ; 3.75 ; 100 ; 12345.6789 ; -1.5
    """,
    "T": r"""
        t ; u ; "" ; "a" ; "A b" ; "it''s {0} %s $1" ; "中ａé" ; "12.50" ; "1,234%" ; "-¥1,000.5"
    """,
    "B": r"""
        b ; c ; TRUE ; FALSE
    """,
    "D": r"""
        d ; e ; DATE(2024,2,29)
    """,
    "M": r"""
        m
    """,
}


def _split(listed: dict[str, str]) -> dict[str, list[str]]:
    return {kind: [text.strip() for text in texts.split(";")] for kind, texts in listed.items()}


TEMPLATES, LEAVES = _split(_TEMPLATES), _split(_LEAVES)


@st.composite
def expressions(draw: DrawFn, kind: str, depth: int = 3) -> str:
    """Text of a formula of the kind, of nested templates."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(LEAVES[kind]))
    template = draw(st.sampled_from(TEMPLATES[kind]))
    return "(" + fill(template, lambda inner: draw(expressions(inner, depth - 1))) + ")"


def fill(template: str, of: Callable[[str], str]) -> str:
    """The template with each lone capital N T B D M outside of strings replaced."""
    parts = template.split('"')
    for place in range(0, len(parts), 2):
        text, filled = parts[place], ""
        for at, character in enumerate(text):
            alone = not (text[at - 1 : at].isalnum() or text[at + 1 : at + 2].isalnum())
            filled += of(character) if character in "NTBDM" and alone else character
        parts[place] = filled
    return '"'.join(parts)


numbers = st.none() | st.decimals(-9999, 9999, places=3) | st.integers(-5, 40).map(Decimal)
texts = st.none() | st.sampled_from(
    ["", "a", "b", "ab", "A", "12.5", " a  b ", "中文", "it's", "-7", "ß", "É%_\\"]
)
dates = (
    st.none() | st.dates(date(1, 1, 1), date(9999, 12, 31)) | st.dates(date(2023, 12, 25), date(2024, 3, 5))
)
moments = st.none() | st.integers(600_000_000, 4_000_000_000).map(lambda s: datetime.fromtimestamp(s, UTC))
booleans = st.none() | st.booleans()
heads = st.tuples(numbers, numbers, texts, texts, booleans, booleans, dates, dates, moments)
rows = st.lists(st.tuples(numbers, texts, dates), max_size=4)


def in_python(formula: Formula, head: tuple[Any, ...], table: list[tuple[Any, ...]]) -> Any:
    """The value, None for an error or a blank."""
    values: dict[Ref, Any] = {Ref("head", (name,)): value for name, value in zip(FIELDS, head, strict=True)}
    for place, name in enumerate(COLUMNS):
        values[Ref("head", ("rows", name))] = [row[place] for row in table]
    values[Ref(CONTEXT, ("zone",))] = ZONE
    compute = python_function(formula, list(values))
    use_exact_decimals()
    getcontext().clear_flags()
    try:
        result = compute(*values.values())
    except FAILURES:
        result = None
    # Beyond 100 digits Python rounds and PostgreSQL does not: no agreement is promised there.
    assume(not getcontext().flags[Inexact])
    return None if result == "" else result


def in_sql(connection: Connection, written: str, head: tuple[Any, ...], table: list[tuple[Any, ...]]) -> Any:
    columns = [[row[place] for row in table] for place in range(len(COLUMNS))]
    # The second value names every parameter, since PostgreSQL wants to know the type of each.
    statement = f"SELECT ({written}), (SELECT count(*) FROM {ROWS}) FROM {ROW}"
    with connection.transaction():
        row = connection.execute(statement, (*head, *columns)).fetchone()
    assert row is not None
    return None if row[0] == "" else row[0]


def comparable(value: Any) -> Any:
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


AGREE = settings(
    max_examples=500,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@AGREE
@given(st.sampled_from("NTBDM").flatmap(expressions), heads, rows)
def test_python_and_sql_agree_on_any_formula(
    connection: Connection, text: str, head: tuple[Any, ...], table: list[tuple[Any, ...]]
) -> None:
    formula = check(text, SCOPE)
    try:
        written = sql(formula, Names())
    except DesignError as error:
        assert error.code == "not_in_sql"
        assume(False)
        return
    expected = in_python(formula, head, table)
    found = in_sql(connection, written, head, table)
    assert comparable(found) == comparable(expected), (text, written)


@AGREE
@given(expressions("B"), heads, rows)
def test_a_filter_is_true_exactly_where_python_says_true(
    connection: Connection, text: str, head: tuple[Any, ...], table: list[tuple[Any, ...]]
) -> None:
    formula = check(text, SCOPE)
    try:
        written = sql_filter(formula, Names())
    except DesignError:
        assume(False)
        return
    expected = in_python(formula, head, table)
    found = in_sql(connection, f"COALESCE({written}, FALSE)", head, table)
    assert found is (expected is True), (text, written)

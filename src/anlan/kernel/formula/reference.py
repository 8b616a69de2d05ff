"""The users' page about formulas, written from the function table: docs/formulas.md."""

from anlan.kernel.formula.functions import FAMILIES
from anlan.kernel.formula.functions.table import REQUIRED, Function, Parameter

_RULES = """\
# 公式 · Formulas

One language for calculated fields, defaults, checks, filters, row rules and reports. This page is
written from the table of functions: `python -m anlan.kernel.formula.reference docs/formulas.md`.

## 写法 · Writing

| 写法 | 说明 | meaning |
|---|---|---|
| `数量 * 单价` | 字段名直接写 | fields by their names |
| `{单价(含税)}` | 含空格或符号的名称放在花括号里 | names with spaces or signs in braces |
| `客户.等级` | 关联记录的字段 | a field of the linked record |
| `SUM(明细.金额)` | 子表单的一列, 只能放在汇总函数里 | a column of a sub-table, only inside aggregates |
| `"文字"` | 文字用双引号, 引号本身写两次 | text in double quotes, a quote is written twice |
| `+ - * / ^ %` | 算术; `-2^2` 等于 4, `2^3^2` 等于 64, `10%` 等于 0.1 | arithmetic |
| `&` | 连接文字 | joins texts |
| `= <> < > <= >=` | 比较, 也可写 `==`、`!=` | comparisons, also `==`, `!=` |
| `AND OR NOT` | 函数, 或写成 `a and b`、`not a` | functions, or `a and b`, `not a` |
| `（），＋“”` | 全角符号等于半角 | full-width signs count as half-width ones |

## 规则 · Rules

- **数字**是精确的十进制; 每次除法和开方保留 16 位小数。 Numbers are exact decimals; every quotient and
  root is rounded to 16 places.
- **空值**: 在算式中数字为 0, 文字为 `""`, 是否为否; 日期函数遇到空日期得空; 汇总跳过空值。 Blank: 0,
  `""`, FALSE in expressions; date functions of a blank date are blank; aggregates skip blanks.
- `字段 = ""` 和 `ISBLANK(字段)` 判断是否为空; 0 不算空。空日期、空关联不等于任何值,
  也不早于、晚于任何日期。 A blank date or link equals nothing and has no place in the order; ask for it
  by `= ""` or `ISBLANK`.
- **文字和数字不会自动互换**: `"5"+1` 是错误, 请用 VALUE、TEXT。文字比较区分大小写。 Text and numbers do
  not change into each other; text is compared exactly.
- 关联字段与文字比较时, 比较的是编码: `客户 = "C001"`。 A link meets a text by its code.
- 与日期比较的文字常量按 ISO 日期理解: `日期 >= "2026-11-01"`。 A constant text beside a date is read as an
  ISO date.
- **日期** ± 天数 = 日期, 日期 − 日期 = 天数; **日期时间** ± 秒数 = 日期时间, 相减得秒数。 Dates count
  in days, datetimes in seconds.
- **错误值** `#DIV/0!` `#VALUE!` `#NUM!` `#N/A` 会一直传下去, 用 IFERROR 处理; 存为空并做标记。 Error
  values pass through; IFERROR catches them.
- IF、IFS、SWITCH、IFERROR 只计算用到的部分。 They compute only what they need.
- 条件 `">=5"` `"<>退货"` `"A"` 的文字按列的类型理解, 不用通配符。 Criteria are read as the column's
  type, without wildcards.
- 长度不超过 8 KB, 嵌套不超过 64 层。 At most 8 KB, nested 64 deep.

## 函数 · Functions

“筛选”一栏有 ✓ 的函数也可用于筛选、数据权限和报表。 Functions with ✓ can also be used in filters, row
rules, reports.
"""


def reference_page() -> str:
    """The page in Markdown, Chinese and English side by side."""
    parts = [_RULES]
    for zh, en, functions in FAMILIES:
        parts.append(f"\n### {zh} · {en}\n\n| 函数 | 说明 | meaning | 筛选 |\n|---|---|---|---|\n")
        parts += [_row(function) for function in functions]
    return "".join(parts)


def signature(function: Function) -> str:
    """How a call is written: ROUND(value, [digits])."""
    return f"{function.name}({', '.join(_shown(parameter) for parameter in function.parameters)})"


def _shown(parameter: Parameter) -> str:
    if parameter.repeated:
        return f"{parameter.name} …"
    return parameter.name if parameter.default is REQUIRED else f"[{parameter.name}]"


def _row(function: Function) -> str:
    # A function that becomes an operator when it is checked has no SQL of its own.
    in_sql = function.sql is not None or (function.python is None and function.write_python is None)
    cells = (f"`{signature(function)}`", function.zh, function.en, "✓" if in_sql else "")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


if __name__ == "__main__":
    import sys
    from pathlib import Path

    Path(sys.argv[1]).write_text(reference_page(), encoding="utf-8")

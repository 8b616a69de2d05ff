"""The worked examples of the language, through `evaluate`, as the API takes them."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from anlan.kernel.formula import DesignError, evaluate


class _ExactLoader(yaml.SafeLoader):
    """Numbers of the file are read as decimals, never through a float."""


_ExactLoader.add_constructor(
    "tag:yaml.org,2002:float", lambda loader, node: Decimal(loader.construct_scalar(node))
)

EXAMPLES = Path(__file__).parents[1] / "cases" / "formula_examples.yaml"
CASES = yaml.load(EXAMPLES.read_text(encoding="utf-8"), _ExactLoader)["cases"]


def _json(value: Any, at: str, types: dict[str, str]) -> Any:
    """An input as JSON has it; what JSON cannot say goes into `types`."""
    if isinstance(value, date):
        types.setdefault(at, "date")
        return value.isoformat()
    if isinstance(value, list):
        return [_json(row, at, types) for row in value]
    if isinstance(value, dict):
        return {name: _json(cell, f"{at}.{name}", types) for name, cell in value.items()}
    return value


def _same(found: Any, expected: Any, places: int | None) -> bool:
    if isinstance(expected, bool) or expected is None:
        return found is expected
    if isinstance(expected, int | Decimal):
        number = Decimal(found)
        assert "E" not in found and found == found.rstrip("0").rstrip(".") if "." in found else True
        if places is not None:
            number = number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
        return number == expected
    return found == (expected.isoformat() if isinstance(expected, date) else expected)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_example_has_its_answer(case: dict[str, Any]) -> None:
    types = dict(case.get("t", {}))
    values = {name: _json(value, name, types) for name, value in case.get("in", {}).items()}
    today = case.get("asof", date(2026, 11, 24))
    if "compile" in case:
        with pytest.raises(DesignError) as raised:
            evaluate(case["f"], values, types, today)
        assert raised.value.code == case["compile"]
        assert 0 <= raised.value.position <= len(case["f"])
        return
    answer = evaluate(case["f"], values, types, today)
    if "error" in case:
        assert answer == {"error": case["error"]}
    else:
        accepted = [case["expect"], *case.get("also", [])]
        assert any(_same(answer["value"], value, case.get("places")) for value in accepted), answer

"""The three-way merge: worked cases of every rule, and that it answers whatever it is given."""

from copy import deepcopy
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from anlan.kernel.definition.annotations import Kind, Names, element_prefixes, is_narrowing, kind_of, names_at
from anlan.kernel.definition.merge import Merged, apply_overlay, merge
from anlan.kernel.definition.tree import same, to_path
from anlan.kernel.errors import Refused
from anlan.kernel.i18n import Messages

FOLDER = Path(__file__).parent.parent / "cases"
CASES: list[dict[str, Any]] = [
    case
    for name in ("merge_examples.yaml", "merge_more.yaml")
    for case in yaml.safe_load((FOLDER / name).read_text("utf-8"))["cases"]
]
CODES = {
    "both_changed",
    "removed_but_used",
    "hidden_but_required",
    "key_collision",
    "locked",
    "perm_tightened",
    "narrowing",
    "formula_type",
    "formula_cycle",
    "dangling_ref",
    "option_in_use",
}


def clean(definition: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in definition.items() if key not in ("renames", "replaced")}


def assert_stable(merged: Merged, new: dict[str, Any]) -> None:
    """Merging again with the new pack as base changes nothing."""
    again = merge(clean(new), merged.overlay, new)
    assert same(again.definition, merged.definition)
    assert again.overlay == merge(clean(new), again.overlay, new).overlay
    assert same(apply_overlay(new, merged.overlay), merged.definition)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_the_merge_agrees_with_a_worked_case(case: dict[str, Any]) -> None:
    merged = merge(case["base"], case["overlay"], case["new"])
    assert same(merged.definition, case["merged"]), merged.definition
    assert sorted(merged.conflicts) == sorted(tuple(one) for one in case["conflicts"])
    assert_stable(merged, case["new"])


def test_the_cases_show_every_code() -> None:
    assert {code for case in CASES for code, _ in case["conflicts"]} == CODES


def test_every_code_has_a_sentence_in_both_languages() -> None:
    messages = Messages.load([Path(merge.__code__.co_filename).parent.parent / "messages"])
    for code in CODES:
        assert messages.text(f"merge.{code}", "zh", path="p") != messages.text(
            f"merge.{code}", "en", path="p"
        )


def test_nothing_that_was_given_is_changed() -> None:
    for case in CASES:
        given = deepcopy((case["base"], case["overlay"], case["new"]))
        merged = merge(*given)
        merged.definition.setdefault("fields", {})["later"] = {}
        assert given == (case["base"], case["overlay"], case["new"])


def test_the_packs_order_of_keys_is_kept_and_the_companys_come_last() -> None:
    base: dict[str, Any] = {"fields": {"b": {}, "a": {}}}
    new: dict[str, Any] = {"fields": {"c": {}, "b": {}, "a": {}}}
    merged = merge(base, {"set": {"fields.x_1": {"type": "text"}, "fields.a.label": "甲"}}, new)
    assert list(merged.definition["fields"]) == ["c", "b", "a", "x_1"]


def test_what_went_without_saying_is_noted() -> None:
    base = {"fields": {"q": {"label": "Q"}, "b": {}}}
    new = {"fields": {"n": {"label": "N"}}, "renames": {"fields.q": "fields.n"}}
    merged = merge(base, {"set": {"fields.q.label": "数"}, "unset": ["fields.zzz"]}, new)
    assert merged.notes == [
        ("kept", "fields.n.label"),
        ("stale", "fields.zzz"),
        ("renamed", "fields.n.label"),
    ]


def test_the_same_version_merged_again_with_the_first_overlay_follows_its_renames_once() -> None:
    new = {"fields": {"n": {"label": "N"}}, "renames": {"fields.q": "fields.n"}}
    overlay = {"set": {"fields.q.label": "数"}}
    assert merge(clean(new), overlay, new).definition == {"fields": {"n": {"label": "数"}}}


def test_an_overlay_is_applied_by_the_same_machine() -> None:
    base = {"fields": {"a": {"type": "text"}, "b": {"type": "text"}}, "order": ["a", "b"]}
    overlay = {
        "set": {"fields.x": {"type": "date"}},
        "unset": ["fields.b"],
        "lists": {"order": {"ins": [["x", "a"]]}},
    }
    assert apply_overlay(base, overlay) == {
        "fields": {"a": {"type": "text"}, "b": {"type": "text", "hidden": True}, "x": {"type": "date"}},
        "order": ["a", "x", "b"],
    }


def test_three_versions_in_a_row_keep_the_companys_changes() -> None:
    overlay: dict[str, Any] = {
        "set": {"fields.qty.label": "订购数量", "fields.x_f": {"type": "decimal", "formula": "qty*2"}}
    }
    versions: list[dict[str, Any]] = [
        {"fields": {"qty": {"type": "decimal", "label": "数量"}}},
        {
            "fields": {"quantity": {"type": "decimal", "label": "数量"}},
            "renames": {"fields.qty": "fields.quantity"},
        },
        {"fields": {"other": {"type": "text"}}},
        {"fields": {"other": {"type": "text"}, "quantity": {"type": "decimal", "label": "数量"}}},
    ]
    reported = []
    definition: dict[str, Any] = {}
    for base, new in pairwise(versions):
        merged = merge(base, overlay, new)
        assert_stable(merged, new)
        overlay, definition = merged.overlay, merged.definition
        reported.append(merged.conflicts)
    assert reported == [[], [("removed_but_used", "fields.quantity")], [("key_collision", "fields.quantity")]]
    assert definition["fields"]["quantity"] == {"type": "decimal", "label": "订购数量"}
    assert definition["fields"]["x_f"]["formula"] == "quantity*2"


# --- shapes ----------------------------------------------------------------------------------------------


def deep(levels: int) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for _ in range(levels):
        tree = {"a": tree}
    return tree


@pytest.mark.parametrize(
    ("base", "overlay", "new", "path"),
    [
        ([], {}, {}, "base"),
        ({}, None, {}, "overlay"),
        ({}, {}, "x", "new"),
        ({}, {"set": []}, {}, "overlay.set"),
        ({}, {"set": {"a..b": 1}}, {}, "overlay.set.a..b"),
        ({}, {"set": {"": 1}}, {}, "overlay.set."),
        ({}, {"unset": "a"}, {}, "overlay.unset"),
        ({}, {"unset": [1]}, {}, "overlay.unset[0]"),
        ({}, {"lists": {"a": []}}, {}, "overlay.lists.a"),
        ({}, {"lists": {"a": {"ins": ["x"]}}}, {}, "overlay.lists.a.ins[0]"),
        ({}, {"lists": {"a": {"up": []}}}, {}, "overlay.lists.a.up"),
        ({}, {"other": 1}, {}, "overlay.other"),
        ({}, {}, {"renames": ["a"]}, "new.renames"),
        ({}, {}, {"renames": {"a": 1}}, "new.renames.a"),
        ({}, {}, {"replaced": {"a": ""}}, "new.replaced.a"),
        ({1: 2}, {}, {}, "base.1"),
        (deep(60), {}, {}, "base" + ".a" * 41),
    ],
)
def test_another_shape_is_refused_by_its_path(base: Any, overlay: Any, new: Any, path: str) -> None:
    with pytest.raises(Refused) as caught:
        merge(base, overlay, new)
    assert [one.path for one in caught.value.faults] == [path]
    assert caught.value.status == 422


# --- whatever it is given --------------------------------------------------------------------------------

keys = st.sampled_from(["a", "b", "c", "x_d"])
formulas = st.sampled_from(["a+b", "SUM(b.c)", "c", 'a = "b"', "(", "zzz*2", "b.zzz", ""])
scalars = st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["a", "b", "read", "none", "write"])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=5,
)
fields: st.SearchStrategy[Any] = st.deferred(
    lambda: st.dictionaries(
        keys,
        scalars
        | st.fixed_dictionaries(
            {},
            optional={
                "type": st.sampled_from(["text", "decimal", "integer", "date", "choice", "lines"]) | values,
                "label": st.sampled_from(["A", "B"]) | st.fixed_dictionaries({"zh": scalars, "en": scalars}),
                "formula": formulas,
                "required": st.booleans(),
                "default": scalars,
                "hidden": st.booleans(),
                "locked": st.lists(st.sampled_from(["formula", "label", "*", "hidden"]), max_size=2) | values,
                "options": st.dictionaries(keys, scalars, max_size=2),
                "order": st.lists(keys, max_size=3),
                "fields": fields,
            },
        ),
        max_size=3,
    )
)
names = st.lists(keys, max_size=3)
definitions: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "fields": fields | values,
        "order": names | values,
        "workflow": st.fixed_dictionaries(
            {},
            optional={
                "states": st.dictionaries(keys, st.just({}), max_size=3) | values,
                "transitions": st.dictionaries(
                    keys,
                    st.fixed_dictionaries({"from": names, "to": keys, "role": keys}) | values,
                    max_size=2,
                ),
            },
        ),
        "grants": st.dictionaries(
            keys,
            st.dictionaries(
                keys | st.sampled_from(["actions", "rows", "fields"]), scalars | names | formulas, max_size=3
            ),
            max_size=2,
        ),
        "views": st.dictionaries(
            keys, st.fixed_dictionaries({"columns": names, "sort": names, "where": formulas}), max_size=2
        ),
        "locked": names | values,
    },
)
segments = keys | st.sampled_from(
    [
        "fields",
        "workflow",
        "states",
        "transitions",
        "grants",
        "views",
        "options",
        "label",
        "formula",
        "locked",
        "order",
        "columns",
        "default",
        "type",
        "from",
        "to",
        "hidden",
        "required",
        "rows",
        "actions",
        "retained",
    ]
)
known_paths = st.sampled_from(
    [
        "fields.a",
        "fields.b",
        "fields.x_d",
        "fields.a.formula",
        "fields.b.label",
        "fields.b.label.zh",
        "fields.a.default",
        "fields.b.fields.c",
        "fields.b.fields.c.formula",
        "fields.a.options.b",
        "fields.a.type",
        "fields.b.fields",
        "workflow.states.a",
        "workflow.transitions.b",
        "workflow.transitions.b.to",
        "views.a.columns",
        "views.b.where",
        "grants.a.b",
        "grants.a",
        "grants.a.rows",
        "grants.a.actions",
        "order",
        "fields.b.order",
    ]
)
paths = known_paths | st.lists(segments, min_size=1, max_size=5).map(".".join)
pairs = st.tuples(keys | scalars, st.none() | keys).map(list)
overlays = st.fixed_dictionaries(
    {},
    optional={
        "set": st.dictionaries(paths, scalars | values | formulas | fields, max_size=4),
        "unset": st.lists(paths, max_size=3),
        "lists": st.dictionaries(
            paths,
            st.fixed_dictionaries(
                {},
                optional={
                    "ins": st.lists(pairs, max_size=2),
                    "mv": st.lists(pairs, max_size=2),
                    "del": names,
                },
            ),
            max_size=2,
        ),
    },
)
moves = st.dictionaries(known_paths, known_paths, max_size=2)


@settings(max_examples=400, deadline=None)
@given(definitions, overlays, definitions, moves, moves)
def test_whatever_is_given_merges_and_merging_again_changes_nothing(
    base: dict[str, Any],
    overlay: dict[str, Any],
    new: dict[str, Any],
    renames: dict[str, str],
    replaced: dict[str, str],
) -> None:
    given_new = {**new, "renames": renames, "replaced": replaced}
    merged = merge(base, overlay, given_new)
    assert {code for code, _ in merged.conflicts} <= CODES
    assert "renames" not in merged.definition
    assert_stable(merged, clean(given_new))


@settings(max_examples=200, deadline=None)
@given(definitions, definitions)
def test_without_an_overlay_the_new_pack_runs_but_for_narrowed_types(
    base: dict[str, Any], new: dict[str, Any]
) -> None:
    merged = merge(base, {}, new)
    assert {code for code, _ in merged.conflicts} <= {"narrowing"}
    if not merged.conflicts:
        assert same(merged.definition, new)


@settings(max_examples=200, deadline=None)
@given(definitions, overlays)
def test_an_unchanged_pack_leaves_the_company_what_it_had(
    base: dict[str, Any], overlay: dict[str, Any]
) -> None:
    before = apply_overlay(base, overlay)
    merged = merge(base, overlay, base)
    assert same(merged.definition, before)
    assert not {code for code, _ in merged.conflicts} & {
        "both_changed",
        "key_collision",
        "narrowing",
        "perm_tightened",
    }


# --- annotations -----------------------------------------------------------------------------------------


def test_places_are_told_apart_by_structure_not_by_the_last_word() -> None:
    assert kind_of(("fields", "label", "default")) is Kind.BEHAVIOUR
    assert kind_of(("fields", "a", "label", "zh")) is Kind.COSMETIC
    assert kind_of(("grants", "a", "label")) is Kind.LEVEL
    assert names_at(("fields", "l", "fields", "n", "formula")) is Names.FORMULA
    assert element_prefixes(("fields", "l", "fields", "n", "options", "o", "label")) == (2, 4, 6)


def test_a_path_finds_keys_that_have_dots() -> None:
    tree = {"conversions": {"d": {"copy": {"lines.item": "x"}}}, "odd": {"a.b": 1}}
    assert to_path("conversions.d.copy.lines.item", tree) == ("conversions", "d", "copy", "lines.item")
    assert to_path("odd.a.b", tree) == ("odd", "a.b")
    assert to_path("grants.r.fields.lines.price", tree) == ("grants", "r", "fields", "lines.price")


def test_what_is_wider_takes_every_value() -> None:
    assert not any(
        is_narrowing(*pair)
        for pair in [
            ("integer", "decimal"),
            ("choice", "text"),
            ("date", "text"),
            ("text", "text"),
            ("money", "decimal"),
        ]
    )
    assert all(
        is_narrowing(*pair)
        for pair in [
            ("decimal", "integer"),
            ("text", "date"),
            ("lines", "text"),
            ("long_text", "text"),
            ("boolean", "date"),
        ]
    )

"""Typeahead over 200,000 items by code, name, pinyin initials and specification: how long the server takes.

Items are those of the base pack, with the search tokens that saving one makes. Each kind of text is asked for as people type
it, letter by letter, so that short beginnings that thousands of items have are among the questions.

    python -m benchmarks.typeahead [items]
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Iterator

from anlan.kernel import query, record
from anlan.kernel.access import identity
from anlan.kernel.access.caller import caller_from
from anlan.kernel.context import Context
from anlan.kernel.index import tokens_of
from anlan.kernel.index.tokens import initials
from anlan.kernel.site import Site
from benchmarks.common import a_site, context, table

GOAL = 80
KINDS = ("六角螺栓", "内六角螺钉", "平垫圈", "弹簧垫圈", "深沟球轴承", "调心滚子轴承", "无缝钢管", "不锈钢板", "热轧角钢", "铜芯电缆")
MATERIALS = ("镀锌", "不锈钢304", "发黑", "碳钢", "铝合金", "黄铜", "尼龙", "合金钢")
AT = "2026-11-24 04:00Z"
Item = tuple[str, str, str]


def items(count: int) -> list[Item]:
    """Code, name and specification; the same ones each time."""
    chance = random.Random(26)
    return [
        (f"W{n:07}", f"{chance.choice(MATERIALS)}{chance.choice(KINDS)}{n % 997}号", f"M{chance.randint(2, 64)}×{chance.randint(4, 600)}")
        for n in range(count)
    ]


def fill(site: Site, found: list[Item]) -> None:
    """Write the items and their index by COPY: making them is not what is measured."""
    with site.pool.connection() as connection:
        unit, user = connection.execute(
            "select (select id from base_unit where code = 'PCS'), (select id from \"system_user\" limit 1)"
        ).fetchone() or ("", "")
        with connection.cursor() as cursor:
            with cursor.copy(
                "copy base_item (id, version, code, name, spec, kind, unit, tax_rate, active, created_at, created_by, updated_at, updated_by)"
                " from stdin"
            ) as copy:
                for n, (code, name, spec) in enumerate(found):
                    copy.write_row([key(n), 1, code, name, spec, "goods", unit, "0.13", True, AT, user, AT, user])
            with cursor.copy("copy record_index (id, form, code, title, tokens, updated_at) from stdin") as copy:
                for n, (code, name, spec) in enumerate(found):
                    words = " ".join(f"'{one}'" for one in tokens_of([code, name, spec], names=[name]))
                    copy.write_row([key(n), "base.item", code, name, words, AT])
        connection.commit()
        connection.autocommit = True
        connection.execute("vacuum analyze")
        connection.autocommit = False


def key(n: int) -> str:
    return f"018f2000-0000-7000-8000-{n:012x}"


def typed(text: str, *, least: int = 1) -> Iterator[str]:
    """What the server is asked while somebody types a text."""
    return (text[:end] for end in range(least, len(text) + 1))


def questions(found: list[Item]) -> dict[str, list[str]]:
    chosen = random.Random(7).sample(found, 25)
    return {
        "code": [text for code, _, _ in chosen for text in typed(code)],
        "name": [text for _, name, _ in chosen for text in typed(name)],
        "name, from its middle": [text for _, name, _ in chosen for text in typed(name[-6:], least=2)],
        "pinyin initials": [text for _, name, _ in chosen for text in typed(initials(name))],
        "specification": [text for _, _, spec in chosen for text in typed(spec)],
        "nothing has it": [text for code, _, _ in chosen for text in (f"{code}x", f"钛{code[-3:]}", "zzqq")],
    }


def clerk(site: Site) -> Context:
    """Somebody who chooses items while writing orders; he may read them too."""
    company = query.records(context(site), "system.company", query.Query(limit=1))["data"][0]["id"]
    record.create(context(site), "system.user", {"code": "clerk", "name": "Clerk", "roles": ["sales_clerk"], "company": company})
    with site.pool.connection() as connection:
        found = identity.load_by_login(connection, "clerk")
    assert found is not None
    return Context(site, caller_from(found, site.catalogue.policies), via="page")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    with a_site() as site:
        found = items(count)
        fill(site, found)
        ctx = clerk(site)
        rows: list[tuple[str, float, str]] = []
        for name, texts in questions(found).items():
            for text in texts[:20]:
                query.suggest(ctx, "base.item", text, field="sales.order/lines.item")
            spent = []
            for text in texts:
                start = time.perf_counter()
                query.suggest(ctx, "base.item", text, field="sales.order/lines.item")
                spent.append(1000 * (time.perf_counter() - start))
            p95 = statistics.quantiles(spent, n=20)[-1]
            rows.append((name, p95, f"ms (p95 of {len(texts)}, at most {GOAL}; middle {statistics.median(spent):.2f}, longest {max(spent):.2f})"))
        table(f"Typeahead over {count} items", rows)


if __name__ == "__main__":
    main()

"""Failures of the floors below as problem and remedy; imported when one happens, so commands stay quick."""

from collections.abc import Iterator
from typing import NamedTuple

import psycopg
from psycopg_pool import PoolTimeout

from anlan.kernel.definition.reader import Broken
from anlan.kernel.errors import Refused
from anlan.kernel.settings import OperatorError, Words
from anlan.kernel.site.making import messages

KNOWN = (OperatorError, Refused, Broken, psycopg.OperationalError, PoolTimeout, OSError)


class Told(NamedTuple):
    """What is wrong, what to do, and what else there is to say, a line each."""

    problem: Words
    remedy: Words
    more: tuple[str, ...] = ()


def told(error: BaseException) -> Told | None:
    """Return what to tell about a failure of a kind in KNOWN; None when it is a defect of ours after all."""
    if isinstance(error, OperatorError):
        return Told(error.problem, error.remedy)
    if isinstance(error, Refused):
        return Told(_sentence(error), Words("请按提示修改后重试", "mend it and try again"))
    if isinstance(error, Broken):
        first, *more = map(str, error.faults)
        problem = Words(f"应用包不能使用：{first}", f"the packs cannot be used: {first}")
        return Told(problem, Words("请修正所列各处", "mend what is listed"), tuple(more))
    if isinstance(error, psycopg.OperationalError | PoolTimeout):
        reason = " ".join(str(error).split())
        problem = Words(f"数据库没有应答：{reason}", f"the database does not answer: {reason}")
        return Told(problem, Words("请运行 anlan doctor 查看原因", "anlan doctor finds out why"))
    if isinstance(error, OSError) and error.filename is not None:
        what = f"{error.filename} ({error.strerror})"
        remedy = Words(
            "请换用有权限的用户，或用 --home 另选目录", "run as a user who may, or choose another --home"
        )
        return Told(Words(f"无法使用 {what}", f"cannot use {what}"), remedy)
    return None


def _sentence(refused: Refused) -> Words:
    """Return what the kernel refused, in the sentences of the rooms and packs."""
    texts = messages()

    def sentences(language: str) -> Iterator[str]:
        for fault in refused.faults:
            yield texts.text(fault.code, language, **fault.params)
        if not refused.faults:
            yield texts.text(refused.code, language, **refused.params)

    return Words("; ".join(sentences("zh")), "; ".join(sentences("en")))

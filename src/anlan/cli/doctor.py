"""`anlan doctor`: what is wrong, and the command that mends it."""

import sys

from anlan.cli import checks
from anlan.cli.terminal import Terminal, command, say, text


@command(
    "doctor",
    "逐项检查，每项一行并附解决命令；有问题时退出码为 1",
    "Check everything, one line a check with the command that mends it; exit 1 when something is wrong.",
)
def doctor(terminal: Terminal) -> None:
    found = checks.run(terminal.settings)
    marks = {"ok": text("正常", "ok"), "warning": text("注意", "warning"), "fault": text("错误", "fault")}
    rows = [
        {
            "name": one.name,
            "level": one.level,
            "message": say(one.message),
            "remedy": one.remedy and say(one.remedy),
        }
        for one in found
    ]
    lines = [
        f"{marks[one.level]:<8} {say(one.message)}" + (f" — {say(one.remedy)}" if one.remedy else "")
        for one in found
    ]
    terminal.answer({"checks": rows}, *lines, ok=not any(one.level == "fault" for one in found))
    if any(one.level == "fault" for one in found):
        sys.exit(1)

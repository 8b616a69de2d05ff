"""`anlan stop`: end what runs on this home."""

from anlan.cli import processes
from anlan.cli.terminal import Terminal, command, text
from anlan.kernel.storage import server


@command("stop", "结束本站点正在运行的一切", "End what runs on this home.")
def stop(terminal: Terminal) -> None:
    home = terminal.settings.home
    ended = processes.end_all(home)
    if server.stop(home):
        ended.append("database")
    names = ", ".join(ended)
    line = (
        text(f"已结束：{names}", f"ended: {names}")
        if ended
        else text("没有在运行的进程", "nothing was running")
    )
    terminal.answer({"ended": ended}, line)

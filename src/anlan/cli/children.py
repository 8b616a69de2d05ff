"""What long-running processes do at their start."""

import logging
import os
import signal
import threading

from anlan.kernel.settings import Settings


def logging_to_stderr(settings: Settings) -> None:
    """One line an event on standard error, where a service manager or the terminal takes it."""
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )


def end_with_parent() -> None:
    """End like on SIGTERM when standard input ends: the supervisor holds its other end, and was killed."""

    def wait() -> None:
        while os.read(0, 64):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="end-with-parent", daemon=True).start()

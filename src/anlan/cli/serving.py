"""The listening socket, and the web server on it."""

import socket

import uvicorn

from anlan.cli import site_use
from anlan.kernel.settings import OperatorError, Settings, Words

_GRACE_SECONDS = 10  # for requests under way when the process is told to end


def listen(host: str, port: int) -> socket.socket:
    """Bind before anything is started; OperatorError when the port is taken or the address not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        where, why = f"{host}:{port}", error.strerror
        raise OperatorError(
            Words(f"无法监听 {where}（{why}）", f"cannot listen on {where} ({why})"),
            Words(
                "请用 --port 换一个端口（0 为自动选取）", "choose another with --port (0 picks a free one)"
            ),
        ) from None


def serve(settings: Settings, listener: socket.socket) -> None:
    """Serve the site on the socket until SIGTERM or SIGINT; others may accept from the same socket."""
    from anlan.web.app import create_app

    with site_use.opened(settings) as site:
        config = uvicorn.Config(
            create_app(site),
            log_config=None,
            log_level=settings.log_level,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
            forwarded_allow_ips="127.0.0.1",
        )
        uvicorn.Server(config).run(sockets=[listener])

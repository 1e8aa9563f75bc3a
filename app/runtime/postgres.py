"""The embedded PostgreSQL: made, started and stopped by us, reached by a private socket only."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from app.runtime import keeper as keeping
from app.runtime.account import me
from app.runtime.binaries import PostgresPrograms
from app.runtime.children import Child, Keeper, launch
from app.runtime.errors import CannotStart
from app.runtime.paths import Places

ADMIN, OWNER, SIMULATOR = "suxin_admin", "suxin", "suxin_simulator"
_PATIENCE_SECONDS = 60.0


@dataclass(slots=True)
class Postgres:
    """A running cluster."""

    child: Child
    sockets: Path
    data: Path

    def url(self, database: str = OWNER, user: str = OWNER) -> str:
        """Return the address of a database for a login."""
        return url_of(self.sockets, database, user)

    def stop(self) -> None:
        """Stop it: open transactions are undone, what was committed is on disk."""
        self.child.stop(patience=20)


def url_of(sockets: Path, database: str = OWNER, user: str = OWNER) -> str:
    """Return the address of a database in the cluster that listens in this folder."""
    return f"postgresql://{user}@/{database}?host={quote(str(sockets), safe='')}"


def start(places: Places, programs: PostgresPrograms, keeper: Keeper, *, durable: bool = True) -> Postgres:
    """Start the cluster of these places, made first where there is none.

    Heals what a crash left: a half-made cluster, a server nobody owns, stale
    pid and socket files. Raises `CannotStart` for data of another major version.
    """
    home = places.server_folder("postgres")
    data = home / str(programs.major)
    _refuse_other_versions(home, programs.major)
    if not data.is_dir():
        _make_cluster(places, programs, data)
    _end_orphan(data)
    sockets = places.socket_folder("pg")
    for stale in sockets.iterdir():
        stale.unlink()
    _write_configuration(places, programs, data, sockets, durable=durable)
    log = places.logs / "postgres.log"
    child = launch(
        "postgres", [programs.bin / "postgres", "-D", data], keeper=keeper, log=log, env=programs.environment(),
        cwd=data, how=signal.SIGINT, account=places.account,
    )  # fmt: skip
    server = Postgres(child, sockets, data)
    _wait_ready(server)
    _ensure_roles(server)
    return server


def add_database(server: Postgres, name: str, *, owner: str) -> None:
    """Make a database that only its owner may enter, unless it exists."""
    import psycopg
    from psycopg import sql

    with psycopg.connect(server.url("postgres", ADMIN), autocommit=True) as link:
        if link.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
            link.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(owner)))
            link.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))


def _refuse_other_versions(home: Path, major: int) -> None:
    others = sorted(each.name for each in home.iterdir() if each.name.isdigit() and each.name != str(major))
    if others and not (home / str(major)).exists():
        raise CannotStart(
            f"{home} holds the data of PostgreSQL {', '.join(others)}, but the server here is {major}: "
            f"start with version {others[-1]}, or dump and restore into a new SUXIN_STATE_DIR."
        )


def _make_cluster(places: Places, programs: PostgresPrograms, data: Path) -> None:
    # Made aside and renamed when whole, so an interrupted start leaves nothing that looks like a cluster.
    half = data.with_name(f"{data.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    done = subprocess.run(
        [
            programs.bin / "initdb", "-D", half, "-U", ADMIN, "--encoding=UTF8", "--auth=peer", "--no-instructions",
            "--no-sync", *(locale if programs.major >= 17 else ["--locale=C.UTF-8"]),
        ],
        env=programs.environment(), cwd=data.parent, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False, **places.account.popen_arguments(),
    )  # fmt: skip
    if done.returncode:
        shutil.rmtree(half, ignore_errors=True)
        raise CannotStart(_explained("The database cannot be made", done.stderr))
    half.rename(data)


def _explained(what: str, words: str) -> str:
    if "No space left" in words:
        return f"{what}: the disk is full; free some space or set SUXIN_STATE_DIR to a folder on another disk."
    found = re.findall(r"(?:FATAL|PANIC|error): +(.+)", words) or words.strip().splitlines()[-1:] or ["no reason given"]
    return f"{what}: {found[-1].rstrip('.')}."


def _end_orphan(data: Path) -> None:
    """Stop a server on our data that nobody owns: we hold the owner's lock."""
    file = data / "postmaster.pid"
    with suppress(OSError, ValueError, IndexError):
        lines = file.read_text().splitlines()
        pid = int(lines[0])
        if Path(lines[1]).resolve() == data.resolve() and _is_postgres(pid, data):
            keeping.stop(pid, keeping.start_time(pid), signal.SIGINT)
    file.unlink(missing_ok=True)


def _is_postgres(pid: int, data: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").resolve() == data.resolve()
    except OSError:
        return False


def _write_configuration(
    places: Places, programs: PostgresPrograms, data: Path, sockets: Path, *, durable: bool
) -> None:
    settings = {
        "listen_addresses": "", "unix_socket_directories": str(sockets), "unix_socket_permissions": "0700",
        "max_connections": "80", "shared_buffers": "64MB", "jit": "off", "timezone": "UTC", "log_timezone": "UTC",
        "max_wal_size": "512MB", "log_min_messages": "warning", "log_checkpoints": "off",
        "password_encryption": "scram-sha-256", "wal_level": "replica",
    }  # fmt: skip
    if programs.major >= 18:
        settings["io_method"] = "sync"
    if not durable:
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        settings |= {"wal_level": "minimal", "max_wal_senders": "0", "max_connections": "150"}
    quoted = {name: value.replace("'", "''") for name, value in settings.items()}
    lines = "".join(f"{name} = '{value}'\n" for name, value in quoted.items())
    places.account.write(data / "postgresql.conf", lines)
    places.account.write(data / "pg_hba.conf", "local all all peer map=suxin\n")
    users = {me().name, places.account.name}
    mine = "".join(f'suxin "{me().name}" {login}\n' for login in (ADMIN, OWNER, SIMULATOR))
    theirs = "".join(f'suxin "{name}" {ADMIN}\n' for name in users - {me().name})
    places.account.write(data / "pg_ident.conf", mine + theirs)


def _wait_ready(server: Postgres) -> None:
    """Wait for the word `ready` that the server writes into its pid file."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError, IndexError):
            if (server.data / "postmaster.pid").read_text().splitlines()[7].strip() == "ready":
                return
        if not server.child.running:
            server.child.collect()
            raise CannotStart(_explained("PostgreSQL does not start", server.child.last_words()))
        time.sleep(0.01)
    server.stop()
    raise CannotStart(f"PostgreSQL was not ready after {_PATIENCE_SECONDS:.0f} seconds; see {server.child.log}.")


def _ensure_roles(server: Postgres) -> None:
    import psycopg

    with psycopg.connect(server.url("postgres", ADMIN), autocommit=True) as link:
        known = {row[0] for row in link.execute("SELECT rolname FROM pg_roles")}
        if OWNER not in known:
            link.execute(f"CREATE ROLE {OWNER} LOGIN CREATEDB CREATEROLE IN ROLE pg_monitor")
        if SIMULATOR not in known:
            link.execute(f"CREATE ROLE {SIMULATOR} LOGIN")
    add_database(server, OWNER, owner=OWNER)

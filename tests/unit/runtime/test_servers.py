"""The embedded servers: private, healed after a crash, gone with their owner."""

import os
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from app.runtime import keeper, postgres
from app.runtime.account import Account
from app.runtime.binaries import PostgresPrograms, postgres_programs
from app.runtime.children import Keeper
from app.runtime.embedded import embedded_postgres
from app.runtime.errors import CannotStart
from app.runtime.paths import open_places

Own = Callable[..., "subprocess.Popen[str]"]


def told(process: "subprocess.Popen[str]") -> tuple[int, int, str]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()[1]
    database, broker, url = line.split()
    return int(database), int(broker), url


def gone(*pids: int, within: float = 10.0) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if not any(keeper.start_time(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


def tcp_listeners(*pids: int) -> set[str]:
    """Inodes of listening TCP sockets that these processes hold."""
    tables = [Path(f"/proc/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    listening = {line.split()[9] for table in tables for line in table if line.split()[3] == "0A"}
    held = set()
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                target = os.readlink(descriptor)
            except FileNotFoundError:
                continue  # closed meanwhile
            if target.startswith("socket:["):
                held.add(target[8:-1])
    return held & listening


def test_servers_end_when_their_owner_is_killed_and_the_next_start_keeps_the_data(state: Path, own: Own) -> None:
    first = own(state)
    database, broker, url = told(first)
    with psycopg.connect(url) as link:
        link.execute("CREATE TABLE kept (word text)")
        link.execute("INSERT INTO kept VALUES ('药')")

    first.send_signal(signal.SIGKILL)
    second = own(state)
    _, _, again = told(second)

    assert gone(database, broker)
    with psycopg.connect(again) as link:
        assert link.execute("SELECT word FROM kept").fetchone() == ("药",)


def test_a_server_that_nobody_owns_is_stopped_before_the_next_start(state: Path, own: Own) -> None:
    first = own(state)
    database, broker, _ = told(first)
    keepers = [
        int(each.name)
        for each in Path("/proc").iterdir()
        if each.name.isdigit() and _parent(each) == first.pid and b"keeper.py" in (each / "cmdline").read_bytes()
    ]
    for pid in keepers:  # as after a power cut of the owner's whole session
        os.kill(pid, signal.SIGKILL)
    first.kill()
    first.wait()
    assert keeper.start_time(database)

    second = own(state)
    new_database, new_broker, url = told(second)

    assert gone(database, broker)
    assert new_database != database
    assert new_broker != broker
    with psycopg.connect(url) as link:
        assert link.execute("SELECT 1").fetchone() == (1,)


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def test_of_two_starters_one_serves_and_the_other_is_refused_by_a_sentence(state: Path, own: Own) -> None:
    starters = [own(state), own(state)]
    time.sleep(0.1)
    lines = {starter: starter.stdout.readline() for starter in starters if starter.stdout}

    winners = [starter for starter, line in lines.items() if line]
    losers = [starter for starter, line in lines.items() if not line]

    assert len(winners) == len(losers) == 1
    assert "already runs" in losers[0].communicate()[1]


def test_no_tcp_port_is_open_and_sockets_and_data_are_private(state: Path, own: Own) -> None:
    database, broker, _ = told(own(state))

    assert tcp_listeners(database, broker) == set()
    with socket.create_server(("127.0.0.1", 0)):
        assert tcp_listeners(os.getpid())  # the probe would have seen one
    for folder in ("postgres", "postgres/18", "valkey", "run/pg", "run/valkey"):
        found = state / folder
        if found.exists() or not folder.endswith("18"):
            assert stat.S_IMODE(found.stat().st_mode) == 0o700, folder


def test_nobody_else_may_log_in(state: Path) -> None:
    with embedded_postgres(state, durable=False) as url:
        rules = (next((state / "postgres").glob("[0-9]*")) / "pg_hba.conf").read_text()
        with pytest.raises(psycopg.OperationalError, match=r"eer authentication failed|no pg_ident"):
            psycopg.connect(url.replace("suxin@", "postgres@"))

    assert "trust" not in rules
    assert "host" not in rules


def test_the_city_is_no_superuser_and_an_outside_party_cannot_enter_its_database(state: Path) -> None:
    with embedded_postgres(state, durable=False) as url:
        with psycopg.connect(url) as link:
            row = link.execute("SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user").fetchone()

        assert row == (False, True)
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(url.replace("suxin@", "suxin_simulator@"))


def test_text_is_utf8_whatever_the_locale_says(state: Path, own: Own) -> None:
    _, _, url = told(own(state, LANG="C", LC_ALL="C", PGCLIENTENCODING="SQL_ASCII"))

    with psycopg.connect(url) as link:
        assert link.execute("SHOW server_encoding").fetchone() == ("UTF8",)
        assert link.execute("SELECT length('宿心办')").fetchone() == (3,)


def test_a_stale_pid_file_that_names_a_living_stranger_harms_neither(state: Path) -> None:
    with embedded_postgres(state, durable=False):
        pass
    data = next((state / "postgres").glob("[0-9]*"))
    with subprocess.Popen(["sleep", "60"]) as stranger:
        (data / "postmaster.pid").write_text(f"{stranger.pid}\n{data}\n0\n5432\n\n\n\nready\n")

        with embedded_postgres(state, durable=False) as url, psycopg.connect(url) as link:
            assert link.execute("SELECT 1").fetchone() == (1,)

        assert stranger.poll() is None
        stranger.kill()


def test_a_half_made_cluster_is_made_anew(state: Path) -> None:
    home = open_places(state).server_folder("postgres")
    major = postgres_programs(open_places(state)).major
    (home / f"{major}.half").mkdir()
    (home / f"{major}.half" / "PG_VERSION").write_text("")

    with embedded_postgres(state, durable=False) as url, psycopg.connect(url) as link:
        assert link.execute("SELECT 1").fetchone() == (1,)


def test_data_of_another_major_version_is_refused_by_name(state: Path) -> None:
    places = open_places(state)
    (places.server_folder("postgres") / "14").mkdir()
    warden = Keeper()

    with pytest.raises(CannotStart, match="holds the data of PostgreSQL 14, but the server here is"):
        postgres.start(places, postgres_programs(places), warden)

    warden.close()


def test_a_full_disk_is_named(state: Path) -> None:
    places = open_places(state)
    fake = state / "bin"
    fake.mkdir(mode=0o755)
    (fake / "initdb").write_text(
        "#!/bin/sh\necho 'initdb: error: could not write: No space left on device' >&2\nexit 1\n"
    )
    (fake / "initdb").chmod(0o755)
    warden = Keeper()

    with pytest.raises(CannotStart, match="the disk is full"):
        postgres.start(places, PostgresPrograms(fake, None, 18), warden)

    warden.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may close a folder to the servers' account")
def test_below_a_folder_of_root_alone_nothing_is_opened_up(state: Path) -> None:
    closed = state / "root-home"
    closed.mkdir(mode=0o700)
    parents = [*closed.parents, closed, Path("/root"), CLONE_FOLDER]
    before = {each: stat.S_IMODE(each.stat().st_mode) for each in parents if each.exists()}

    with embedded_postgres(closed / "clone" / "state", durable=False) as url, psycopg.connect(url) as link:
        row = link.execute("SHOW data_directory").fetchone()

    assert row is None or not str(row[0]).startswith(str(closed))
    assert before == {each: stat.S_IMODE(each.stat().st_mode) for each in before}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to hide the programs from the servers' account")
def test_programs_that_the_account_cannot_reach_are_copied(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Account.reaches
    monkeypatch.setattr(Account, "reaches", lambda self, to: "site-packages" not in str(to) and honest(self, to))

    with embedded_postgres(state, durable=False) as url, psycopg.connect(url) as link:
        assert link.execute("SELECT 1").fetchone() == (1,)

    assert list((state / "programs").glob("postgresql-*/bin/postgres"))


CLONE_FOLDER = Path(__file__).resolve().parents[3]

"""`suxin up` says in one sentence why it cannot start, and ends with code 2."""

import errno
import os
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app.runtime import checks
from app.runtime.attach import environment, publish
from app.runtime.errors import CannotStart, from_os_error
from app.runtime.owner import key_file, owned
from app.runtime.paths import open_places


def up(state: Path | str, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "app.cli", "up", "--once"],
        env={**os.environ, "SUXIN_STATE_DIR": str(state), "SUXIN_PORT": "8199", **env},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def refused(done: "subprocess.CompletedProcess[str]", *words: str) -> None:
    assert done.returncode == 2, done
    assert done.stderr.startswith("suxin: ")
    assert len(done.stderr.strip().splitlines()) == 1
    for word in words:
        assert word in done.stderr


def test_a_taken_port_is_named_with_the_way_out(state: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        refused(up(state, SUXIN_PORT=port), f"Port {port} is taken", "set SUXIN_PORT")


def test_a_wrong_setting_is_named(state: Path) -> None:
    refused(up(state, SUXIN_PORT="many"), "SUXIN_PORT cannot be used")


def test_a_database_that_nobody_serves_is_named_without_its_password(state: Path) -> None:
    done = up(
        state,
        SUXIN_DATABASE_URL="postgresql://suxin:geheim@127.0.0.1:1/suxin",
        SUXIN_BROKER_URL="redis+socket:///nowhere.sock",
    )

    refused(done, "SUXIN_BROKER_URL cannot be reached")
    with pytest.raises(CannotStart, match="SUXIN_DATABASE_URL cannot be reached") as told:
        checks.database_answers("postgresql://suxin:geheim@127.0.0.1:1/suxin")
    assert "geheim" not in str(told.value)


def test_a_state_folder_that_is_a_file_is_named(state: Path) -> None:
    file = state / "file"
    file.write_text("")

    refused(up(file / "state"), "a part of its path is a file")


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "disk that holds it is full"), (errno.EROFS, "read-only"), (errno.EACCES, "may not write there")],
)
def test_a_folder_that_cannot_be_written_has_its_sentence(number: int, words: str) -> None:
    sentence = str(from_os_error(OSError(number, os.strerror(number), "/state")))

    assert sentence.startswith("/state cannot be used: ")
    assert words in sentence


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a file system that nobody may write")
def test_a_read_only_folder_is_refused(state: Path) -> None:
    refused(up("/proc/suxin-state"), "/proc/suxin-state")


def test_a_disk_without_room_is_refused_before_anything_is_made(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 5_000_000))  # type: ignore[attr-defined]

    with pytest.raises(CannotStart, match="has 5 MB of disk left and 200 MB are needed"):
        checks.disk_has_room(state)


def test_a_living_owner_is_named_to_the_second_starter(state: Path) -> None:
    with owned(open_places(state).state):
        refused(up(state), f"already runs with the state folder {state} (process {os.getpid()})", "SUXIN_STATE_DIR")


def test_the_key_is_private_and_never_replaced(state: Path) -> None:
    path = key_file(state)
    first = path.read_text()

    assert first.startswith("k1:")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert key_file(state).read_text() == first


def test_a_long_state_folder_gets_short_socket_paths(state: Path) -> None:
    places = open_places(state / ("long" * 25))

    assert len(str(places.sockets / "health-insurer" / "http.sock")) < 107
    assert places.sockets.stat().st_uid == os.geteuid()
    for far in (places.sockets, places.servers):
        shutil.rmtree(far, ignore_errors=True)


def test_a_command_finds_the_running_city_and_a_set_variable_wins(state: Path) -> None:
    publish(state, {"SUXIN_DATABASE_URL": "postgresql:///a", "SUXIN_BROKER_URL": "redis://b"})

    found = environment({"SUXIN_STATE_DIR": str(state), "SUXIN_BROKER_URL": "redis://mine"})

    assert found["SUXIN_DATABASE_URL"] == "postgresql:///a"
    assert found["SUXIN_BROKER_URL"] == "redis://mine"

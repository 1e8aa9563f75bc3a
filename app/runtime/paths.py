"""Where the state lives: private, below one folder, with socket paths short enough for the kernel."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from app.runtime.account import Account, me, server_account

CLONE = Path(__file__).resolve().parents[2]
_LONGEST_SOCKET = 107
_LONGEST_NAME = "valkey/valkey.sock.00000"


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of one installation.

    `state` holds keys, logs and the owner's lock and is ours alone; `servers`
    holds what the servers' account owns, each part in a 0700 folder; `sockets`
    is short. The three are one folder unless something forces them apart.
    """

    state: Path
    servers: Path
    sockets: Path
    account: Account

    @property
    def logs(self) -> Path:
        """Folder of one log file a process."""
        return self.state / "logs"

    def server_folder(self, name: str) -> Path:
        """Return a 0700 folder that the servers' account owns."""
        return _private(self.servers / name, self.account)

    def socket_folder(self, name: str, *, ours: bool = False) -> Path:
        """Return a 0700 folder for a socket; `ours` is for our own processes."""
        return _private(self.sockets / name, me() if ours else self.account)


def default_state() -> Path:
    """Return the folder used when SUXIN_STATE_DIR is empty: one for each clone."""
    mark = _mark(CLONE)
    if os.geteuid() == 0:
        return Path("/var/lib/suxin") / mark
    base = os.environ.get("XDG_STATE_HOME", "")
    home = Path(base) if os.path.isabs(base) else Path.home() / ".local" / "state"
    return home / "suxin" / mark


def open_places(state: Path | None) -> Places:
    """Make the folders of an installation and return them; may raise OSError."""
    account = server_account()
    state = (state or default_state()).absolute()
    _make(state)
    shared = 0o700 if account.is_me else 0o711
    state.chmod(shared)
    servers = state if account.reaches(state) else _make(_reachable_base(account) / _mark(state), shared)
    places = Places(state, servers, _short(servers, shared), account)
    _make(places.logs, 0o700)
    return places


def _reachable_base(account: Account) -> Path:
    for base in (Path("/var/lib/suxin"), Path("/var/tmp") / "suxin"):
        try:
            _make(base)
        except OSError:
            continue
        if account.reaches(base) and base.stat().st_uid == os.geteuid():
            return base
    return _make(Path(tempfile.mkdtemp(prefix="suxin-")), 0o711)


def _short(servers: Path, mode: int) -> Path:
    if len(os.fsencode(servers / "run" / _LONGEST_NAME)) <= _LONGEST_SOCKET:
        return _make(servers / "run", mode)
    folder = Path("/tmp") / f"suxin-{os.geteuid()}-{_mark(servers)}"
    try:
        folder.mkdir(mode=mode)
    except FileExistsError:
        # Somebody else may have made it first to catch our connections: take it only when it is ours.
        info = folder.lstat()
        if folder.is_symlink() or not folder.is_dir() or info.st_uid != os.geteuid():
            folder = Path(tempfile.mkdtemp(prefix="suxin-"))
    folder.chmod(mode)
    return folder


def _private(folder: Path, owner: Account) -> Path:
    _make(folder, 0o700)
    owner.own(folder)
    return folder


def _make(folder: Path, mode: int | None = None) -> Path:
    """Make a folder; parents that are missing are made enterable, existing ones stay as they are."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        each.chmod(0o755 if os.geteuid() == 0 else 0o700)
    if not folder.is_dir():
        raise NotADirectoryError(20, "Not a directory", str(folder))
    if mode is not None:
        folder.chmod(mode)
    return folder


def _mark(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]

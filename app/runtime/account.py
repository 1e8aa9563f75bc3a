"""The unprivileged account that the embedded servers run under when root starts them."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.runtime.errors import CannotStart

_CANDIDATES = ("postgres", "_postgresql", "suxin", "nobody", "daemon")


@dataclass(frozen=True, slots=True)
class Account:
    """An operating-system account by name and ids."""

    name: str
    uid: int
    gid: int

    @property
    def is_me(self) -> bool:
        """True where the servers run under the account that starts them."""
        return self.uid == os.geteuid()

    def popen_arguments(self) -> dict[str, Any]:
        """Return what makes `subprocess` drop to this account."""
        if self.is_me:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give a path of our own to this account."""
        if not self.is_me:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def write(self, path: Path, text: str) -> None:
        """Write a private file of this account; a link that it might have planted is not followed."""
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w") as file:
            file.write(text)
        self.own(path)

    def reaches(self, folder: Path) -> bool:
        """True where the account may pass through every folder down to this one."""
        folder = folder.resolve()
        return self.is_me or all(self._passes(each) for each in (folder, *folder.parents) if each.exists())

    def _passes(self, folder: Path) -> bool:
        info = folder.stat()
        if info.st_uid == self.uid:
            return bool(info.st_mode & stat.S_IXUSR)
        if info.st_gid == self.gid:
            return bool(info.st_mode & stat.S_IXGRP)
        return bool(info.st_mode & stat.S_IXOTH)


def me() -> Account:
    """Return the account that runs this process; refuse one without a name."""
    try:
        entry = pwd.getpwuid(os.geteuid())
    except KeyError:
        raise CannotStart(
            f"User id {os.geteuid()} has no account name, which PostgreSQL needs: add one to /etc/passwd "
            "or set SUXIN_DATABASE_URL and SUXIN_BROKER_URL."
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def server_account() -> Account:
    """Return the account for the servers: an existing unprivileged one for root, else our own."""
    if os.geteuid() != 0:
        return me()
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise CannotStart("PostgreSQL refuses to run as root and there is no unprivileged account: run as another user.")

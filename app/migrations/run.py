"""Bring each owner's schema to its newest version, one owner at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, create_engine, text

from app.db import CORE_SCHEMA, driver_url

_HERE = Path(__file__).parent
_LOCK = 0x5355_4D49  # two starters migrate one after the other
VERSION_TABLE = "schema_version"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose schema: the core, identity or a plugin, with its folder of versions."""

    name: str
    versions: Path
    metadata: MetaData | None = None


class MigrationFailed(Exception):
    """An owner's migration failed; its schema is as it was before."""

    def __init__(self, owner: str, reason: str) -> None:
        super().__init__(f"{owner}: {reason}")
        self.owner, self.reason = owner, reason


def core_owner() -> Owner:
    """Return the core as an owner, with the metadata of all its models."""
    from app.db import Base

    return Owner(CORE_SCHEMA, _HERE / "versions", Base.metadata)


def versions_folder(folder: Path) -> Path:
    """Return where revisions lie: in `versions/` below the folder, or in itself."""
    below = folder / "versions"
    return below if below.is_dir() else folder


def upgrade(url: str, owners: Sequence[Owner]) -> list[MigrationFailed]:
    """Upgrade every owner; returns the failures of plugins.

    A failure of the core itself (the first owner) is raised.
    """
    failures = []
    with _locked(url) as connection:
        for owner in owners:
            try:
                _upgrade_one(connection, owner)
            except Exception as error:
                connection.rollback()
                failure = MigrationFailed(owner.name, type(error).__name__)
                if owner.name in (CORE_SCHEMA, "identity"):
                    raise failure from error
                failures.append(failure)
    return failures


def drift(url: str, owner: Owner) -> list[Any]:
    """List the differences between an owner's models and its migrated schema."""
    if owner.metadata is None:
        return []
    engine = create_engine(driver_url(url))
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts=options(owner))
            return list(compare_metadata(context, owner.metadata))
    finally:
        engine.dispose()


def head(owner: Owner) -> str | None:
    """Return the newest revision an owner ships."""
    return ScriptDirectory(str(_HERE), version_locations=[str(versions_folder(owner.versions))]).get_current_head()


def options(owner: Owner) -> dict[str, Any]:
    """Return Alembic's options that keep an owner inside its own schema."""

    def include(name: str | None, kind: str, _: Any) -> bool:
        return kind != "schema" or name == owner.name

    def ours(_: Any, name: str | None, kind: str, __: bool, ___: Any) -> bool:
        return not (kind == "table" and name == VERSION_TABLE)

    return {
        "include_schemas": True,
        "include_name": include,
        "include_object": ours,
        "version_table": VERSION_TABLE,
        "version_table_schema": owner.name,
    }


def _upgrade_one(connection: Connection, owner: Owner) -> None:
    connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{owner.name}"'))
    connection.commit()
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.set_main_option("version_locations", str(versions_folder(owner.versions)))
    config.set_main_option("path_separator", "newline")
    config.attributes.update(connection=connection, owner=owner)
    command.upgrade(config, "head")
    connection.commit()


@contextmanager
def _locked(url: str) -> Iterator[Connection]:
    engine = create_engine(driver_url(url), connect_args={"options": "-c lock_timeout=10000 -c timezone=UTC"})
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:n)"), {"n": _LOCK})
            connection.commit()
            yield connection
            connection.execute(text("SELECT pg_advisory_unlock(:n)"), {"n": _LOCK})
            connection.commit()
    finally:
        engine.dispose()

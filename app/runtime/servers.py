"""The two servers the city stands on: embedded ones, or the ones the settings name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from app.config import Settings
from app.runtime import checks, postgres, valkey
from app.runtime.binaries import postgres_programs, valkey_program
from app.runtime.children import Child, Keeper
from app.runtime.errors import CannotStart
from app.runtime.paths import Places
from app.runtime.supervisor import Supervisor


class Servers:
    """Knows the addresses before the servers run, so that others may start beside them."""

    def __init__(self, places: Places, settings: Settings, keeper: Keeper) -> None:
        self._places, self._keeper = places, keeper
        self._settings = settings
        self._programs = None if settings.database_url else postgres_programs(places)
        self._cluster: postgres.Postgres | None = None
        sockets = places.sockets
        self.database_url = settings.database_url or postgres.url_of(sockets / "pg")
        self.broker_url = settings.broker_url or valkey.url_of(sockets / "valkey" / "valkey.sock")

    @property
    def names(self) -> str:
        """What is started or used, in words."""
        database = f"PostgreSQL {self._programs.major}" if self._programs else "the database of SUXIN_DATABASE_URL"
        return f"{database} and {'the broker of SUXIN_BROKER_URL' if self._settings.broker_url else 'Valkey'}"

    @property
    def cluster_folder(self) -> Path | None:
        """The embedded cluster's data, if it is ours and exists."""
        if self._programs is None:
            return None
        data = self._places.servers / "postgres" / str(self._programs.major)
        return data if (data / "PG_VERSION").exists() else None

    def start(self, supervisor: Supervisor) -> None:
        """Start what is embedded, and try what is not."""
        if self._settings.broker_url:
            checks.broker_answers(self.broker_url)
        else:
            supervisor.add("valkey", self._valkey(), foundation=True)
        if self._settings.database_url:
            checks.database_answers(self.database_url)
        else:
            supervisor.add("postgres", self._postgres(), foundation=True)

    def simulator_url(self, name: str) -> str:
        """Return a database of an outside party's own, made when it is missing."""
        if self._cluster is not None:
            postgres.add_database(self._cluster, name, owner=postgres.SIMULATOR)
            return self._cluster.url(name, postgres.SIMULATOR)
        return _external_database(self.database_url, name)

    def _valkey(self) -> Callable[[], Child]:
        program = valkey_program(self._places)
        return lambda: valkey.start(self._places, program, self._keeper).child

    def _postgres(self) -> Callable[[], Child]:
        programs = self._programs
        assert programs is not None

        def start() -> Child:
            self._cluster = postgres.start(self._places, programs, self._keeper)
            return self._cluster.child

        return start


def _external_database(url: str, name: str) -> str:
    import psycopg
    from psycopg import sql
    from sqlalchemy.engine import make_url

    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as link:
            if link.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
                link.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except psycopg.Error as error:
        raise CannotStart(
            f"The login of SUXIN_DATABASE_URL cannot make the database {name} that the demo's outside parties need "
            f"({type(error).__name__}): make it, or start without --demo."
        ) from None
    return make_url(url).set(database=name).render_as_string(hide_password=False)

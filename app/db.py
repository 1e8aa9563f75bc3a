"""The database: engines, model bases, and one unit of work per request or job."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, Protocol, TypeVar, cast

from flask import Flask, current_app
from psycopg import Connection
from sqlalchemy import DateTime, Engine, MetaData, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.orm import DeclarativeBase, Session

from app import closing, pinging

T = TypeVar("T")
CORE_SCHEMA = "app"
_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def model_base(owner: str) -> type[DeclarativeBase]:
    """Return a base class whose tables live in the owner's own schema."""
    attributes = {
        "metadata": MetaData(schema=owner, naming_convention=_NAMING),
        "type_annotation_map": {datetime: DateTime(timezone=True)},
        "__abstract__": False,
    }
    return cast(type[DeclarativeBase], type(f"{owner.title()}Base", (DeclarativeBase,), attributes))


class Base(DeclarativeBase):
    """Base of the core's own models."""

    metadata = MetaData(schema=CORE_SCHEMA, naming_convention=_NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: DateTime(timezone=True)}


def now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)


class Writer(Protocol):
    """Says in one SQL statement, values quoted, how all rows of one kind that a unit of work gathered are kept."""

    def __call__(self, rows: Sequence[Any]) -> str: ...


class ReadOnlyWork(RuntimeError):
    """A request that promised to read (GET, HEAD) tried to change a model."""


@dataclass(slots=True)
class Database:
    """Two engines on one server: `write` for transactions, `read` in autocommit.

    Autocommit saves the BEGIN and ROLLBACK round trips of a read.
    """

    write: Engine
    read: Engine

    @classmethod
    def connect(cls, url: str, *, pool_size: int, statement_timeout_ms: int) -> Database:
        """Prepare engines; connections open on first use, after any fork."""
        options = f"-c statement_timeout={statement_timeout_ms} -c timezone=UTC -c lock_timeout=5000"
        options += " -c standard_conforming_strings=on"
        shared: dict[str, Any] = {
            "connect_args": {"options": options, "application_name": "suxin"},
            "pool_size": pool_size,
            # Threads of full plugins come on top of the core's; most of them wait without a connection.
            "max_overflow": 12,
            "pool_timeout": 5,
        }
        made = cls(
            write=create_engine(driver_url(url), pool_pre_ping=True, **shared),
            read=create_engine(
                driver_url(url), isolation_level="AUTOCOMMIT", pool_reset_on_return=None, pool_pre_ping=True, **shared
            ),
        )
        pinging.install(made.write)
        pinging.install(made.read)
        return made

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.write.dispose()
        self.read.dispose()


def driver_url(url: str) -> URL:
    """Return a PostgreSQL URL in SQLAlchemy's spelling with our driver."""
    return make_url(url).set(drivername="postgresql+psycopg")


def database() -> Database:
    """Return the current app's database."""
    return cast(Database, current_app.extensions["suxin.db"])


def install(app: Flask, db: Database) -> None:
    """Attach a database to an app."""
    app.extensions["suxin.db"] = db


@dataclass(slots=True)
class UnitOfWork:
    """What one request or job changes: all of it or nothing.

    The session opens on first use, so work that touches no data costs no
    connection. Gathered rows (audit leaves, outbox events) are written with the
    commit, in one round trip; `after_commit` effects run once it succeeded.
    """

    db: Database
    read_only: bool = False
    bind: Any = None
    _session: Session | None = None
    _gathered: dict[Writer, list[Any]] = field(default_factory=dict)
    _effects: list[Callable[[], None]] = field(default_factory=list)

    @property
    def session(self) -> Session:
        """The open session."""
        if self._session is None:
            engine = self.bind or (self.db.read if self.read_only else self.db.write)
            mode: Any = "create_savepoint" if self.bind is not None else "conditional_savepoint"
            self._session = Session(engine, expire_on_commit=False, join_transaction_mode=mode)
        return self._session

    def gather(self, writer: Writer, row: Any) -> None:
        """Keep a row for one common write with the commit."""
        self._gathered.setdefault(writer, []).append(row)

    def after_commit(self, effect: Callable[[], None]) -> None:
        """Run an effect once the work is durable; never when it is undone."""
        self._effects.append(effect)

    def commit(self) -> None:
        """Make the work durable, then run its effects; the connection goes back."""
        if self.read_only and self._session is not None and (self._session.new or self._session.dirty):
            raise ReadOnlyWork("a reading request changed a model")
        gathered, self._gathered = self._gathered, {}
        if gathered:
            # Within a test's transaction or in autocommit there is nothing to commit.
            ours = self.bind is None and not self.read_only
            closing.say(self.session, [writer(rows) for writer, rows in gathered.items()], commit=ours)
        if self._session is not None:
            self._session.commit()
            self._session.close()
            self._session = None
        effects, self._effects = self._effects, []
        for effect in effects:
            effect()

    def undo(self) -> None:
        """Forget everything since the last commit."""
        self._gathered.clear()
        self._effects.clear()
        if self._session is not None:
            self._session.rollback()
            self._session.close()
            self._session = None

    def gathered(self, writer: Writer) -> list[Any]:
        """Return the rows of one kind that wait for the commit."""
        return self._gathered.get(writer, [])


_current: ContextVar[UnitOfWork | None] = ContextVar("suxin_unit_of_work", default=None)


@contextmanager
def unit_of_work(*, read_only: bool = False) -> Iterator[UnitOfWork]:
    """Open the unit of work of a request, job or command; commit at the end.

    An exception undoes it. One inside another is an independent one.
    """
    work = UnitOfWork(database(), read_only=read_only, bind=current_app.extensions.get("suxin.db.bind"))
    token = _current.set(work)
    try:
        yield work
        work.commit()
    except BaseException:
        work.undo()
        raise
    finally:
        _current.reset(token)


class gathering:  # noqa: N801 - reads as a phrase: `with gathering(db) as gathered:`
    """Run a block whose rows are gathered for somebody else to write; it must not use the session."""

    def __init__(self, db: Database) -> None:
        self.work = UnitOfWork(db)

    def __enter__(self) -> UnitOfWork:
        self._token = _current.set(self.work)
        return self.work

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)


def work() -> UnitOfWork:
    """Return the unit of work that is open here."""
    current = _current.get()
    if current is None:
        raise RuntimeError("no unit of work is open: use `with unit_of_work():`")
    return current


def session() -> Session:
    """Return the session of the open unit of work."""
    return work().session


def driver() -> Connection[Any]:
    """Return the driver's connection of the open unit of work, for the few statements on hot ways."""
    return cast("Connection[Any]", session().connection().connection.driver_connection)


def add(row: T) -> T:
    """Add a new model to the open unit of work and return it, flushed."""
    session().add(row)
    session().flush()
    return row


@contextmanager
def outside_wait() -> Iterator[None]:
    """Commit what is done, then wait for an outside party without a connection.

    The only commit a service may cause. What follows is a new transaction of
    the same request: load again whatever you go on with.
    """
    work().commit()
    yield

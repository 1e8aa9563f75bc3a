"""Clients that sign, with their keys in memory; the statement that spends their proofs also tells if they changed.

So a known client costs no reading of its own, and a disabled one or a
withdrawn key stops at once on every node: nothing is believed that the
database did not confirm in the same breath.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import cast

from flask import current_app
from sqlalchemy import select, text

from app.db import session, unit_of_work
from identity.oidc import jose, keys
from identity.oidc.models import Client, ClientKey
from identity.oidc.one_shot import OneShot
from identity.oidc.replay import FRESH, USED, Once, arrays, not_fresh

_MOST = 5_000
# Row versions: any change of the client or of its live keys makes another text.
_VERSION = """
    SELECT c.xmin::text || c.ctid::text || coalesce((
        SELECT string_agg(k.xmin::text || k.ctid::text, ',' ORDER BY k.id)
        FROM identity.client_key k WHERE k.client_id = c.id AND k.revoked_at IS NULL), '') AS version
    FROM identity.client c
    WHERE c.id = :client AND c.state = 'active' AND c.auth_method = 'private_key_jwt'
"""
_SPEND = OneShot.of(
    "spend",
    f"""
    WITH held AS ({_VERSION}), taken AS (
        INSERT INTO identity.replay_key (namespace, value, expires_at)
        SELECT * FROM ({USED}) AS marks WHERE (SELECT version FROM held) = :version
        ON CONFLICT DO NOTHING RETURNING namespace, value)
    SELECT (SELECT version FROM held), {FRESH} FROM taken
    """,  # noqa: S608 - all parts are constants
)


class Changed(Exception):
    """The client or its keys are not what they were; look again."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A client that signs, its keys by `kid`, and the version of the rows they came from."""

    client: Client
    version: str
    keys: dict[str, jose.Key]


def signer(client_id: str) -> Signer:
    """Return a client that signs, from memory if it is known; raises `jose.BadToken`.

    `spend` must confirm it before anything is believed.
    """
    memory = _memory()
    found = memory.get(client_id)
    if found is None:
        found = _read(client_id)
        memory.put(client_id, found)
    return found


def spend(held: Signer, uses: Sequence[Once]) -> list[Once]:
    """Confirm the client and remember what it used, in one statement; returns what was seen before.

    Raises `Changed` when the client is not as it was; nothing is spent then.
    """
    version, fresh = _SPEND.run({**arrays(uses), "client": held.client.id, "version": held.version})
    if version != held.version:
        _memory().forget(held.client.id)
        raise Changed(held.client.id)
    return not_fresh(uses, fresh)


def _read(client_id: str) -> Signer:
    # The version first: a change in between makes it too old, never too new.
    with unit_of_work(read_only=True):
        version = session().scalar(text(_VERSION), {"client": client_id})
        rows = session().execute(
            select(Client, ClientKey)
            .join(ClientKey, ClientKey.client_id == Client.id)
            .where(Client.id == client_id, ClientKey.revoked_at.is_(None))
        ).all()  # fmt: skip
    if version is None or not rows:
        raise jose.BadToken("the client is unknown, stopped, or has no key")
    client: Client = rows[0][0]
    return Signer(client, version, {key.kid: keys.imported(key.algorithm, key.public_jwk) for _, key in rows})


class _Memory:
    """The latest thousands of signers."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, Signer] = OrderedDict()
        self._lock = Lock()

    def get(self, client_id: str) -> Signer | None:
        with self._lock:
            return self._held.get(client_id)

    def put(self, client_id: str, found: Signer) -> None:
        with self._lock:
            self._held[client_id] = found
            while len(self._held) > _MOST:
                self._held.popitem(last=False)

    def forget(self, client_id: str) -> None:
        with self._lock:
            self._held.pop(client_id, None)


def _memory() -> _Memory:
    return cast(_Memory, current_app.extensions.setdefault("identity.signers", _Memory()))

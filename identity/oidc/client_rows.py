"""A client by its id, in one prepared statement: always what the database says now."""

from __future__ import annotations

from identity.oidc.models import Client
from identity.oidc.one_shot import OneShot
from identity.oidc.rows import Reader

_ROW = OneShot.of(
    "client", "SELECT (SELECT to_jsonb(c)::text FROM identity.client c WHERE c.id = :client AND c.state = 'active')"
)
_READ = Reader(Client)


def active_client(client_id: str) -> Client | None:
    """Return an active client, in no session, or None."""
    # No id has a zero byte, and PostgreSQL takes none.
    if not client_id or "\0" in client_id:
        return None
    return _READ.one(_ROW.run({"client": client_id})[0])

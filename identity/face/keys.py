"""Citizens' face keys under the newest key-encryption key."""

from __future__ import annotations

from sqlalchemy import select

from app.crypto import KeyRing
from app.db import session
from app.rewrap import Turned
from identity.face.models import FaceKey
from identity.face.vault import key_place


class FaceKeys:
    """The face keys, as the core's `WrappedKeys`."""

    def rewrap(self, ring: KeyRing, *, after: str, limit: int) -> Turned:
        """Wrap a page of keys anew; a shredded key stays shredded."""
        # Locked: of a key that is shredded at this moment nothing is written back.
        page = select(FaceKey).where(FaceKey.id > after).order_by(FaceKey.id).limit(limit).with_for_update()
        keys = session().scalars(page.execution_options(populate_existing=True)).all()
        changed = 0
        for key in keys:
            if key.wrapped is not None and not ring.is_newest(key.wrapped):
                key.wrapped = ring.rewrap(key.wrapped, place=key_place(key.id, key.person_id))
                changed += 1
        return Turned(keys[-1].id if len(keys) == limit else None, changed)

"""The secret bases templates are kept in: the newest takes new ones, all of them are still compared."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, String, select
from sqlalchemy.orm import Mapped, mapped_column

from app.db import now, session
from app.ids import new_id
from identity.schema import Base

BASIS, KEYS = "basis", "keys"


class FaceRotation(Base):
    """One change of the basis, or of all citizens' keys; unfinished while templates of before remain."""

    __tablename__ = "face_rotation"
    __table_args__ = (CheckConstraint("kind in ('basis', 'keys')", name="kind"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("rotation"))
    kind: Mapped[str] = mapped_column(String(8))
    name: Mapped[str] = mapped_column(String(20), unique=True)
    started_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]


def current() -> str:
    """Return the basis for a new template, held until this work ends, so that none slips behind a rotation."""
    name: str = session().scalars(
        select(FaceRotation.name)
        .where(FaceRotation.kind == BASIS)
        .order_by(FaceRotation.started_at.desc(), FaceRotation.id.desc())
        .limit(1)
        .with_for_update(read=True)
    ).one()  # fmt: skip
    return name


def known() -> tuple[str, ...]:
    """Return every basis that a template may be in. Ask after the templates were read: bases are only ever added."""
    return tuple(session().scalars(select(FaceRotation.name).where(FaceRotation.kind == BASIS)))

"""Who may act for whom: relationships, mandates, and what window staff does for a person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import now
from app.ids import new_id
from identity.schema import Base

_PERSON = "identity.person.id"


class Relationship(Base):
    """A standing ground to act: guardian of a person, legal representative or agent of an organisation.

    An appointed agent is named by `addressee` (a blind index) until that
    person accepts. Of a kind, between two parties, one is open at a time.
    """

    __tablename__ = "relationship"
    __table_args__ = (
        CheckConstraint("kind in ('guardian', 'legal_representative', 'agent')", name="kind"),
        CheckConstraint("state in ('offered', 'active', 'disputed', 'ended')", name="state"),
        CheckConstraint("actor_id is distinct from party_id", name="two_parties"),
        CheckConstraint("actor_id is not null or state in ('offered', 'ended')", name="accepted_by_somebody"),
        CheckConstraint("valid_until is null or valid_until > valid_from", name="validity"),
        CheckConstraint("kind <> 'agent' or (valid_until is not null and role is not null)", name="agent_ends"),
        Index(
            "uq_relationship_open", "kind", "actor_id", "party_id", unique=True,
            postgresql_where=text("state <> 'ended' and actor_id is not null"),
        ),
        Index(
            "uq_relationship_offer", "kind", "addressee", "party_id", unique=True,
            postgresql_where=text("state <> 'ended' and addressee is not null"),
        ),
        Index(
            "uq_relationship_legal_representative", "party_id", unique=True,
            postgresql_where=text("state <> 'ended' and kind = 'legal_representative'"),
        ),
        Index("ix_relationship_party", "party_id"),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("relation"))
    kind: Mapped[str] = mapped_column(String(24))
    actor_id: Mapped[str | None] = mapped_column(String(40), ForeignKey(_PERSON))
    addressee: Mapped[bytes | None]
    party_id: Mapped[str] = mapped_column(String(40))
    role: Mapped[str | None] = mapped_column(String(40))
    access: Mapped[dict[str, list[str]] | None] = mapped_column(JSONB(none_as_null=True))
    evidence: Mapped[dict[str, Any]] = mapped_column(JSONB)
    appointed_by: Mapped[str | None] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(10))
    valid_from: Mapped[datetime] = mapped_column(default=now)
    valid_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    accepted_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_because: Mapped[str | None] = mapped_column(String(24))


class Mandate(Base):
    """What a person lets a relative do, for one purpose, until a day; in force once the agent accepts.

    `authorization_details` (RFC 9396, 2) say what; nothing else is given.
    """

    __tablename__ = "mandate"
    __table_args__ = (
        CheckConstraint("state in ('offered', 'active', 'refused', 'revoked')", name="state"),
        CheckConstraint("agent_id is distinct from principal_id", name="two_persons"),
        CheckConstraint("(state in ('active')) <= (agent_id is not null)", name="accepted_by_somebody"),
        CheckConstraint("expires_at > created_at", name="validity"),
        Index("ix_mandate_principal", "principal_id"),
        Index("ix_mandate_agent", "agent_id", postgresql_where=text("agent_id is not null")),
        Index("ix_mandate_addressee", "addressee", postgresql_where=text("state = 'offered'")),
        Index(
            "uq_mandate_open", "principal_id", "addressee", "purpose", unique=True,
            postgresql_where=text("state in ('offered', 'active')"),
        ),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("mandate"))
    principal_id: Mapped[str] = mapped_column(String(40), ForeignKey(_PERSON))
    agent_id: Mapped[str | None] = mapped_column(String(40), ForeignKey(_PERSON))
    addressee: Mapped[bytes]
    purpose: Mapped[str] = mapped_column(String(80))
    authorization_details: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    evidence: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    state: Mapped[str] = mapped_column(String(10), default="offered")
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_because: Mapped[str | None] = mapped_column(String(24))


class Assistance(Base):
    """Window staff seeing to one person's affairs for a while, with a reason; the person gets a receipt."""

    __tablename__ = "assistance"
    __table_args__ = (
        CheckConstraint("staff_id <> person_id", name="two_persons"),
        Index(
            "uq_assistance_open", "staff_id", "person_id", unique=True, postgresql_where=text("ended_at is null")
        ),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("assist"))
    staff_id: Mapped[str] = mapped_column(String(40), ForeignKey(_PERSON))
    person_id: Mapped[str] = mapped_column(String(40), ForeignKey(_PERSON), index=True)
    role: Mapped[str] = mapped_column(String(40))
    place: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(String(40))
    began_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

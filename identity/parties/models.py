"""Persons, organisations, their proofing and their pairwise subject ids."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import now
from app.ids import new_id
from identity.schema import Base


class Person(Base):
    """A natural person. Name and numbers are sealed; the indexes find them without opening."""

    __tablename__ = "person"
    # The presence shortlist asks by county and the last four digits of the mobile number.
    __table_args__ = (
        Index("ix_person_region_mobile_tail", "region", "mobile_tail"),
        CheckConstraint("state in ('active', 'disabled', 'erased')", name="state"),
        CheckConstraint("proofing_level between 1 and 5", name="proofing_level"),
        CheckConstraint("proofing_level < 3 or resident_id_index is not null", name="proven_is_unique"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("person"))
    # Only a number that was proven is anybody's: whoever merely states one must not keep its owner out.
    resident_id_index: Mapped[bytes | None] = mapped_column(unique=True)
    resident_id_sealed: Mapped[bytes]
    name_sealed: Mapped[bytes]
    mobile_index: Mapped[bytes] = mapped_column(index=True)
    mobile_sealed: Mapped[bytes]
    mobile_tail: Mapped[str] = mapped_column(String(4))
    region: Mapped[str] = mapped_column(String(6))
    area: Mapped[str] = mapped_column(String(12))
    proofing_level: Mapped[int] = mapped_column(SmallInteger, default=2)
    state: Mapped[str] = mapped_column(String(12), default="active")
    checked_at: Mapped[datetime | None] = mapped_column(index=True)
    demo_key: Mapped[str | None] = mapped_column(String(40), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Organisation(Base):
    """A legal person; its credit code and name are public register data."""

    __tablename__ = "organisation"
    __table_args__ = (CheckConstraint("state in ('active', 'disabled')", name="state"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("org"))
    credit_code: Mapped[str] = mapped_column(String(18), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    area: Mapped[str] = mapped_column(String(12))
    state: Mapped[str] = mapped_column(String(12), default="active")
    demo_key: Mapped[str | None] = mapped_column(String(40), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)


class PairwiseSubject(Base):
    """The id by which one audience knows one party; unique both ways, never changed."""

    __tablename__ = "pairwise_subject"
    __table_args__ = (UniqueConstraint("party", "audience"),)

    subject: Mapped[str] = mapped_column(String(40), primary_key=True)
    party: Mapped[str] = mapped_column(String(40))
    audience: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(default=now)


class ProofingEvent(Base):
    """How a person was proven to be who they are; append-only by trigger."""

    __tablename__ = "proofing_event"

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("proofing"))
    person_id: Mapped[str] = mapped_column(String(40), index=True)
    source: Mapped[str] = mapped_column(String(40))
    method: Mapped[str] = mapped_column(String(40))
    outcome: Mapped[str] = mapped_column(String(12), default="raised")
    level: Mapped[int] = mapped_column(SmallInteger)
    evidence: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    at: Mapped[datetime] = mapped_column(default=now)


class NetworkIdentity(Base):
    """A person's national network number (Decree 173): says nothing by itself, used only while the person wishes."""

    __tablename__ = "network_identity"
    __table_args__ = (
        Index("uq_network_identity_person", "person_id", unique=True, postgresql_where=text("ended_at is null")),
        Index(
            "uq_network_identity_identifier", "identifier_index", unique=True,
            postgresql_where=text("ended_at is null"),
        ),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("netid"))
    person_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.person.id"))
    identifier_index: Mapped[bytes]
    identifier_sealed: Mapped[bytes]
    bound_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]

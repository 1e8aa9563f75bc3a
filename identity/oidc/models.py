"""Keys, clients, grants, codes, and what must never be used twice."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, SmallInteger, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import now
from app.ids import new_id
from identity.schema import Base


class SigningKey(Base):
    """A key of the issuer: next (published ahead) -> active -> retiring -> gone."""

    __tablename__ = "signing_key"
    __table_args__ = (
        CheckConstraint("state in ('next', 'active', 'retiring', 'gone')", name="state"),
        Index("uq_signing_key_active", "state", unique=True, postgresql_where=text("state = 'active'")),
        Index("uq_signing_key_next", "state", unique=True, postgresql_where=text("state = 'next'")),
    )

    kid: Mapped[str] = mapped_column(String(43), primary_key=True)
    algorithm: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10))
    public_jwk: Mapped[dict[str, Any]] = mapped_column(JSONB)
    private_sealed: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(default=now)
    changed_at: Mapped[datetime] = mapped_column(default=now)


class Client(Base):
    """A program people use to log in. `access` lists its scopes by audience."""

    __tablename__ = "client"
    __table_args__ = (CheckConstraint("state in ('active', 'disabled')", name="state"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    title_zh: Mapped[str] = mapped_column(String(80))
    title_en: Mapped[str] = mapped_column(String(80))
    redirect_uris: Mapped[list[str]] = mapped_column(JSONB)
    access: Mapped[dict[str, list[str]]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(String(12), default="active")
    created_at: Mapped[datetime] = mapped_column(default=now)


class AuthorizationGrant(Base):
    """A citizen's consent to one client, and the family of all tokens that come from it."""

    __tablename__ = "authorization_grant"
    __table_args__ = (Index("ix_authorization_grant_account_client", "account_id", "client_id"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("grant"))
    account_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.account.id"))
    person_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.person.id"))
    client_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.client.id"))
    session_id: Mapped[str] = mapped_column(String(40), index=True)
    audience: Mapped[str] = mapped_column(String(80))
    scopes: Mapped[list[str]] = mapped_column(JSONB)
    proofing_level: Mapped[int] = mapped_column(SmallInteger)
    authentication_level: Mapped[int] = mapped_column(SmallInteger)
    authenticated_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(default=now)
    revoked_at: Mapped[datetime | None]


class AuthorizationCode(Base):
    """A code, by its hash. Kept after use, so that a second use betrays a theft."""

    __tablename__ = "authorization_code"

    code_hash: Mapped[bytes] = mapped_column(primary_key=True)
    grant_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.authorization_grant.id"))
    client_id: Mapped[str] = mapped_column(String(40))
    redirect_uri: Mapped[str] = mapped_column(String(400))
    code_challenge: Mapped[str] = mapped_column(String(43))
    nonce: Mapped[str | None] = mapped_column(String(255))
    expires_at: Mapped[datetime] = mapped_column(index=True)
    consumed_at: Mapped[datetime | None]


class ReplayKey(Base):
    """Something seen once (an assertion's jti, a DPoP proof's), until it would expire anyway."""

    __tablename__ = "replay_key"

    namespace: Mapped[str] = mapped_column(String(20), primary_key=True)
    value: Mapped[bytes] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Revocation(Base):
    """Tokens issued up to `at` that name this value are dead; verifiers read it every two seconds."""

    __tablename__ = "revocation"
    __table_args__ = (CheckConstraint("kind in ('jti', 'sid', 'client', 'sub')", name="kind"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    value: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime] = mapped_column(index=True)

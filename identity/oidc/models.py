"""Keys, clients, grants, codes, and what must never be used twice."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer, SmallInteger, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import now
from app.ids import new_id
from identity.schema import Base


class SigningKey(Base):
    """A key of the issuer, one line for each algorithm: next (published ahead) -> active -> retiring -> gone."""

    __tablename__ = "signing_key"
    __table_args__ = (
        CheckConstraint("state in ('next', 'active', 'retiring', 'gone')", name="state"),
        Index("uq_signing_key_active", "algorithm", unique=True, postgresql_where=text("state = 'active'")),
        Index("uq_signing_key_next", "algorithm", unique=True, postgresql_where=text("state = 'next'")),
    )

    kid: Mapped[str] = mapped_column(String(43), primary_key=True)
    algorithm: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10))
    public_jwk: Mapped[dict[str, Any]] = mapped_column(JSONB)
    private_sealed: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(default=now)
    changed_at: Mapped[datetime] = mapped_column(default=now)


class Client(Base):
    """A program people use to log in, or that acts for itself.

    `access` lists its scopes by audience. A `fapi2` client is confidential,
    pushes its requests and binds its tokens to a key (FAPI 2.0, 5.3);
    `baseline` ones use PKCE. Clients of one `sector` know a person by one id.
    One that `serves` an audience may exchange the tokens it gets there (RFC
    8693); `detail_types` are the authorization details it may ask for.
    """

    __tablename__ = "client"
    __table_args__ = (
        CheckConstraint("state in ('active', 'disabled')", name="state"),
        CheckConstraint("profile in ('fapi2', 'baseline')", name="profile"),
        CheckConstraint(
            "auth_method in ('none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt')",
            name="auth_method",
        ),
        CheckConstraint("profile = 'baseline' or auth_method = 'private_key_jwt'", name="fapi2_is_confidential"),
        CheckConstraint("(secret_hash is not null) = (auth_method like 'client_secret%')", name="secret"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    title_zh: Mapped[str] = mapped_column(String(80))
    title_en: Mapped[str] = mapped_column(String(80))
    profile: Mapped[str] = mapped_column(String(10), default="baseline")
    auth_method: Mapped[str] = mapped_column(String(24), default="none")
    secret_hash: Mapped[bytes | None]
    grant_types: Mapped[list[str]] = mapped_column(JSONB, default=lambda: ["authorization_code", "refresh_token"])
    redirect_uris: Mapped[list[str]] = mapped_column(JSONB)
    post_logout_redirect_uris: Mapped[list[str]] = mapped_column(JSONB, default=list)
    backchannel_logout_uri: Mapped[str | None] = mapped_column(String(400))
    id_token_alg: Mapped[str] = mapped_column(String(10), default="ES256")
    sector: Mapped[str | None] = mapped_column(String(80))
    access: Mapped[dict[str, list[str]]] = mapped_column(JSONB)
    serves: Mapped[str | None] = mapped_column(String(80))
    detail_types: Mapped[list[str]] = mapped_column(JSONB, default=list)
    organisation_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("identity.organisation.id"))
    registration_hash: Mapped[bytes | None]
    state: Mapped[str] = mapped_column(String(12), default="active")
    created_at: Mapped[datetime] = mapped_column(default=now)


class ClientKey(Base):
    """A public key by which a client signs its assertions; several may live at once, for rotation."""

    __tablename__ = "client_key"
    __table_args__ = (Index("uq_client_key_kid", "client_id", "kid", unique=True),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("clientkey"))
    client_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.client.id"))
    kid: Mapped[str] = mapped_column(String(128))
    algorithm: Mapped[str] = mapped_column(String(10), default="ES256")
    public_jwk: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(default=now)
    revoked_at: Mapped[datetime | None]


class AuthorizationGrant(Base):
    """A person's consent to one client: one row is the consent and the family of all its tokens.

    `access` lists the granted scopes by audience; a token is for one of them.
    `acting_for` is whom the person acts for, `mandate_id` the evidence (a
    relationship, a mandate, an assistance). `refresh_generation` counts rotations; `jkt` binds the family to a key.
    """

    __tablename__ = "authorization_grant"
    __table_args__ = (
        Index("ix_authorization_grant_account_client", "account_id", "client_id"),
        Index("ix_authorization_grant_person_id", "person_id"),
        Index("ix_authorization_grant_mandate", "mandate_id", postgresql_where=text("mandate_id is not null")),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("grant"))
    account_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.account.id"))
    person_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.person.id"))
    client_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.client.id"))
    session_id: Mapped[str] = mapped_column(String(40), index=True)
    access: Mapped[dict[str, list[str]]] = mapped_column(JSONB)
    purpose: Mapped[str | None] = mapped_column(String(80))
    acting_for: Mapped[str | None] = mapped_column(String(40))
    capacity: Mapped[str | None] = mapped_column(String(24))
    mandate_id: Mapped[str | None] = mapped_column(String(40))
    assisted_by: Mapped[str | None] = mapped_column(String(40))
    staff_of: Mapped[str | None] = mapped_column(String(40))
    authorization_details: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    proofing_level: Mapped[int] = mapped_column(SmallInteger)
    authentication_level: Mapped[int] = mapped_column(SmallInteger)
    authenticated_at: Mapped[datetime]
    jkt: Mapped[str | None] = mapped_column(String(43))
    refresh_generation: Mapped[int] = mapped_column(Integer, default=0)
    refreshed_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime | None]
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
    jkt: Mapped[str | None] = mapped_column(String(43))
    expires_at: Mapped[datetime] = mapped_column(index=True)
    consumed_at: Mapped[datetime | None]


class PushedRequest(Base):
    """An authorization request pushed ahead (RFC 9126), by the hash of its `request_uri`; dead once a code is given."""

    __tablename__ = "pushed_request"

    uri_hash: Mapped[bytes] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.client.id"))
    parameters: Mapped[dict[str, str]] = mapped_column(JSONB)
    jkt: Mapped[str | None] = mapped_column(String(43))
    expires_at: Mapped[datetime] = mapped_column(index=True)
    consumed_at: Mapped[datetime | None]


class DecoupledRequest(Base):
    """A request decided on another device: `device` (RFC 8628) by user code, `ciba` by a message to a known person."""

    __tablename__ = "decoupled_request"
    __table_args__ = (
        CheckConstraint("kind in ('device', 'ciba')", name="kind"),
        CheckConstraint("state in ('pending', 'approved', 'denied', 'consumed')", name="state"),
        CheckConstraint("(kind = 'device') = (user_code_index is not null)", name="user_code"),
        Index("ix_decoupled_request_person", "person_id", postgresql_where=text("state = 'pending'")),
    )

    secret_hash: Mapped[bytes] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String(40), unique=True, default=lambda: new_id("decoupled"))
    kind: Mapped[str] = mapped_column(String(10))
    client_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.client.id"))
    access: Mapped[dict[str, list[str]]] = mapped_column(JSONB)
    user_code_index: Mapped[bytes | None] = mapped_column(unique=True)
    person_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("identity.person.id"))
    binding_message: Mapped[str | None] = mapped_column(String(40))
    authorization_details: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    origin: Mapped[str | None] = mapped_column(String(45))
    jkt: Mapped[str | None] = mapped_column(String(43))
    state: Mapped[str] = mapped_column(String(10), default="pending")
    grant_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("identity.authorization_grant.id"))
    interval_seconds: Mapped[int] = mapped_column(SmallInteger, default=5)
    polled_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime] = mapped_column(index=True)


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

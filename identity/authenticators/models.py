"""Ways into an account, codes that were sent, log-ins half done, and the count of guesses."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, SmallInteger, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import now
from app.ids import new_id
from identity.schema import Base


class Authenticator(Base):
    """One way into an account.

    A password keeps its argon2id hash in `secret`; an app that makes codes its
    sealed secret and the last step it was used at; a passkey its credential
    id, public key (COSE) and signature counter.
    """

    __tablename__ = "authenticator"
    __table_args__ = (
        CheckConstraint("kind in ('password', 'totp', 'passkey')", name="kind"),
        CheckConstraint("(kind = 'password') = (secret is not null)", name="password"),
        CheckConstraint("(kind = 'totp') = (sealed is not null)", name="totp"),
        CheckConstraint("(kind = 'passkey') = (credential_id is not null and public_key is not null)", name="passkey"),
        Index(
            "uq_authenticator_one_of_kind",
            "account_id",
            "kind",
            unique=True,
            postgresql_where=text("kind in ('password', 'totp')"),
        ),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("authn"))
    account_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.account.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str | None] = mapped_column(String(40))
    secret: Mapped[str | None] = mapped_column(String(200))
    sealed: Mapped[bytes | None]
    last_step: Mapped[int | None] = mapped_column(BigInteger)
    credential_id: Mapped[bytes | None] = mapped_column(unique=True)
    public_key: Mapped[bytes | None]
    sign_count: Mapped[int] = mapped_column(BigInteger, default=0)
    suspect_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    changed_at: Mapped[datetime] = mapped_column(default=now)
    last_used_at: Mapped[datetime | None]


class SentCode(Base):
    """A code sent to a mobile, by its keyed hash; the message is sealed until it has left.

    One for nobody (`account_id` is null) looks and takes as long as any other.
    """

    __tablename__ = "sent_code"

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("code"))
    account_id: Mapped[str | None] = mapped_column(String(40), ForeignKey("identity.account.id"))
    browser_hash: Mapped[bytes]
    code_hash: Mapped[bytes]
    message_sealed: Mapped[bytes | None]
    tries: Mapped[int] = mapped_column(SmallInteger, default=0)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    consumed_at: Mapped[datetime | None]


class PendingLogIn(Base):
    """A log-in whose first factor is proven and whose second is asked for, by the hash of what the form holds."""

    __tablename__ = "pending_log_in"

    secret_hash: Mapped[bytes] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(String(40), ForeignKey("identity.account.id"))
    browser_hash: Mapped[bytes]
    methods: Mapped[list[str]] = mapped_column(JSONB)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    consumed_at: Mapped[datetime | None]


class GuessCount(Base):
    """Guesses at one target (a keyed hash) from one source since the window began."""

    __tablename__ = "guess_count"

    target: Mapped[bytes] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    guesses: Mapped[int] = mapped_column(Integer)
    window_started_at: Mapped[datetime]


class SimulatedMessage(Base):
    """What the simulated operator delivered, for the demo world's people to read."""

    __tablename__ = "simulated_message"

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("sms"))
    mobile_index: Mapped[bytes] = mapped_column(index=True)
    text_sealed: Mapped[bytes]
    sent_at: Mapped[datetime] = mapped_column(default=now)

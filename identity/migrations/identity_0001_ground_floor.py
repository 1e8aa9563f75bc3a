"""The ground floor: parties, accounts, sessions, terminals, and the authorization server."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "identity_0001"
down_revision = None
branch_labels = None
depends_on = None

_APPEND_ONLY = """
create function identity.refuse_change() returns trigger language plpgsql as
$$ begin raise exception '%.% is append-only', tg_table_schema, tg_table_name; end $$;
create trigger append_only before update or delete on identity.proofing_event
  for each row execute function identity.refuse_change();
create trigger append_only_truncate before truncate on identity.proofing_event
  for each statement execute function identity.refuse_change();
"""


def upgrade() -> None:
    _client()
    _guess_count()
    _organisation()
    _pairwise_subject()
    _person()
    _proofing_event()
    _replay_key()
    _revocation()
    _signing_key()
    _account()
    _device()
    _authenticator()
    _authorization_grant()
    _browser_session()
    _authorization_code()
    op.execute(_APPEND_ONLY)


def downgrade() -> None:
    op.drop_table("authorization_code", schema="identity")
    op.drop_table("browser_session", schema="identity")
    op.drop_table("authorization_grant", schema="identity")
    op.drop_table("authenticator", schema="identity")
    op.drop_table("device", schema="identity")
    op.drop_table("account", schema="identity")
    op.drop_table("signing_key", schema="identity")
    op.drop_table("revocation", schema="identity")
    op.drop_table("replay_key", schema="identity")
    op.drop_table("proofing_event", schema="identity")
    op.drop_table("person", schema="identity")
    op.drop_table("pairwise_subject", schema="identity")
    op.drop_table("organisation", schema="identity")
    op.drop_table("guess_count", schema="identity")
    op.drop_table("client", schema="identity")
    op.execute("drop function identity.refuse_change()")


def _client() -> None:
    op.create_table(
        "client",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("title_zh", sa.String(length=80), nullable=False),
        sa.Column("title_en", sa.String(length=80), nullable=False),
        sa.Column("redirect_uris", postgresql.JSONB(), nullable=False),
        sa.Column("access", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state in ('active', 'disabled')", name=op.f("ck_client_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client")),
        schema="identity",
    )


def _guess_count() -> None:
    op.create_table(
        "guess_count",
        sa.Column("target", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("guesses", sa.Integer(), nullable=False),
        sa.Column("window_started_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("target", "source", name=op.f("pk_guess_count")),
        schema="identity",
    )


def _organisation() -> None:
    op.create_table(
        "organisation",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("credit_code", sa.String(length=18), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("area", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("demo_key", sa.String(length=40), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state in ('active', 'disabled')", name=op.f("ck_organisation_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sa.UniqueConstraint("credit_code", name=op.f("uq_organisation_credit_code")),
        sa.UniqueConstraint("demo_key", name=op.f("uq_organisation_demo_key")),
        schema="identity",
    )


def _pairwise_subject() -> None:
    op.create_table(
        "pairwise_subject",
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("party", sa.String(length=40), nullable=False),
        sa.Column("audience", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_pairwise_subject")),
        sa.UniqueConstraint("party", "audience", name=op.f("uq_pairwise_subject_party_audience")),
        schema="identity",
    )


def _person() -> None:
    op.create_table(
        "person",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("resident_id_index", sa.LargeBinary(), nullable=False),
        sa.Column("resident_id_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("mobile_index", sa.LargeBinary(), nullable=False),
        sa.Column("mobile_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("mobile_tail", sa.String(length=4), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("area", sa.String(length=12), nullable=False),
        sa.Column("proofing_level", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("demo_key", sa.String(length=40), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state in ('active', 'disabled')", name=op.f("ck_person_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("demo_key", name=op.f("uq_person_demo_key")),
        sa.UniqueConstraint("resident_id_index", name=op.f("uq_person_resident_id_index")),
        schema="identity",
    )
    op.create_index(op.f("ix_person_mobile_index"), "person", ["mobile_index"], unique=False, schema="identity")
    op.create_index(
        "ix_person_region_mobile_tail", "person", ["region", "mobile_tail"], unique=False, schema="identity"
    )


def _proofing_event() -> None:
    op.create_table(
        "proofing_event",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("person_id", sa.String(length=40), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("method", sa.String(length=40), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proofing_event")),
        schema="identity",
    )
    op.create_index(
        op.f("ix_proofing_event_person_id"), "proofing_event", ["person_id"], unique=False, schema="identity"
    )


def _replay_key() -> None:
    op.create_table(
        "replay_key",
        sa.Column("namespace", sa.String(length=20), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("namespace", "value", name=op.f("pk_replay_key")),
        schema="identity",
    )
    op.create_index(op.f("ix_replay_key_expires_at"), "replay_key", ["expires_at"], unique=False, schema="identity")


def _revocation() -> None:
    op.create_table(
        "revocation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("value", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind in ('jti', 'sid', 'client', 'sub')", name=op.f("ck_revocation_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revocation")),
        schema="identity",
    )
    op.create_index(op.f("ix_revocation_expires_at"), "revocation", ["expires_at"], unique=False, schema="identity")


def _signing_key() -> None:
    op.create_table(
        "signing_key",
        sa.Column("kid", sa.String(length=43), nullable=False),
        sa.Column("algorithm", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("public_jwk", postgresql.JSONB(), nullable=False),
        sa.Column("private_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state in ('next', 'active', 'retiring', 'gone')", name=op.f("ck_signing_key_state")),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_signing_key")),
        schema="identity",
    )
    op.create_index(
        "uq_signing_key_active",
        "signing_key",
        ["state"],
        unique=True,
        schema="identity",
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_index(
        "uq_signing_key_next",
        "signing_key",
        ["state"],
        unique=True,
        schema="identity",
        postgresql_where=sa.text("state = 'next'"),
    )


def _account() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("login_name", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state in ('active', 'disabled')", name=op.f("ck_account_state")),
        sa.ForeignKeyConstraint(["person_id"], ["identity.person.id"], name=op.f("fk_account_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("login_name", name=op.f("uq_account_login_name")),
        schema="identity",
    )
    op.create_index(op.f("ix_account_person_id"), "account", ["person_id"], unique=False, schema="identity")


def _device() -> None:
    op.create_table(
        "device",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("organisation_id", sa.String(length=40), nullable=False),
        sa.Column("place", sa.String(length=12), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("public_jwk", postgresql.JSONB(), nullable=False),
        sa.Column("thumbprint", sa.String(length=43), nullable=False),
        sa.Column("access", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("demo_key_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state in ('active', 'suspended')", name=op.f("ck_device_state")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["identity.organisation.id"], name=op.f("fk_device_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        sa.UniqueConstraint("thumbprint", name=op.f("uq_device_thumbprint")),
        schema="identity",
    )
    op.create_index(op.f("ix_device_organisation_id"), "device", ["organisation_id"], unique=False, schema="identity")


def _authenticator() -> None:
    op.create_table(
        "authenticator",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("secret", sa.String(length=200), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["identity.account.id"], name=op.f("fk_authenticator_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authenticator")),
        sa.UniqueConstraint("account_id", "kind", name=op.f("uq_authenticator_account_id_kind")),
        schema="identity",
    )


def _authorization_grant() -> None:
    op.create_table(
        "authorization_grant",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("person_id", sa.String(length=40), nullable=False),
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("session_id", sa.String(length=40), nullable=False),
        sa.Column("audience", sa.String(length=80), nullable=False),
        sa.Column("scopes", postgresql.JSONB(), nullable=False),
        sa.Column("proofing_level", sa.SmallInteger(), nullable=False),
        sa.Column("authentication_level", sa.SmallInteger(), nullable=False),
        sa.Column("authenticated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["identity.account.id"], name=op.f("fk_authorization_grant_account_id")
        ),
        sa.ForeignKeyConstraint(["client_id"], ["identity.client.id"], name=op.f("fk_authorization_grant_client_id")),
        sa.ForeignKeyConstraint(["person_id"], ["identity.person.id"], name=op.f("fk_authorization_grant_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authorization_grant")),
        schema="identity",
    )
    op.create_index(
        "ix_authorization_grant_account_client",
        "authorization_grant",
        ["account_id", "client_id"],
        unique=False,
        schema="identity",
    )
    op.create_index(
        op.f("ix_authorization_grant_session_id"),
        "authorization_grant",
        ["session_id"],
        unique=False,
        schema="identity",
    )


def _browser_session() -> None:
    op.create_table(
        "browser_session",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("authentication_level", sa.SmallInteger(), nullable=False),
        sa.Column("authenticated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["identity.account.id"], name=op.f("fk_browser_session_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_browser_session")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_browser_session_secret_hash")),
        schema="identity",
    )
    op.create_index(
        op.f("ix_browser_session_account_id"), "browser_session", ["account_id"], unique=False, schema="identity"
    )


def _authorization_code() -> None:
    op.create_table(
        "authorization_code",
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("grant_id", sa.String(length=40), nullable=False),
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("redirect_uri", sa.String(length=400), nullable=False),
        sa.Column("code_challenge", sa.String(length=43), nullable=False),
        sa.Column("nonce", sa.String(length=255), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("consumed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["identity.authorization_grant.id"], name=op.f("fk_authorization_code_grant_id")
        ),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_authorization_code")),
        schema="identity",
    )
    op.create_index(
        op.f("ix_authorization_code_expires_at"), "authorization_code", ["expires_at"], unique=False, schema="identity"
    )

"""The whole authorization server: client profiles and keys, pushed and decoupled requests, refresh families."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "identity_0003"
down_revision = "identity_0002"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_JSON = postgresql.JSONB()
_EMPTY_LIST = sa.text("'[]'::jsonb")
_CLIENT_CHECKS = {
    "profile": "profile in ('fapi2', 'baseline')",
    "auth_method": "auth_method in ('none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt')",
    "fapi2_is_confidential": "profile = 'baseline' or auth_method = 'private_key_jwt'",
    "secret": "(secret_hash is not null) = (auth_method like 'client_secret%')",
}


def _client_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("profile", sa.String(10), nullable=False, server_default="baseline"),
        sa.Column("auth_method", sa.String(24), nullable=False, server_default="none"),
        sa.Column("secret_hash", sa.LargeBinary()),
        sa.Column("grant_types", _JSON, nullable=False, server_default='["authorization_code", "refresh_token"]'),
        sa.Column("post_logout_redirect_uris", _JSON, nullable=False, server_default=_EMPTY_LIST),
        sa.Column("backchannel_logout_uri", sa.String(400)),
        sa.Column("id_token_alg", sa.String(10), nullable=False, server_default="ES256"),
        sa.Column("sector", sa.String(80)),
        sa.Column("organisation_id", sa.String(40), sa.ForeignKey("identity.organisation.id")),
        sa.Column("registration_hash", sa.LargeBinary()),
    ]


def _grant_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("purpose", sa.String(80)),
        sa.Column("acting_for", sa.String(40)),
        sa.Column("mandate_id", sa.String(40)),
        sa.Column("authorization_details", _JSON, nullable=False, server_default=_EMPTY_LIST),
        sa.Column("jkt", sa.String(43)),
        sa.Column("refresh_generation", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("refreshed_at", _TIME),
        sa.Column("expires_at", _TIME),
    ]


def upgrade() -> None:
    _clients()
    _client_keys()
    _grants()
    _signing_keys("algorithm")
    _pushed_requests()
    _decoupled_requests()


def downgrade() -> None:
    op.drop_table("decoupled_request", schema="identity")
    op.drop_table("pushed_request", schema="identity")
    _signing_keys("state")
    op.drop_column("authorization_code", "jkt", schema="identity")
    op.execute("alter table identity.authorization_grant add audience varchar(80), add scopes jsonb")
    # A grant of several audiences keeps its first one; the older code knows no more.
    op.execute(
        "update identity.authorization_grant set audience = k, scopes = access -> k"
        " from (select id as i, min(key) as k from identity.authorization_grant, jsonb_object_keys(access) as key"
        " group by id) as first where first.i = id"
    )
    op.execute(
        "alter table identity.authorization_grant alter audience set not null, alter scopes set not null, drop access"
    )
    for column in reversed(_grant_columns()):
        op.drop_column("authorization_grant", column.name, schema="identity")
    op.drop_table("client_key", schema="identity")
    for name in _CLIENT_CHECKS:
        op.drop_constraint(op.f(f"ck_client_{name}"), "client", schema="identity")
    for column in reversed(_client_columns()):
        op.drop_column("client", column.name, schema="identity")


def _add(table: str, columns: list[sa.Column[Any]]) -> None:
    # A server default fills the rows there are and goes again: models alone say what is usual.
    for column in columns:
        filled = column.server_default is not None
        op.add_column(table, column, schema="identity")
        if filled:
            op.alter_column(table, column.name, server_default=None, schema="identity")


def _clients() -> None:
    _add("client", _client_columns())
    for name, rule in _CLIENT_CHECKS.items():
        op.create_check_constraint(op.f(f"ck_client_{name}"), "client", rule, schema="identity")


def _client_keys() -> None:
    op.create_table(
        "client_key",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("client_id", sa.String(40), sa.ForeignKey("identity.client.id"), nullable=False),
        sa.Column("kid", sa.String(128), nullable=False),
        sa.Column("algorithm", sa.String(10), nullable=False),
        sa.Column("public_jwk", _JSON, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("revoked_at", _TIME),
        schema="identity",
    )
    op.create_index("uq_client_key_kid", "client_key", ["client_id", "kid"], unique=True, schema="identity")


def _grants() -> None:
    _add("authorization_grant", _grant_columns())
    op.add_column("authorization_code", sa.Column("jkt", sa.String(43)), schema="identity")
    op.execute("alter table identity.authorization_grant add access jsonb")
    op.execute("update identity.authorization_grant set access = jsonb_build_object(audience, scopes)")
    op.execute("alter table identity.authorization_grant alter access set not null, drop audience, drop scopes")


def _signing_keys(unique_by: str) -> None:
    for state in ("active", "next"):
        op.drop_index(f"uq_signing_key_{state}", "signing_key", schema="identity")
        op.create_index(
            f"uq_signing_key_{state}",
            "signing_key",
            [unique_by],
            unique=True,
            schema="identity",
            postgresql_where=sa.text(f"state = '{state}'"),
        )


def _pushed_requests() -> None:
    op.create_table(
        "pushed_request",
        sa.Column("uri_hash", sa.LargeBinary(), primary_key=True),
        sa.Column("client_id", sa.String(40), sa.ForeignKey("identity.client.id"), nullable=False),
        sa.Column("parameters", _JSON, nullable=False),
        sa.Column("jkt", sa.String(43)),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("consumed_at", _TIME),
        schema="identity",
    )
    op.create_index(op.f("ix_pushed_request_expires_at"), "pushed_request", ["expires_at"], schema="identity")


def _decoupled_requests() -> None:
    op.create_table(
        "decoupled_request",
        sa.Column("secret_hash", sa.LargeBinary(), primary_key=True),
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("client_id", sa.String(40), sa.ForeignKey("identity.client.id"), nullable=False),
        sa.Column("access", _JSON, nullable=False),
        sa.Column("user_code_index", sa.LargeBinary()),
        sa.Column("person_id", sa.String(40), sa.ForeignKey("identity.person.id")),
        sa.Column("binding_message", sa.String(40)),
        sa.Column("jkt", sa.String(43)),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("grant_id", sa.String(40), sa.ForeignKey("identity.authorization_grant.id")),
        sa.Column("interval_seconds", sa.SmallInteger(), nullable=False),
        sa.Column("polled_at", _TIME),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.UniqueConstraint("id", name=op.f("uq_decoupled_request_id")),
        sa.UniqueConstraint("user_code_index", name=op.f("uq_decoupled_request_user_code_index")),
        sa.CheckConstraint("kind in ('device', 'ciba')", name=op.f("ck_decoupled_request_kind")),
        sa.CheckConstraint(
            "state in ('pending', 'approved', 'denied', 'consumed')", name=op.f("ck_decoupled_request_state")
        ),
        sa.CheckConstraint(
            "(kind = 'device') = (user_code_index is not null)", name=op.f("ck_decoupled_request_user_code")
        ),
        schema="identity",
    )
    op.create_index(op.f("ix_decoupled_request_expires_at"), "decoupled_request", ["expires_at"], schema="identity")
    op.create_index(
        "ix_decoupled_request_person",
        "decoupled_request",
        ["person_id"],
        schema="identity",
        postgresql_where=sa.text("state = 'pending'"),
    )

"""Ways in: passkeys, code apps, sent codes, second factors; more of each session; log-in by phone and ticket."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "identity_0005"
down_revision = "identity_0004"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_JSON = postgresql.JSONB()
_AUTHENTICATOR_CHECKS = {
    "kind": "kind in ('password', 'totp', 'passkey')",
    "password": "(kind = 'password') = (secret is not null)",
    "totp": "(kind = 'totp') = (sealed is not null)",
    "passkey": "(kind = 'passkey') = (credential_id is not null and public_key is not null)",
}


def _authenticator_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("name", sa.String(40)),
        sa.Column("sealed", sa.LargeBinary()),
        sa.Column("last_step", sa.BigInteger()),
        sa.Column("credential_id", sa.LargeBinary()),
        sa.Column("public_key", sa.LargeBinary()),
        sa.Column("sign_count", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("suspect_at", _TIME),
        sa.Column("created_at", _TIME, nullable=False, server_default=sa.func.now()),
        sa.Column("last_used_at", _TIME),
    ]


def _session_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("methods", _JSON, nullable=False, server_default=sa.text("'[]'::jsonb")),
        sa.Column("place", sa.String(40), nullable=False, server_default=""),
        sa.Column("agent", sa.String(40), nullable=False, server_default=""),
        sa.Column("shared", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("assisted_by", sa.String(40)),
        sa.Column("assist_reason", sa.String(200)),
        sa.Column("begun_at", _TIME, nullable=False, server_default=sa.func.now()),
        sa.Column("last_seen_at", _TIME, nullable=False, server_default=sa.func.now()),
        sa.Column("idle_until", _TIME, nullable=False, server_default=sa.func.now()),
    ]


def upgrade() -> None:
    _authenticators()
    _add("browser_session", _session_columns())
    # Sessions of before keep their one limit.
    op.execute("update identity.browser_session set begun_at = authenticated_at, idle_until = expires_at")
    op.create_check_constraint(
        op.f("ck_browser_session_assisted"),
        "browser_session",
        "(assisted_by is null) = (assist_reason is null)",
        schema="identity",
    )
    _sent_codes()
    _pending_log_ins()
    _cross_device_log_ins()
    _tickets()
    op.create_table(
        "simulated_message",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("mobile_index", sa.LargeBinary(), nullable=False),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("sent_at", _TIME, nullable=False),
        schema="identity",
    )
    op.create_index(op.f("ix_simulated_message_mobile_index"), "simulated_message", ["mobile_index"], schema="identity")


def downgrade() -> None:
    for table in ("simulated_message", "ticket", "cross_device_log_in", "pending_log_in", "sent_code"):
        op.drop_table(table, schema="identity")
    op.drop_constraint(op.f("ck_browser_session_assisted"), "browser_session", schema="identity")
    _drop("browser_session", _session_columns())
    op.drop_index("uq_authenticator_one_of_kind", "authenticator", schema="identity")
    op.drop_index(op.f("ix_authenticator_account_id"), "authenticator", schema="identity")
    op.drop_constraint(op.f("uq_authenticator_credential_id"), "authenticator", schema="identity")
    for name in _AUTHENTICATOR_CHECKS:
        op.drop_constraint(op.f(f"ck_authenticator_{name}"), "authenticator", schema="identity")
    # The older code knows passwords only.
    op.execute("delete from identity.authenticator where kind <> 'password'")
    _drop("authenticator", _authenticator_columns())
    op.alter_column("authenticator", "secret", nullable=False, schema="identity")
    op.create_unique_constraint(
        op.f("uq_authenticator_account_id_kind"), "authenticator", ["account_id", "kind"], schema="identity"
    )


def _add(table: str, columns: list[sa.Column[Any]]) -> None:
    # A server default fills the rows there are and goes again: models alone say what is usual.
    for column in columns:
        filled = column.server_default is not None
        op.add_column(table, column, schema="identity")
        if filled:
            op.alter_column(table, column.name, server_default=None, schema="identity")


def _drop(table: str, columns: list[sa.Column[Any]]) -> None:
    for column in reversed(columns):
        op.drop_column(table, column.name, schema="identity")


def _authenticators() -> None:
    op.drop_constraint(op.f("uq_authenticator_account_id_kind"), "authenticator", schema="identity")
    op.alter_column("authenticator", "secret", nullable=True, schema="identity")
    _add("authenticator", _authenticator_columns())
    for name, rule in _AUTHENTICATOR_CHECKS.items():
        op.create_check_constraint(op.f(f"ck_authenticator_{name}"), "authenticator", rule, schema="identity")
    op.create_unique_constraint(
        op.f("uq_authenticator_credential_id"), "authenticator", ["credential_id"], schema="identity"
    )
    op.create_index(op.f("ix_authenticator_account_id"), "authenticator", ["account_id"], schema="identity")
    op.create_index(
        "uq_authenticator_one_of_kind",
        "authenticator",
        ["account_id", "kind"],
        unique=True,
        schema="identity",
        postgresql_where=sa.text("kind in ('password', 'totp')"),
    )


def _expiring(table: str, *columns: Any) -> None:
    op.create_table(table, *columns, sa.Column("expires_at", _TIME, nullable=False), schema="identity")
    op.create_index(op.f(f"ix_{table}_expires_at"), table, ["expires_at"], schema="identity")


def _account(nullable: bool = False) -> sa.Column[Any]:
    return sa.Column("account_id", sa.String(40), sa.ForeignKey("identity.account.id"), nullable=nullable)


def _sent_codes() -> None:
    _expiring(
        "sent_code",
        sa.Column("id", sa.String(40), primary_key=True),
        _account(nullable=True),
        sa.Column("browser_hash", sa.LargeBinary(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("message_sealed", sa.LargeBinary()),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("consumed_at", _TIME),
    )


def _pending_log_ins() -> None:
    _expiring(
        "pending_log_in",
        sa.Column("secret_hash", sa.LargeBinary(), primary_key=True),
        _account(),
        sa.Column("browser_hash", sa.LargeBinary(), nullable=False),
        sa.Column("methods", _JSON, nullable=False),
        sa.Column("consumed_at", _TIME),
    )


def _cross_device_log_ins() -> None:
    _expiring(
        "cross_device_log_in",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("screen_hash", sa.LargeBinary(), nullable=False),
        sa.Column("browser_hash", sa.LargeBinary(), nullable=False),
        sa.Column("link_hash", sa.LargeBinary(), nullable=False),
        sa.Column("number_hash", sa.LargeBinary(), nullable=False),
        sa.Column("network_hash", sa.LargeBinary(), nullable=False),
        sa.Column("place", sa.String(40), nullable=False),
        sa.Column("agent", sa.String(40), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        _account(nullable=True),
        sa.Column("authentication_level", sa.SmallInteger(), nullable=False),
        sa.UniqueConstraint("screen_hash", name=op.f("uq_cross_device_log_in_screen_hash")),
        sa.UniqueConstraint("link_hash", name=op.f("uq_cross_device_log_in_link_hash")),
        sa.CheckConstraint(
            "state in ('shown', 'approved', 'denied', 'used')", name=op.f("ck_cross_device_log_in_state")
        ),
        sa.CheckConstraint(
            "(state in ('approved', 'used')) = (account_id is not null)", name=op.f("ck_cross_device_log_in_approved")
        ),
    )


def _tickets() -> None:
    _expiring(
        "ticket",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        _account(),
        sa.Column("evidence", sa.String(10), nullable=False),
        sa.Column("authentication_level", sa.SmallInteger(), nullable=False),
        sa.Column("issued_by", sa.String(40), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("ready_at", _TIME, nullable=False),
        sa.Column("consumed_at", _TIME),
        sa.Column("cancelled_at", _TIME),
        sa.UniqueConstraint("code_hash", name=op.f("uq_ticket_code_hash")),
        sa.CheckConstraint("kind in ('log-in', 'recovery')", name=op.f("ck_ticket_kind")),
        sa.CheckConstraint("evidence in ('presence', 'card')", name=op.f("ck_ticket_evidence")),
    )
    op.create_index(op.f("ix_ticket_account_id"), "ticket", ["account_id"], schema="identity")

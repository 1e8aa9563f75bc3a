"""What the decoupled flows, authorization details, logout deliveries and registration by plugins need."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "identity_0004"
down_revision = "identity_0003"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_JSON = postgresql.JSONB()
_EMPTY_LIST = sa.text("'[]'::jsonb")


def upgrade() -> None:
    op.add_column("client", sa.Column("serves", sa.String(80)), schema="identity")
    _add_list("client", "detail_types")
    _add_list("decoupled_request", "authorization_details")
    op.add_column("decoupled_request", sa.Column("origin", sa.String(45)), schema="identity")
    op.create_index("ix_authorization_grant_person_id", "authorization_grant", ["person_id"], schema="identity")
    _logout_deliveries()
    _invites()


def downgrade() -> None:
    op.drop_table("registration_invite", schema="identity")
    op.drop_table("logout_delivery", schema="identity")
    op.drop_index("ix_authorization_grant_person_id", "authorization_grant", schema="identity")
    for table, column in (
        ("decoupled_request", "origin"),
        ("decoupled_request", "authorization_details"),
        ("client", "detail_types"),
        ("client", "serves"),
    ):
        op.drop_column(table, column, schema="identity")


def _add_list(table: str, name: str) -> None:
    # A server default fills the rows there are and goes again: models alone say what is usual.
    op.add_column(table, sa.Column(name, _JSON, nullable=False, server_default=_EMPTY_LIST), schema="identity")
    op.alter_column(table, name, server_default=None, schema="identity")


def _logout_deliveries() -> None:
    op.create_table(
        "logout_delivery",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("client_id", sa.String(40), sa.ForeignKey("identity.client.id"), nullable=False),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("sid", sa.String(40), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("next_attempt_at", _TIME, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.CheckConstraint("state in ('waiting', 'delivered', 'given_up')", name=op.f("ck_logout_delivery_state")),
        schema="identity",
    )
    op.create_index(
        "ix_logout_delivery_due",
        "logout_delivery",
        ["next_attempt_at"],
        schema="identity",
        postgresql_where=sa.text("state = 'waiting'"),
    )


def _invites() -> None:
    op.create_table(
        "registration_invite",
        sa.Column("token_hash", sa.LargeBinary(), primary_key=True),
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("access", _JSON, nullable=False),
        sa.Column("serves", sa.String(80)),
        sa.Column("detail_types", _JSON, nullable=False),
        sa.Column("organisation_id", sa.String(40), sa.ForeignKey("identity.organisation.id")),
        sa.Column("client_id", sa.String(40)),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("consumed_at", _TIME),
        sa.UniqueConstraint("id", name=op.f("uq_registration_invite_id")),
        schema="identity",
    )
    op.create_index(op.f("ix_registration_invite_expires_at"), "registration_invite", ["expires_at"], schema="identity")

"""The kernel's tables: data keys, audit, outbox, idempotency.

Revision ID: app_0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "app_0001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "data_key",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("purpose", sa.String(60), nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        schema="app",
    )
    op.create_index("ix_data_key_purpose", "data_key", ["purpose", "id"], schema="app")
    _audit()
    _outbox()
    op.create_table(
        "idempotency_record",
        sa.Column("scope", sa.String(200), primary_key=True),
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("request_hash", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("headers", postgresql.JSONB, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        schema="app",
    )


def _audit() -> None:
    op.create_table(
        "audit_leaf",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("subject", sa.String(40)),
        sa.Column("at", TIME, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("xid", sa.BigInteger, server_default=sa.text("(pg_current_xact_id()::text)::bigint"), nullable=False),
        sa.Column("head_id", sa.BigInteger),
        sa.Column("position", sa.Integer),
        schema="app",
    )
    op.create_index("ix_audit_leaf_subject", "audit_leaf", ["subject", "at"], schema="app")
    op.create_index("ix_audit_leaf_head", "audit_leaf", ["head_id", "position"], schema="app")
    op.create_index(
        "ix_audit_leaf_unsealed", "audit_leaf", ["xid", "id"], schema="app", postgresql_where=sa.text("head_id IS NULL")
    )
    op.create_table(
        "audit_head",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("previous", sa.LargeBinary, nullable=False),
        sa.Column("sealed_at", TIME, nullable=False),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("statement", sa.LargeBinary, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        schema="app",
    )


def _outbox() -> None:
    op.create_table(
        "outbox_event",
        sa.Column("position", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("job", sa.String(80), nullable=False),
        sa.Column("arguments", postgresql.JSONB, nullable=False),
        sa.Column("acts_under", postgresql.JSONB, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        schema="app",
    )
    op.create_table(
        "handled_event",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("handled_at", TIME, server_default=sa.text("now()"), nullable=False),
        schema="app",
    )


def downgrade() -> None:
    """Drop the tables; what they hold is lost."""
    for name in ("handled_event", "outbox_event", "audit_head", "audit_leaf", "idempotency_record", "data_key"):
        op.drop_table(name, schema="app")

"""Who pays (payer, scheme), which medicines are traced, and which packs are sold."""

import sqlalchemy as sa
from alembic import op

revision = "health_0002"
down_revision = "health_0001"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column(
        "catalogue_item", sa.Column("traced", sa.Boolean(), nullable=False, server_default="false"), schema="health"
    )
    op.alter_column("catalogue_item", "traced", server_default=None, schema="health")
    op.add_column("settlement", sa.Column("payer", sa.String(40)), schema="health")
    op.add_column("settlement", sa.Column("scheme", sa.String(12)), schema="health")
    op.execute(
        "update health.settlement set payer = settlement.subject, scheme = quote.scheme"
        " from health.quote where quote.id = settlement.quote_id"
    )
    op.alter_column("settlement", "payer", nullable=False, schema="health")
    op.alter_column("settlement", "scheme", nullable=False, schema="health")
    op.create_table(
        "trace_code_use",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("code", sa.String(30), nullable=False),
        sa.Column(
            "settlement_id",
            sa.String(40),
            sa.ForeignKey("health.settlement.id", name=op.f("fk_trace_code_use_settlement_id")),
            nullable=False,
        ),
        sa.Column("claimed_at", TIME, nullable=False),
        sa.Column("returned_at", TIME),
        schema="health",
    )
    op.create_index(
        "uq_trace_code_use_sold",
        "trace_code_use",
        ["code"],
        unique=True,
        schema="health",
        postgresql_where=sa.text("returned_at IS NULL"),
    )
    op.create_index("ix_trace_code_use_settlement_id", "trace_code_use", ["settlement_id"], schema="health")
    op.create_index("ix_trace_code_use_code", "trace_code_use", ["code", "claimed_at"], schema="health")


def downgrade() -> None:
    op.drop_table("trace_code_use", schema="health")
    op.drop_column("settlement", "scheme", schema="health")
    op.drop_column("settlement", "payer", schema="health")
    op.drop_column("catalogue_item", "traced", schema="health")

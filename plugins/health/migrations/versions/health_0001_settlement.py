"""Medicines, pharmacies, vouchers, messages to the insurer, quotes and settlements."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "health_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SEQUENCE health.message_sequence MINVALUE 0 MAXVALUE 9999 START 0 CYCLE")
    _catalogue_item()
    _insurer_message()
    _pharmacy()
    _quote()
    _sign_in()
    _voucher()
    _settlement()
    _settlement_line()


def _catalogue_item() -> None:
    op.create_table(
        "catalogue_item",
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("spec", sa.String(length=120), nullable=False),
        sa.Column("price_limit_fen", sa.BigInteger(), nullable=False),
        sa.Column("copay_basis_points", sa.Integer(), nullable=False),
        sa.Column("prescription", sa.Boolean(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("copay_basis_points BETWEEN 0 AND 10000", name=op.f("ck_catalogue_item_copay")),
        sa.CheckConstraint("price_limit_fen > 0", name=op.f("ck_catalogue_item_limit")),
        sa.PrimaryKeyConstraint("code", "version", name=op.f("pk_catalogue_item")),
        schema="health",
    )
    op.create_index(
        "uq_catalogue_item_current",
        "catalogue_item",
        ["code"],
        unique=True,
        schema="health",
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def _insurer_message() -> None:
    op.create_table(
        "insurer_message",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("transaction", sa.String(length=8), nullable=False),
        sa.Column("institution", sa.String(length=12), nullable=False),
        sa.Column("settlement_id", sa.String(length=40), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('sent', 'answered', 'refused', 'unsent', 'unknown')", name=op.f("ck_insurer_message_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_insurer_message")),
        schema="health",
    )
    op.create_index(
        op.f("ix_insurer_message_settlement_id"), "insurer_message", ["settlement_id"], unique=False, schema="health"
    )


def _pharmacy() -> None:
    op.create_table(
        "pharmacy",
        sa.Column("organisation", sa.String(length=40), nullable=False),
        sa.Column("institution", sa.String(length=12), nullable=False),
        sa.Column("area", sa.String(length=6), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("organisation", name=op.f("pk_pharmacy")),
        sa.UniqueConstraint("institution", name=op.f("uq_pharmacy_institution")),
        schema="health",
    )


def _quote() -> None:
    op.create_table(
        "quote",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("organisation", sa.String(length=40), nullable=False),
        sa.Column("terminal", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("proof", sa.String(length=60), nullable=False),
        sa.Column("person_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("scheme", sa.String(length=12), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("fund_fen", sa.BigInteger(), nullable=False),
        sa.Column("account_fen", sa.BigInteger(), nullable=False),
        sa.Column("cash_fen", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("least(fund_fen, account_fen, cash_fen) >= 0", name=op.f("ck_quote_parts")),
        sa.CheckConstraint("total_fen = fund_fen + account_fen + cash_fen", name=op.f("ck_quote_sum")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quote")),
        schema="health",
    )


def _sign_in() -> None:
    op.create_table(
        "sign_in",
        sa.Column("institution", sa.String(length=12), nullable=False),
        sa.Column("operator", sa.String(length=40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("institution", "operator", "day", name=op.f("pk_sign_in")),
        schema="health",
    )


def _voucher() -> None:
    op.create_table(
        "voucher",
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("token_sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_voucher")),
        schema="health",
    )


def _settlement() -> None:
    op.create_table(
        "settlement",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("quote_id", sa.String(length=40), nullable=False),
        sa.Column("organisation", sa.String(length=40), nullable=False),
        sa.Column("terminal", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("message", sa.String(length=30), nullable=True),
        sa.Column("insurer_number", sa.String(length=64), nullable=True),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("fund_fen", sa.BigInteger(), nullable=False),
        sa.Column("account_fen", sa.BigInteger(), nullable=False),
        sa.Column("cash_fen", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state in ('submitted', 'unknown', 'reversing', 'undoing')) = (ended_at IS NULL)",
            name=op.f("ck_settlement_ended"),
        ),
        sa.CheckConstraint("state <> 'settled' OR insurer_number IS NOT NULL", name=op.f("ck_settlement_settled")),
        sa.CheckConstraint(
            "state in ('submitted', 'unknown', 'reversing', 'undoing', 'settled', 'refused', 'reversed', 'undone')",
            name=op.f("ck_settlement_state"),
        ),
        sa.CheckConstraint("total_fen = fund_fen + account_fen + cash_fen", name=op.f("ck_settlement_sum")),
        sa.ForeignKeyConstraint(["quote_id"], ["health.quote.id"], name=op.f("fk_settlement_quote_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement")),
        sa.UniqueConstraint("insurer_number", name=op.f("uq_settlement_insurer_number")),
        sa.UniqueConstraint("key", name=op.f("uq_settlement_key")),
        sa.UniqueConstraint("message", name=op.f("uq_settlement_message")),
        sa.UniqueConstraint("quote_id", name=op.f("uq_settlement_quote_id")),
        schema="health",
    )
    op.create_index(
        "ix_settlement_open",
        "settlement",
        ["sent_at"],
        unique=False,
        schema="health",
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(op.f("ix_settlement_organisation"), "settlement", ["organisation"], unique=False, schema="health")
    op.create_index(
        "ix_settlement_subject", "settlement", ["subject", "created_at", "id"], unique=False, schema="health"
    )


def _settlement_line() -> None:
    op.create_table(
        "settlement_line",
        sa.Column("settlement_id", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("price_fen", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("trace_codes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "quantity > 0 AND price_fen >= 0 AND amount_fen = quantity * price_fen",
            name=op.f("ck_settlement_line_amount"),
        ),
        sa.ForeignKeyConstraint(
            ["settlement_id"], ["health.settlement.id"], name=op.f("fk_settlement_line_settlement_id")
        ),
        sa.PrimaryKeyConstraint("settlement_id", "position", name=op.f("pk_settlement_line")),
        schema="health",
    )


def downgrade() -> None:
    op.drop_table("settlement_line", schema="health")
    op.drop_table("settlement", schema="health")
    op.drop_table("voucher", schema="health")
    op.drop_table("sign_in", schema="health")
    op.drop_table("quote", schema="health")
    op.drop_table("pharmacy", schema="health")
    op.drop_table("insurer_message", schema="health")
    op.drop_table("catalogue_item", schema="health")
    op.execute("DROP SEQUENCE health.message_sequence")

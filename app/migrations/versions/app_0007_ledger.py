"""The ledger: accounts, transfers, entries, and the rules PostgreSQL keeps for them (app_0007_ledger.sql).

Revision ID: app_0007
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "app_0007"
down_revision = "app_0006"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
_TODAY = "(now() at time zone 'Asia/Shanghai')::date"
_FUNCTIONS = (
    "ledger_count(int)",
    "ledger_undo(text, text, text, bytea, text, text, text)",
    "ledger_post(text, text, text, bytea, text, text, text[], bigint[])",
    "ledger_reserve(text, text, text, bytea, text, text, text[], bigint[])",
    "ledger_attempt(text, text, text, bytea, text, text, text, text[], bigint[])",
    "ledger_transfer_once(text, text, text, bytea, text, text, text, text[], bigint[])",
    "ledger_write_legs(text, text, text[], bigint[])",
)


def upgrade() -> None:
    """Create the tables, then the rules."""
    _account()
    _transfer()
    _entry()
    op.execute(Path(__file__).with_suffix(".sql").read_text("utf-8"))


def _account() -> None:
    op.create_table(
        "ledger_account",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("owner", sa.String(40), nullable=False),
        sa.Column("code", sa.String(60), nullable=False),
        sa.Column("holder", sa.String(40), nullable=False),
        sa.Column("hot", sa.Boolean, nullable=False),
        sa.Column("floor", sa.BigInteger),
        sa.Column("balance", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.UniqueConstraint("owner", "code", "holder", name=op.f("uq_ledger_account_owner_code_holder")),
        sa.CheckConstraint("floor is null or balance >= floor", name=op.f("ck_ledger_account_floor")),
        sa.CheckConstraint("not hot or floor is null", name=op.f("ck_ledger_account_hot_has_no_floor")),
        sa.CheckConstraint("state in ('open', 'closed')", name=op.f("ck_ledger_account_state")),
        schema="app",
    )


def _transfer() -> None:
    op.create_table(
        "ledger_transfer",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("owner", sa.String(40), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("request_hash", sa.LargeBinary, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("parent_id", sa.String(40)),
        sa.Column("parent_kind", sa.String(10)),
        sa.Column("reference", sa.String(120), nullable=False),
        sa.Column(
            "business_day",
            sa.Date,
            server_default=sa.text("(now() at time zone 'Asia/Shanghai')::date"),
            nullable=False,
        ),
        sa.Column("at", TIME, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.UniqueConstraint("owner", "key", name=op.f("uq_ledger_transfer_owner_key")),
        sa.UniqueConstraint("id", "kind", name=op.f("uq_ledger_transfer_id_kind")),
        sa.ForeignKeyConstraint(
            ["parent_id", "parent_kind"],
            ["app.ledger_transfer.id", "app.ledger_transfer.kind"],
            name=op.f("fk_ledger_transfer_parent_id_parent_kind"),
        ),
        sa.CheckConstraint(
            "(kind in ('move', 'reserve') and parent_id is null and parent_kind is null)"
            " or (parent_id is not null and parent_kind is not null and ("
            "(kind in ('post', 'void') and parent_kind = 'reserve')"
            " or (kind = 'reverse' and parent_kind in ('move', 'post'))))",
            name=op.f("ck_ledger_transfer_kind"),
        ),
        schema="app",
    )
    for name, kinds in (("resolution", "('post', 'void')"), ("reversal", "('reverse')")):
        op.create_index(
            f"uq_ledger_transfer_{name}",
            "ledger_transfer",
            ["parent_id"],
            unique=True,
            schema="app",
            postgresql_where=sa.text(f"kind in {kinds}"),
        )
    op.create_index("ix_ledger_transfer_business_day", "ledger_transfer", ["owner", "business_day"], schema="app")


def _entry() -> None:
    op.create_table(
        "ledger_entry",
        sa.Column("transfer_id", sa.String(40), sa.ForeignKey("app.ledger_transfer.id"), primary_key=True),
        sa.Column("account_id", sa.String(40), primary_key=True),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_ledger_entry_amount")),
        schema="app",
    )
    op.create_index("ix_ledger_entry_account_id", "ledger_entry", ["account_id"], schema="app")
    op.create_table(
        "ledger_uncounted",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("account_id", sa.String(40), nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        schema="app",
    )
    op.create_index("ix_ledger_uncounted_account_id", "ledger_uncounted", ["account_id"], schema="app")


def downgrade() -> None:
    """Drop the ledger; what it holds is lost."""
    for name in _FUNCTIONS:
        op.execute(f"drop function app.{name}")
    for table in ("ledger_uncounted", "ledger_entry", "ledger_transfer", "ledger_account"):
        op.drop_table(table, schema="app")
    op.execute("drop function app.ledger_balanced()")
    op.execute("drop function app.ledger_refuse_change()")

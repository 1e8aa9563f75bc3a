"""Presence: sessions, captures seen, proofs, codes and counts of guesses.

Revision ID: app_0002
"""

import sqlalchemy as sa
from alembic import op

revision = "app_0002"
down_revision = "app_0001"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "presence_session",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("terminal", sa.String(80), nullable=False),
        sa.Column("organisation", sa.String(40)),
        sa.Column("place", sa.String(12)),
        sa.Column("purpose", sa.String(80), nullable=False),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("method", sa.String(20)),
        sa.Column("decision", sa.String(20)),
        sa.Column("reason", sa.String(40)),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("decided_at", TIME),
        sa.CheckConstraint("state in ('open', 'decided')", name=op.f("ck_presence_session_state")),
        sa.CheckConstraint(
            "decision in ('matched', 'not_matched', 'retry', 'use_alternative')",
            name=op.f("ck_presence_session_decision"),
        ),
        schema="app",
    )
    op.create_index("ix_presence_session_expires_at", "presence_session", ["expires_at"], schema="app")
    op.create_table(
        "presence_capture",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("session_id", sa.String(40), nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        schema="app",
    )
    op.create_index("ix_presence_capture_seen_at", "presence_capture", ["seen_at"], schema="app")
    _proof()
    op.create_table(
        "presence_code",
        sa.Column("code_index", sa.LargeBinary, primary_key=True),
        sa.Column("party", sa.String(40), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("consumed_at", TIME),
        schema="app",
    )
    op.create_index("ix_presence_code_party", "presence_code", ["party"], schema="app")
    op.create_index("ix_presence_code_expires_at", "presence_code", ["expires_at"], schema="app")
    op.create_table(
        "presence_guess",
        sa.Column("target", sa.LargeBinary, primary_key=True),
        sa.Column("guesses", sa.Integer, nullable=False),
        sa.Column("window_started_at", TIME, nullable=False),
        schema="app",
    )
    op.create_index("ix_presence_guess_window_started_at", "presence_guess", ["window_started_at"], schema="app")


def _proof() -> None:
    op.create_table(
        "presence_proof",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("session_id", sa.String(40), nullable=False, unique=True),
        sa.Column("party", sa.String(40), nullable=False),
        sa.Column("terminal", sa.String(80), nullable=False),
        sa.Column("purpose", sa.String(80), nullable=False),
        sa.Column("method", sa.String(20), nullable=False),
        sa.Column("level", sa.String(20), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("bound_digest", sa.String(64)),
        sa.Column("confirmed_by", sa.String(8)),
        sa.Column("confirmed_at", TIME),
        sa.Column("consumed_at", TIME),
        sa.CheckConstraint("(bound_digest is null) = (confirmed_at is null)", name=op.f("ck_presence_proof_confirmed")),
        sa.CheckConstraint("consumed_at is null or bound_digest is not null", name=op.f("ck_presence_proof_consumed")),
        schema="app",
    )
    op.create_index("ix_presence_proof_party", "presence_proof", ["party"], schema="app")


def downgrade() -> None:
    """Drop them; running sessions and unused proofs are lost."""
    for table in ("guess", "code", "proof", "capture", "session"):
        op.drop_table(f"presence_{table}", schema="app")

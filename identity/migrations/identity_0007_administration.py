"""Administration: staff roles, approvals, enrolment codes, exports, requests to be forgotten."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "identity_0007"
down_revision = "identity_0006"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_JSON = postgresql.JSONB()
_PERSON, _ORGANISATION, _DEVICE = (f"identity.{each}.id" for each in ("person", "organisation", "device"))
_STATES = {
    "person": ("state in ('active', 'disabled')", "state in ('active', 'disabled', 'erased')"),
    "device": ("state in ('active', 'suspended')", "state in ('active', 'suspended', 'retired')"),
}


def upgrade() -> None:
    _states(1)
    op.add_column("device", sa.Column("attestation", _JSON), schema="identity")
    op.add_column("device", sa.Column("last_seen_at", _TIME), schema="identity")
    for table in ("browser_session", "authorization_grant"):
        op.add_column(table, sa.Column("staff_of", sa.String(40)), schema="identity")
    _staff_roles()
    _approvals()
    _enrolment_codes()
    _exports()
    _erasures()


def downgrade() -> None:
    for table in ("erasure_request", "data_export", "enrolment_code", "approval", "staff_role"):
        op.drop_table(table, schema="identity")
    for table in ("browser_session", "authorization_grant"):
        op.drop_column(table, "staff_of", schema="identity")
    op.drop_column("device", "last_seen_at", schema="identity")
    op.drop_column("device", "attestation", schema="identity")
    # The older code knows fewer states: what is over stays stopped.
    op.execute("update identity.device set state = 'suspended' where state = 'retired'")
    op.execute("update identity.person set state = 'disabled' where state = 'erased'")
    _states(0)


def _states(which: int) -> None:
    for table, rules in _STATES.items():
        op.drop_constraint(op.f(f"ck_{table}_state"), table, schema="identity")
        op.create_check_constraint(op.f(f"ck_{table}_state"), table, rules[which], schema="identity")


def _staff_roles() -> None:
    op.create_table(
        "staff_role",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("person_id", sa.String(40), sa.ForeignKey(_PERSON), nullable=False),
        sa.Column("organisation_id", sa.String(40), sa.ForeignKey(_ORGANISATION), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("area", sa.String(12), nullable=False),
        sa.Column("valid_from", _TIME, nullable=False),
        sa.Column("valid_until", _TIME),
        sa.Column("given_by", sa.String(40), nullable=False),
        sa.Column("ended_at", _TIME),
        sa.CheckConstraint(
            "role in ('administrator', 'clients', 'devices', 'people', 'window', 'presence-check', 'face-dedup')",
            name=op.f("ck_staff_role_role"),
        ),
        sa.CheckConstraint("valid_until is null or valid_until > valid_from", name=op.f("ck_staff_role_span")),
        schema="identity",
    )
    op.create_index(op.f("ix_staff_role_organisation_id"), "staff_role", ["organisation_id"], schema="identity")
    _unique_open("staff_role", ["person_id", "organisation_id", "role", "area"], "ended_at is null")


def _approvals() -> None:
    op.create_table(
        "approval",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("act", sa.String(40), nullable=False),
        sa.Column("arguments", _JSON, nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("proposed_by", sa.String(40), nullable=False),
        sa.Column("proposed_session", sa.String(40)),
        sa.Column("decided_by", sa.String(40)),
        sa.Column("decided_session", sa.String(40)),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("decided_at", _TIME),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("executed_at", _TIME),
        sa.CheckConstraint("state in ('proposed', 'approved', 'refused', 'executed')", name=op.f("ck_approval_state")),
        sa.CheckConstraint(
            "decided_by is null or state = 'refused' or decided_by <> proposed_by", name=op.f("ck_approval_four_eyes")
        ),
        sa.CheckConstraint(
            "decided_session is null or proposed_session is null or state = 'refused'"
            " or decided_session <> proposed_session",
            name=op.f("ck_approval_two_sessions"),
        ),
        sa.CheckConstraint(
            "state not in ('approved', 'executed') or decided_by is not null", name=op.f("ck_approval_decided")
        ),
        schema="identity",
    )
    op.create_index("ix_approval_created_at_id", "approval", ["created_at", "id"], schema="identity")


def _enrolment_codes() -> None:
    op.create_table(
        "enrolment_code",
        sa.Column("code_hash", sa.LargeBinary(), primary_key=True),
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("organisation_id", sa.String(40), sa.ForeignKey(_ORGANISATION), nullable=False),
        sa.Column("device_id", sa.String(40), sa.ForeignKey(_DEVICE)),
        sa.Column("place", sa.String(12), nullable=False),
        sa.Column("label", sa.String(80), nullable=False),
        sa.Column("access", _JSON, nullable=False),
        sa.Column("made_by", sa.String(40), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("consumed_at", _TIME),
        sa.UniqueConstraint("id", name=op.f("uq_enrolment_code_id")),
        schema="identity",
    )
    op.create_index(op.f("ix_enrolment_code_expires_at"), "enrolment_code", ["expires_at"], schema="identity")


def _exports() -> None:
    op.create_table(
        "data_export",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("person_id", sa.String(40), sa.ForeignKey(_PERSON), nullable=False),
        sa.Column("asked_by", sa.String(40), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("sealed", sa.LargeBinary()),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("fetched_at", _TIME),
        sa.CheckConstraint("state in ('queued', 'ready', 'fetched', 'expired')", name=op.f("ck_data_export_state")),
        sa.CheckConstraint("(state = 'ready') = (sealed is not null)", name=op.f("ck_data_export_sealed")),
        schema="identity",
    )
    op.create_index(op.f("ix_data_export_expires_at"), "data_export", ["expires_at"], schema="identity")
    _unique_open("data_export", ["person_id"], "state in ('queued', 'ready')")


def _erasures() -> None:
    op.create_table(
        "erasure_request",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("person_id", sa.String(40), sa.ForeignKey(_PERSON), nullable=False),
        sa.Column("asked_by", sa.String(40), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("kept", _JSON, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME),
        sa.CheckConstraint("state in ('cooling', 'cancelled', 'done')", name=op.f("ck_erasure_request_state")),
        schema="identity",
    )
    _unique_open("erasure_request", ["person_id"], "state = 'cooling'")
    op.create_index(
        "ix_erasure_request_due",
        "erasure_request",
        ["due_at"],
        schema="identity",
        postgresql_where=sa.text("state = 'cooling'"),
    )


def _unique_open(table: str, columns: list[str], condition: str) -> None:
    op.create_index(
        f"uq_{table}_open", table, columns, unique=True, schema="identity", postgresql_where=sa.text(condition)
    )

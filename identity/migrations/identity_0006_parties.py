"""Who may act for whom, how sure we are of a person, and sessions that act for somebody."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "identity_0006"
down_revision = "identity_0005"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_JSON = postgresql.JSONB()
_PERSON = "identity.person.id"


def upgrade() -> None:
    _proofing()
    _relationship()
    _mandate()
    _assistance()
    op.add_column("authorization_grant", sa.Column("capacity", sa.String(24)), schema="identity")
    for name in ("acting_for", "acting_evidence"):
        op.add_column("browser_session", sa.Column(name, sa.String(40)), schema="identity")
    op.create_index(
        "ix_browser_session_acting_evidence", "browser_session", ["acting_evidence"], schema="identity",
        postgresql_where=sa.text("acting_evidence is not null"),
    )  # fmt: skip
    op.create_index(
        "ix_authorization_grant_mandate", "authorization_grant", ["mandate_id"], schema="identity",
        postgresql_where=sa.text("mandate_id is not null"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_authorization_grant_mandate", "authorization_grant", schema="identity")
    op.drop_index("ix_browser_session_acting_evidence", "browser_session", schema="identity")
    op.drop_column("authorization_grant", "capacity", schema="identity")
    for name in ("acting_evidence", "acting_for"):
        op.drop_column("browser_session", name, schema="identity")
    for table in ("assistance", "mandate", "relationship", "network_identity"):
        op.drop_table(table, schema="identity")
    op.drop_column("proofing_event", "outcome", schema="identity")
    op.drop_constraint(op.f("ck_person_proven_is_unique"), "person", schema="identity")
    op.drop_constraint(op.f("ck_person_proofing_level"), "person", schema="identity")
    op.drop_index(op.f("ix_person_checked_at"), "person", schema="identity")
    op.drop_column("person", "checked_at", schema="identity")
    # Older code wants an index of every person; a self-stated number is nobody's yet and gets one that finds nothing.
    op.execute("update identity.person set resident_id_index = sha256(id::bytea) where resident_id_index is null")
    op.alter_column("person", "resident_id_index", nullable=False, schema="identity")


def _proofing() -> None:
    op.alter_column("person", "resident_id_index", nullable=True, schema="identity")
    op.add_column("person", sa.Column("checked_at", _TIME), schema="identity")
    op.create_index(op.f("ix_person_checked_at"), "person", ["checked_at"], schema="identity")
    op.create_check_constraint(
        op.f("ck_person_proofing_level"), "person", "proofing_level between 1 and 5", schema="identity"
    )
    op.create_check_constraint(
        op.f("ck_person_proven_is_unique"), "person", "proofing_level < 3 or resident_id_index is not null",
        schema="identity",
    )  # fmt: skip
    op.add_column(
        "proofing_event",
        sa.Column("outcome", sa.String(12), nullable=False, server_default="raised"),
        schema="identity",
    )
    op.alter_column("proofing_event", "outcome", server_default=None, schema="identity")
    op.create_table(
        "network_identity",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("person_id", sa.String(40), sa.ForeignKey(_PERSON), nullable=False),
        sa.Column("identifier_index", sa.LargeBinary(), nullable=False),
        sa.Column("identifier_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("bound_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME),
        schema="identity",
    )
    for name, column in (("person", "person_id"), ("identifier", "identifier_index")):
        op.create_index(
            f"uq_network_identity_{name}", "network_identity", [column], unique=True, schema="identity",
            postgresql_where=sa.text("ended_at is null"),
        )  # fmt: skip


def _relationship() -> None:
    op.create_table(
        "relationship",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("actor_id", sa.String(40), sa.ForeignKey(_PERSON)),
        sa.Column("addressee", sa.LargeBinary()),
        sa.Column("party_id", sa.String(40), nullable=False),
        sa.Column("role", sa.String(40)),
        sa.Column("access", _JSON),
        sa.Column("evidence", _JSON, nullable=False),
        sa.Column("appointed_by", sa.String(40)),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("valid_from", _TIME, nullable=False),
        sa.Column("valid_until", _TIME),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("accepted_at", _TIME),
        sa.Column("ended_at", _TIME),
        sa.Column("ended_because", sa.String(24)),
        *_checks(
            "relationship",
            kind="kind in ('guardian', 'legal_representative', 'agent')",
            state="state in ('offered', 'active', 'disputed', 'ended')",
            two_parties="actor_id is distinct from party_id",
            accepted_by_somebody="actor_id is not null or state in ('offered', 'ended')",
            validity="valid_until is null or valid_until > valid_from",
            agent_ends="kind <> 'agent' or (valid_until is not null and role is not null)",
        ),
        schema="identity",
    )
    opened = "state <> 'ended' and "
    _unique("relationship", "open", ["kind", "actor_id", "party_id"], opened + "actor_id is not null")
    _unique("relationship", "offer", ["kind", "addressee", "party_id"], opened + "addressee is not null")
    _unique("relationship", "legal_representative", ["party_id"], opened + "kind = 'legal_representative'")
    op.create_index("ix_relationship_party", "relationship", ["party_id"], schema="identity")


def _mandate() -> None:
    op.create_table(
        "mandate",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("principal_id", sa.String(40), sa.ForeignKey(_PERSON), nullable=False),
        sa.Column("agent_id", sa.String(40), sa.ForeignKey(_PERSON)),
        sa.Column("addressee", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.String(80), nullable=False),
        sa.Column("authorization_details", _JSON, nullable=False),
        sa.Column("evidence", _JSON, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("accepted_at", _TIME),
        sa.Column("ended_at", _TIME),
        sa.Column("ended_because", sa.String(24)),
        *_checks(
            "mandate",
            state="state in ('offered', 'active', 'refused', 'revoked')",
            two_persons="agent_id is distinct from principal_id",
            accepted_by_somebody="(state in ('active')) <= (agent_id is not null)",
            validity="expires_at > created_at",
        ),
        schema="identity",
    )
    op.create_index("ix_mandate_principal", "mandate", ["principal_id"], schema="identity")
    for column, where in (("agent", "agent_id is not null"), ("addressee", "state = 'offered'")):
        name = "agent_id" if column == "agent" else column
        op.create_index(f"ix_mandate_{column}", "mandate", [name], schema="identity", postgresql_where=sa.text(where))
    _unique("mandate", "open", ["principal_id", "addressee", "purpose"], "state in ('offered', 'active')")


def _assistance() -> None:
    op.create_table(
        "assistance",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("staff_id", sa.String(40), sa.ForeignKey(_PERSON), nullable=False),
        sa.Column("person_id", sa.String(40), sa.ForeignKey(_PERSON), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("place", sa.String(12), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("began_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME),
        *_checks("assistance", two_persons="staff_id <> person_id"),
        schema="identity",
    )
    op.create_index(op.f("ix_assistance_person_id"), "assistance", ["person_id"], schema="identity")
    _unique("assistance", "open", ["staff_id", "person_id"], "ended_at is null")


def _checks(table: str, **rules: str) -> list[sa.CheckConstraint]:
    return [sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}")) for name, rule in rules.items()]


def _unique(table: str, name: str, columns: list[str], where: str) -> None:
    op.create_index(
        f"uq_{table}_{name}", table, columns, unique=True, schema="identity", postgresql_where=sa.text(where)
    )

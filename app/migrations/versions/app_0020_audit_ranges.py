"""Heads seal ranges of transactions; a leaf is written once and never again.

No released version made heads: those of a trial city are dropped, and all its
leaves are sealed anew by ranges.

Revision ID: app_0020
"""

import sqlalchemy as sa
from alembic import op

revision = "app_0020"
down_revision = "app_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Replace each leaf's head and place by each head's range."""
    op.execute("DELETE FROM app.audit_head")
    op.add_column("audit_head", sa.Column("from_xid", sa.BigInteger, nullable=False), schema="app")
    op.add_column("audit_head", sa.Column("until_xid", sa.BigInteger, nullable=False), schema="app")
    op.create_unique_constraint("uq_audit_head_until_xid", "audit_head", ["until_xid"], schema="app")
    op.drop_index("ix_audit_leaf_head", "audit_leaf", schema="app")
    op.drop_index("ix_audit_leaf_unsealed", "audit_leaf", schema="app")
    op.drop_column("audit_leaf", "head_id", schema="app")
    op.drop_column("audit_leaf", "position", schema="app")
    # The sealer reads in this order, and one index less is cheaper to write.
    op.drop_constraint("pk_audit_leaf", "audit_leaf", schema="app")
    op.create_primary_key("pk_audit_leaf", "audit_leaf", ["xid", "id"], schema="app")
    op.execute("CREATE FUNCTION app.audit_offset() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 0::bigint'")


def downgrade() -> None:
    """Go back to a head and place in each leaf; all leaves are sealed anew."""
    op.execute("DELETE FROM app.audit_head")
    op.execute("DROP FUNCTION app.audit_offset()")
    op.drop_constraint("pk_audit_leaf", "audit_leaf", schema="app")
    op.create_primary_key("pk_audit_leaf", "audit_leaf", ["id"], schema="app")
    op.add_column("audit_leaf", sa.Column("head_id", sa.BigInteger), schema="app")
    op.add_column("audit_leaf", sa.Column("position", sa.Integer), schema="app")
    op.create_index("ix_audit_leaf_head", "audit_leaf", ["head_id", "position"], schema="app")
    op.create_index(
        "ix_audit_leaf_unsealed", "audit_leaf", ["xid", "id"], schema="app", postgresql_where=sa.text("head_id IS NULL")
    )
    op.drop_constraint("uq_audit_head_until_xid", "audit_head", schema="app")
    op.drop_column("audit_head", "from_xid", schema="app")
    op.drop_column("audit_head", "until_xid", schema="app")

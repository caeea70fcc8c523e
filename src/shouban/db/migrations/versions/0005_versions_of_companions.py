"""versions of companions"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('companion_versions',
    sa.Column('service_id', sa.String(length=64), nullable=False),
    sa.Column('companion_id', sa.String(length=64), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('review_id', sa.String(length=40), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('findings', sa.LargeBinary(), nullable=False),
    sa.Column('declared_us', sa.BigInteger(), nullable=False),
    sa.Column('decided_us', sa.BigInteger(), nullable=False),
    sa.Column('decided_by', sa.String(length=40), nullable=False),
    sa.Column('why', sa.Text(), nullable=False),
    sa.Column('appeal', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('service_id', 'companion_id', 'version'),
    sa.UniqueConstraint('review_id', name='companion_versions_review')
    )
    with op.batch_alter_table('companion_versions', schema=None) as batch_op:
        batch_op.create_index('companion_versions_state', ['service_id', 'state', 'declared_us'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('companion_versions', schema=None) as batch_op:
        batch_op.drop_index('companion_versions_state')
    op.drop_table('companion_versions')

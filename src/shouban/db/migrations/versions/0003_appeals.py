"""appeals"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('appeals',
    sa.Column('case_id', sa.String(length=40), nullable=False),
    sa.Column('service_id', sa.String(length=64), nullable=False),
    sa.Column('person_id', sa.String(length=40), nullable=False),
    sa.Column('about', sa.String(length=16), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('opened_us', sa.BigInteger(), nullable=False),
    sa.Column('due_us', sa.BigInteger(), nullable=False),
    sa.Column('decided_us', sa.BigInteger(), nullable=False),
    sa.Column('decided_by', sa.String(length=40), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('case_id')
    )
    with op.batch_alter_table('appeals', schema=None) as batch_op:
        batch_op.create_index('appeals_open', ['service_id', 'state', 'due_us'], unique=False)
        batch_op.create_index('appeals_person', ['service_id', 'person_id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('appeals', schema=None) as batch_op:
        batch_op.drop_index('appeals_person')
        batch_op.drop_index('appeals_open')
    op.drop_table('appeals')

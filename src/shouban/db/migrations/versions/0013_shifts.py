"""shifts of the care desk, and supervisors who listen, whisper and join"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'shifts',
        sa.Column('shift_id', sa.String(40), primary_key=True),
        sa.Column('service_id', sa.String(64), nullable=False),
        sa.Column('account_id', sa.String(40), nullable=False),
        sa.Column('from_us', sa.BigInteger(), nullable=False),
        sa.Column('until_us', sa.BigInteger(), nullable=False),
        sa.Column('skills', sa.String(64), nullable=False),
        sa.Column('most', sa.Integer(), nullable=False),
        sa.Column('set_by', sa.String(40), nullable=False),
    )
    op.create_index('shifts_service', 'shifts', ['service_id', 'until_us'])
    op.create_table(
        'case_joins',
        sa.Column('join_id', sa.String(40), primary_key=True),
        sa.Column('case_id', sa.String(40), nullable=False),
        sa.Column('service_id', sa.String(64), nullable=False),
        sa.Column('person_id', sa.String(40), nullable=False),
        sa.Column('account_id', sa.String(40), nullable=False),
        sa.Column('joined_us', sa.BigInteger(), nullable=False),
        sa.Column('left_us', sa.BigInteger(), nullable=False),
    )
    op.create_index('case_joins_person', 'case_joins', ['service_id', 'person_id', 'left_us'])
    op.create_table(
        'whispers',
        sa.Column('whisper_id', sa.String(40), primary_key=True),
        sa.Column('case_id', sa.String(40), nullable=False),
        sa.Column('service_id', sa.String(64), nullable=False),
        sa.Column('person_id', sa.String(40), nullable=False),
        sa.Column('account_id', sa.String(40), nullable=False),
        sa.Column('to_id', sa.String(40), nullable=False),
        sa.Column('at_us', sa.BigInteger(), nullable=False),
        sa.Column('sealed', sa.LargeBinary(), nullable=False),
    )
    op.create_index('whispers_person', 'whispers', ['service_id', 'person_id', 'at_us'])
    op.add_column('seats', sa.Column('listens', sa.Integer(), nullable=False, server_default='0'))


def downgrade() -> None:
    op.drop_column('seats', 'listens')
    for table in ('whispers', 'case_joins', 'shifts'):
        op.drop_table(table)

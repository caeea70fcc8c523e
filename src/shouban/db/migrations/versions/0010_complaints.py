"""complaints"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'complaints',
        sa.Column('complaint_id', sa.String(40), primary_key=True),
        sa.Column('service_id', sa.String(64), nullable=False),
        sa.Column('person_id', sa.String(40), nullable=False),
        sa.Column('receipt', sa.String(64), nullable=False),
        sa.Column('sort', sa.String(16), nullable=False),
        sa.Column('about', sa.String(24), nullable=False),
        sa.Column('channel', sa.String(16), nullable=False),
        sa.Column('is_urgent', sa.Integer(), nullable=False),
        sa.Column('stage', sa.String(16), nullable=False),
        sa.Column('parent_id', sa.String(40), nullable=False),
        sa.Column('taken_by', sa.String(40), nullable=False),
        sa.Column('filed_us', sa.BigInteger(), nullable=False),
        sa.Column('remind_us', sa.BigInteger(), nullable=False),
        sa.Column('due_us', sa.BigInteger(), nullable=False),
        sa.Column('accepted_us', sa.BigInteger(), nullable=False),
        sa.Column('answered_us', sa.BigInteger(), nullable=False),
        sa.Column('decided_by', sa.String(40), nullable=False),
        sa.Column('decision', sa.String(16), nullable=False),
        sa.Column('sealed', sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint('receipt', name='complaints_receipt'),
    )
    op.create_index('complaints_open', 'complaints', ['service_id', 'stage', 'due_us'])
    op.create_index('complaints_person', 'complaints', ['service_id', 'person_id'])
    op.create_index('complaints_parent', 'complaints', ['parent_id'])
    op.create_table(
        'complaint_entries',
        sa.Column('entry_id', sa.String(40), primary_key=True),
        sa.Column('complaint_id', sa.String(40), nullable=False),
        sa.Column('service_id', sa.String(64), nullable=False),
        sa.Column('person_id', sa.String(40), nullable=False),
        sa.Column('account_id', sa.String(40), nullable=False),
        sa.Column('kind', sa.String(16), nullable=False),
        sa.Column('at_us', sa.BigInteger(), nullable=False),
        sa.Column('sealed', sa.LargeBinary(), nullable=False),
    )
    op.create_index('complaint_entries_complaint', 'complaint_entries', ['complaint_id', 'at_us'])
    op.create_index('complaint_entries_person', 'complaint_entries', ['service_id', 'person_id'])
    op.create_table(
        'complaint_files',
        sa.Column('file_id', sa.String(40), primary_key=True),
        sa.Column('complaint_id', sa.String(40), nullable=False),
        sa.Column('service_id', sa.String(64), nullable=False),
        sa.Column('person_id', sa.String(40), nullable=False),
        sa.Column('media', sa.String(32), nullable=False),
        sa.Column('size', sa.Integer(), nullable=False),
        sa.Column('at_us', sa.BigInteger(), nullable=False),
        sa.Column('sealed', sa.LargeBinary(), nullable=False),
    )
    op.create_index('complaint_files_complaint', 'complaint_files', ['complaint_id'])
    op.create_index('complaint_files_person', 'complaint_files', ['service_id', 'person_id'])


def downgrade() -> None:
    for table in ('complaint_files', 'complaint_entries', 'complaints'):
        op.drop_table(table)

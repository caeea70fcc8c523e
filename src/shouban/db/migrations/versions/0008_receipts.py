"""receipts of contacts"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'receipts',
        sa.Column('receipt_id', sa.String(80), primary_key=True),
        sa.Column('service_id', sa.String(64), nullable=False),
        sa.Column('person_id', sa.String(40), nullable=False),
        sa.Column('duty_id', sa.String(40), nullable=False),
        sa.Column('contact_id', sa.String(40), nullable=False),
        sa.Column('token', sa.String(64), nullable=False),
        sa.Column('sent_us', sa.BigInteger(), nullable=False),
        sa.Column('how', sa.String(80), nullable=False),
        sa.Column('answered_us', sa.BigInteger(), nullable=False),
    )
    op.create_index('receipts_person', 'receipts', ['service_id', 'person_id', 'sent_us'])
    op.create_index('receipts_token', 'receipts', ['token'])


def downgrade() -> None:
    op.drop_table('receipts')

"""notices"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'notices',
        sa.Column('notice_id', sa.String(40), primary_key=True),
        sa.Column('service_id', sa.String(64), nullable=False),
        sa.Column('kind', sa.String(16), nullable=False),
        sa.Column('what', sa.String(64), nullable=False),
        sa.Column('state', sa.String(12), nullable=False),
        sa.Column('posted_us', sa.BigInteger(), nullable=False),
        sa.Column('taken_down_us', sa.BigInteger(), nullable=False),
        sa.Column('account_id', sa.String(40), nullable=False),
        sa.Column('reached', sa.Integer(), nullable=False),
        sa.Column('body', sa.LargeBinary(), nullable=False),
    )
    op.create_index('notices_service', 'notices', ['service_id', 'state', 'posted_us'])
    still_out = sa.text("state = 'posted' AND kind = 'outage'")
    op.create_index(
        'one_outage', 'notices', ['service_id', 'what'], unique=True, sqlite_where=still_out, postgresql_where=still_out
    )
    op.create_table(
        'deliveries',
        sa.Column('notice_id', sa.String(40), primary_key=True),
        sa.Column('service_id', sa.String(64), primary_key=True),
        sa.Column('person_id', sa.String(40), primary_key=True),
        sa.Column('at_us', sa.BigInteger(), nullable=False),
        sa.Column('how', sa.String(16), nullable=False),
    )
    op.create_index('deliveries_person', 'deliveries', ['service_id', 'person_id'])


def downgrade() -> None:
    for table in ('deliveries', 'notices'):
        op.drop_table(table)

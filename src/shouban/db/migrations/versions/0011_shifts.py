"""shifts of the care desk"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0011'
down_revision = '0010'
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


def downgrade() -> None:
    op.drop_table('shifts')

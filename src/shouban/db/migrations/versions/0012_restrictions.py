"""restrictions"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

OPEN = "stage IN ('proposed', 'in_force')"


def upgrade() -> None:
    op.create_table(
        'restrictions',
        sa.Column('restriction_id', sa.String(40), primary_key=True),
        sa.Column('service_id', sa.String(64), nullable=False),
        sa.Column('person_id', sa.String(40), nullable=False),
        sa.Column('kind', sa.String(16), nullable=False),
        sa.Column('category', sa.String(16), nullable=False),
        sa.Column('stage', sa.String(16), nullable=False),
        sa.Column('is_urgent', sa.Integer(), nullable=False),
        sa.Column('term_s', sa.BigInteger(), nullable=False),
        sa.Column('proposed_by', sa.String(40), nullable=False),
        sa.Column('decided_by', sa.String(40), nullable=False),
        sa.Column('lifted_by', sa.String(40), nullable=False),
        sa.Column('appeal', sa.String(16), nullable=False),
        sa.Column('appeal_by', sa.String(40), nullable=False),
        sa.Column('proposed_us', sa.BigInteger(), nullable=False),
        sa.Column('decided_us', sa.BigInteger(), nullable=False),
        sa.Column('lifted_us', sa.BigInteger(), nullable=False),
        sa.Column('effect_us', sa.BigInteger(), nullable=False),
        sa.Column('until_us', sa.BigInteger(), nullable=False),
        sa.Column('appealed_us', sa.BigInteger(), nullable=False),
        sa.Column('appeal_due_us', sa.BigInteger(), nullable=False),
        sa.Column('answered_us', sa.BigInteger(), nullable=False),
        sa.Column('fence', sa.Integer(), nullable=False),
        sa.Column('sealed', sa.LargeBinary(), nullable=False),
    )
    op.create_index('restrictions_stage', 'restrictions', ['service_id', 'stage', 'until_us'])
    op.create_index('restrictions_person', 'restrictions', ['service_id', 'person_id', 'proposed_us'])
    op.create_index(
        'one_open_restriction', 'restrictions', ['service_id', 'person_id'], unique=True, sqlite_where=sa.text(OPEN), postgresql_where=sa.text(OPEN)
    )


def downgrade() -> None:
    op.drop_table('restrictions')

"""consents and processors"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('consents',
    sa.Column('consent_id', sa.String(length=40), nullable=False),
    sa.Column('service_id', sa.String(length=64), nullable=False),
    sa.Column('person_id', sa.String(length=40), nullable=False),
    sa.Column('purpose', sa.String(length=32), nullable=False),
    sa.Column('party', sa.String(length=64), nullable=False),
    sa.Column('by', sa.String(length=16), nullable=False),
    sa.Column('text_version', sa.String(length=64), nullable=False),
    sa.Column('verified', sa.String(length=64), nullable=False),
    sa.Column('given_us', sa.BigInteger(), nullable=False),
    sa.Column('withdrawn_us', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('consent_id')
    )
    with op.batch_alter_table('consents', schema=None) as batch_op:
        batch_op.create_index('consents_person', ['service_id', 'person_id', 'purpose'], unique=False)
    op.create_table('processors',
    sa.Column('service_id', sa.String(length=64), nullable=False),
    sa.Column('processor_id', sa.String(length=64), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('at_us', sa.BigInteger(), nullable=False),
    sa.Column('decided_by', sa.String(length=40), nullable=False),
    sa.PrimaryKeyConstraint('service_id', 'processor_id')
    )


def downgrade() -> None:
    op.drop_table('processors')
    with op.batch_alter_table('consents', schema=None) as batch_op:
        batch_op.drop_index('consents_person')
    op.drop_table('consents')

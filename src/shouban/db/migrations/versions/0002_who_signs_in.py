"""who signs in"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('accounts',
    sa.Column('service_id', sa.String(length=64), nullable=False),
    sa.Column('account_id', sa.String(length=40), nullable=False),
    sa.Column('lookup', sa.String(length=64), nullable=False),
    sa.Column('roles', sa.String(length=200), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('password', sa.Text(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('failed', sa.Integer(), nullable=False),
    sa.Column('locked_until_us', sa.BigInteger(), nullable=False),
    sa.Column('code_used', sa.BigInteger(), nullable=False),
    sa.Column('created_us', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('service_id', 'account_id'),
    sa.UniqueConstraint('service_id', 'lookup', name='accounts_lookup')
    )
    op.create_table('sign_ins',
    sa.Column('token', sa.String(length=64), nullable=False),
    sa.Column('service_id', sa.String(length=64), nullable=False),
    sa.Column('account_id', sa.String(length=40), nullable=False),
    sa.Column('person_id', sa.String(length=40), nullable=False),
    sa.Column('is_full', sa.Integer(), nullable=False),
    sa.Column('opened_us', sa.BigInteger(), nullable=False),
    sa.Column('seen_us', sa.BigInteger(), nullable=False),
    sa.Column('ends_us', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('token')
    )
    with op.batch_alter_table('sign_ins', schema=None) as batch_op:
        batch_op.create_index('sign_ins_account', ['service_id', 'account_id'], unique=False)
        batch_op.create_index('sign_ins_person', ['service_id', 'person_id'], unique=False)
    op.create_table('grants',
    sa.Column('grant_id', sa.String(length=40), nullable=False),
    sa.Column('service_id', sa.String(length=64), nullable=False),
    sa.Column('account_id', sa.String(length=40), nullable=False),
    sa.Column('person_id', sa.String(length=40), nullable=False),
    sa.Column('from_us', sa.BigInteger(), nullable=False),
    sa.Column('until_us', sa.BigInteger(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('grant_id')
    )
    with op.batch_alter_table('grants', schema=None) as batch_op:
        batch_op.create_index('grants_person', ['service_id', 'person_id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('grants', schema=None) as batch_op:
        batch_op.drop_index('grants_person')
    op.drop_table('grants')
    with op.batch_alter_table('sign_ins', schema=None) as batch_op:
        batch_op.drop_index('sign_ins_person')
        batch_op.drop_index('sign_ins_account')
    op.drop_table('sign_ins')
    op.drop_table('accounts')

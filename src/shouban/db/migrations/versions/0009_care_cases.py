"""care cases"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'cases',
        sa.Column('case_id', sa.String(40), primary_key=True),
        sa.Column('service_id', sa.String(64), nullable=False),
        sa.Column('person_id', sa.String(40), nullable=False),
        sa.Column('session_id', sa.String(64), nullable=False),
        sa.Column('reason', sa.String(16), nullable=False),
        sa.Column('urgency', sa.Integer(), nullable=False),
        sa.Column('wants_takeover', sa.Integer(), nullable=False),
        sa.Column('stage', sa.String(16), nullable=False),
        sa.Column('opened_us', sa.BigInteger(), nullable=False),
        sa.Column('due_us', sa.BigInteger(), nullable=False),
        sa.Column('asked_us', sa.BigInteger(), nullable=False),
        sa.Column('claimed_us', sa.BigInteger(), nullable=False),
        sa.Column('claimed_by', sa.String(40), nullable=False),
        sa.Column('fence', sa.Integer(), nullable=False),
        sa.Column('taken_us', sa.BigInteger(), nullable=False),
        sa.Column('handed_us', sa.BigInteger(), nullable=False),
        sa.Column('closed_us', sa.BigInteger(), nullable=False),
        sa.Column('outcome', sa.String(16), nullable=False),
        sa.Column('risk', sa.Integer(), nullable=False),
        sa.Column('spoke_us', sa.BigInteger(), nullable=False),
        sa.Column('lease_until_us', sa.BigInteger(), nullable=False),
    )
    op.create_index('cases_queue', 'cases', ['service_id', 'stage', 'urgency', 'risk', 'due_us'])
    op.create_index('cases_person', 'cases', ['service_id', 'person_id'])
    still_open = sa.text("stage <> 'closed'")
    op.create_index(
        'one_open_case', 'cases', ['service_id', 'person_id'], unique=True, sqlite_where=still_open, postgresql_where=still_open
    )
    op.create_table(
        'case_notes',
        sa.Column('note_id', sa.String(40), primary_key=True),
        sa.Column('case_id', sa.String(40), nullable=False),
        sa.Column('service_id', sa.String(64), nullable=False),
        sa.Column('person_id', sa.String(40), nullable=False),
        sa.Column('account_id', sa.String(40), nullable=False),
        sa.Column('at_us', sa.BigInteger(), nullable=False),
        sa.Column('sealed', sa.LargeBinary(), nullable=False),
    )
    op.create_index('case_notes_person', 'case_notes', ['service_id', 'person_id', 'at_us'])
    op.create_table(
        'seats',
        sa.Column('seat_id', sa.String(40), primary_key=True),
        sa.Column('service_id', sa.String(64), nullable=False),
        sa.Column('account_id', sa.String(40), nullable=False),
        sa.Column('case_id', sa.String(40), nullable=False),
        sa.Column('seen_us', sa.BigInteger(), nullable=False),
    )
    op.create_index('seats_service', 'seats', ['service_id', 'seen_us'])


def downgrade() -> None:
    for table in ('seats', 'case_notes', 'cases'):
        op.drop_table(table)

"""The tables. Every row of a person carries `service_id, person_id`, so that PostgreSQL can be partitioned by them.

`person_id` is random; the app's own id stands only, sealed, in `persons`. Columns named `sealed` are encrypted with
the person's key (see `keys`). Times are integers: microseconds since 1970, UTC.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

METADATA = MetaData()
SERIAL = BigInteger().with_variant(Integer, "sqlite")

META = Table(
    "meta",
    METADATA,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

PERSONS = Table(
    "persons",
    METADATA,
    Column("service_id", String(64), primary_key=True),
    Column("person_id", String(40), primary_key=True),
    Column("lookup", String(64), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    UniqueConstraint("service_id", "lookup", name="persons_lookup"),
)

PERSON_KEYS = Table(
    "person_keys",
    METADATA,
    Column("service_id", String(64), primary_key=True),
    Column("person_id", String(40), primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
)

STATES = Table(
    "states",
    METADATA,
    Column("service_id", String(64), primary_key=True),
    Column("person_id", String(40), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

MESSAGES = Table(
    "messages",
    METADATA,
    Column("service_id", String(64), primary_key=True),
    Column("person_id", String(40), primary_key=True),
    Column("message_id", String(40), primary_key=True),
    Column("session_id", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("messages_session", "service_id", "person_id", "session_id", "at_us"),
)

PUSHES = Table(
    "pushes",
    METADATA,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("service_id", String(64), nullable=False),
    Column("person_id", String(40), nullable=False),
    Column("push_id", String(40), nullable=False),
    Column("session_id", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    UniqueConstraint("service_id", "person_id", "push_id", name="pushes_once"),
    Index("pushes_person", "service_id", "person_id", "id"),
)

LEDGER = Table(
    "ledger",
    METADATA,
    Column("duty_id", String(40), primary_key=True),
    Column("service_id", String(64), nullable=False),
    Column("person_id", String(40), nullable=False),
    Column("session_id", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("unique_key", String(160), nullable=True),
    Column("state", String(12), nullable=False),
    Column("owed_us", BigInteger, nullable=False),
    Column("due_us", BigInteger, nullable=False),
    Column("next_us", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("lease", String(64), nullable=False),
    Column("leased_until_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger, nullable=False),
    Column("outcome", Text, nullable=False),
    UniqueConstraint("unique_key", name="ledger_unique"),
    Index("ledger_due", "state", "next_us"),
    Index("ledger_person", "service_id", "person_id"),
)

LOG_ENTRIES = Table(
    "log_entries",
    METADATA,
    Column("leaf_index", BigInteger, primary_key=True, autoincrement=False),
    Column("service_id", String(64), nullable=False),
    Column("person_id", String(40), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Index("log_entries_person", "service_id", "person_id", "leaf_index"),
)

LOG_TILES = Table(
    "log_tiles",
    METADATA,
    Column("level", Integer, primary_key=True),
    Column("n", BigInteger, primary_key=True),
    Column("hashes", LargeBinary, nullable=False),
)

LOG_HEAD = Table(
    "log_head",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("checkpoint", Text, nullable=False),
)

HOLDS = Table(
    "holds",
    METADATA,
    Column("hold_id", String(40), primary_key=True),
    Column("service_id", String(64), nullable=False),
    Column("person_id", String(40), nullable=False),
    Column("topic", String(32), nullable=False),
    Column("from_us", BigInteger, nullable=False),
    Column("until_us", BigInteger, nullable=False),
)

COMPANIONS = Table(
    "companions",
    METADATA,
    Column("service_id", String(64), primary_key=True),
    Column("companion_id", String(64), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("at_us", BigInteger, nullable=False),
)

# Who signs in to pages: staff and guardians. `lookup` is the blind index of the sign-in name, `password` an Argon2id string.
ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("service_id", String(64), primary_key=True),
    Column("account_id", String(40), primary_key=True),
    Column("lookup", String(64), nullable=False),
    Column("roles", String(200), nullable=False),
    Column("state", String(12), nullable=False),
    Column("password", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("locked_until_us", BigInteger, nullable=False),
    Column("code_used", BigInteger, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    UniqueConstraint("service_id", "lookup", name="accounts_lookup"),
)

# An open sign-in; `token` is the digest of the cookie. `person_id` is set where a person of the app sees their own data.
SIGN_INS = Table(
    "sign_ins",
    METADATA,
    Column("token", String(64), primary_key=True),
    Column("service_id", String(64), nullable=False),
    Column("account_id", String(40), nullable=False),
    Column("person_id", String(40), nullable=False),
    Column("is_full", Integer, nullable=False),
    Column("opened_us", BigInteger, nullable=False),
    Column("seen_us", BigInteger, nullable=False),
    Column("ends_us", BigInteger, nullable=False),
    Index("sign_ins_account", "service_id", "account_id"),
    Index("sign_ins_person", "service_id", "person_id"),
)

# Break-glass: an account may read a person's words until then. The reason is sealed with the person's key.
GRANTS = Table(
    "grants",
    METADATA,
    Column("grant_id", String(40), primary_key=True),
    Column("service_id", String(64), nullable=False),
    Column("account_id", String(40), nullable=False),
    Column("person_id", String(40), nullable=False),
    Column("from_us", BigInteger, nullable=False),
    Column("until_us", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("grants_person", "service_id", "person_id"),
)

# What people ask a person of the staff to decide again: today, their age. `sealed` is the reason, and what was decided and why.
APPEALS = Table(
    "appeals",
    METADATA,
    Column("case_id", String(40), primary_key=True),
    Column("service_id", String(64), nullable=False),
    Column("person_id", String(40), nullable=False),
    Column("about", String(16), nullable=False),
    Column("state", String(12), nullable=False),
    Column("opened_us", BigInteger, nullable=False),
    Column("due_us", BigInteger, nullable=False),
    Column("decided_us", BigInteger, nullable=False),
    Column("decided_by", String(40), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("appeals_open", "service_id", "state", "due_us"),
    Index("appeals_person", "service_id", "person_id"),
    Index(
        "one_open_appeal",
        "service_id",
        "person_id",
        "about",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
)

# Guardian and child. `token` is the digest of an invitation that was not yet accepted; `sealed` (with the child's key) says who was invited.
LINKS = Table(
    "links",
    METADATA,
    Column("link_id", String(40), primary_key=True),
    Column("service_id", String(64), nullable=False),
    Column("person_id", String(40), nullable=False),
    Column("account_id", String(40), nullable=False),
    Column("state", String(12), nullable=False),
    Column("token", String(64), nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("ends_us", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("links_person", "service_id", "person_id", "state"),
    Index("links_account", "service_id", "account_id", "state"),
    Index("links_token", "token"),
)

# Which contact was sent which alert, and when they said that they saw it. `token` is the digest of the link in the message.
RECEIPTS = Table(
    "receipts",
    METADATA,
    Column("receipt_id", String(80), primary_key=True),
    Column("service_id", String(64), nullable=False),
    Column("person_id", String(40), nullable=False),
    Column("duty_id", String(40), nullable=False),
    Column("contact_id", String(40), nullable=False),
    Column("token", String(64), nullable=False),
    Column("sent_us", BigInteger, nullable=False),
    Column("how", String(80), nullable=False),
    Column("answered_us", BigInteger, nullable=False),
    Index("receipts_person", "service_id", "person_id", "sent_us"),
    Index("receipts_token", "token"),
)

# Somebody needs a person: one open case each. Working notes of the desk, which no entry of the log answers for: `risk`, `spoke_us`, `lease_until_us`.
CASES = Table(
    "cases",
    METADATA,
    Column("case_id", String(40), primary_key=True),
    Column("service_id", String(64), nullable=False),
    Column("person_id", String(40), nullable=False),
    Column("session_id", String(64), nullable=False),
    Column("reason", String(16), nullable=False),
    Column("urgency", Integer, nullable=False),
    Column("wants_takeover", Integer, nullable=False),
    Column("stage", String(16), nullable=False),
    Column("opened_us", BigInteger, nullable=False),
    Column("due_us", BigInteger, nullable=False),
    Column("asked_us", BigInteger, nullable=False),
    Column("claimed_us", BigInteger, nullable=False),
    Column("claimed_by", String(40), nullable=False),
    Column("fence", Integer, nullable=False),
    Column("taken_us", BigInteger, nullable=False),
    Column("handed_us", BigInteger, nullable=False),
    Column("closed_us", BigInteger, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("risk", Integer, nullable=False),
    Column("spoke_us", BigInteger, nullable=False),
    Column("lease_until_us", BigInteger, nullable=False),
    Index("cases_queue", "service_id", "stage", "urgency", "risk", "due_us"),
    Index("cases_person", "service_id", "person_id"),
    Index(
        "one_open_case",
        "service_id",
        "person_id",
        unique=True,
        sqlite_where=text("stage <> 'closed'"),
        postgresql_where=text("stage <> 'closed'"),
    ),
)

# What the staff note of a case, sealed with the person's key.
CASE_NOTES = Table(
    "case_notes",
    METADATA,
    Column("note_id", String(40), primary_key=True),
    Column("case_id", String(40), nullable=False),
    Column("service_id", String(64), nullable=False),
    Column("person_id", String(40), nullable=False),
    Column("account_id", String(40), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("case_notes_person", "service_id", "person_id", "at_us"),
)

# What people complain of, report and appeal against. `receipt` is the digest of the number that the complainant was given; `sealed` what they wrote and were answered.
COMPLAINTS = Table(
    "complaints",
    METADATA,
    Column("complaint_id", String(40), primary_key=True),
    Column("service_id", String(64), nullable=False),
    Column("person_id", String(40), nullable=False),
    Column("receipt", String(64), nullable=False),
    Column("sort", String(16), nullable=False),
    Column("about", String(24), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("is_urgent", Integer, nullable=False),
    Column("stage", String(16), nullable=False),
    Column("parent_id", String(40), nullable=False),
    Column("taken_by", String(40), nullable=False),
    Column("filed_us", BigInteger, nullable=False),
    Column("remind_us", BigInteger, nullable=False),
    Column("due_us", BigInteger, nullable=False),
    Column("accepted_us", BigInteger, nullable=False),
    Column("answered_us", BigInteger, nullable=False),
    Column("decided_by", String(40), nullable=False),
    Column("decision", String(16), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    UniqueConstraint("receipt", name="complaints_receipt"),
    Index("complaints_open", "service_id", "stage", "due_us"),
    Index("complaints_person", "service_id", "person_id"),
    Index("complaints_parent", "parent_id"),
)

# What is said, noted and done in a complaint, in its order; and the files that came with it. Sealed with the person's key.
COMPLAINT_ENTRIES = Table(
    "complaint_entries",
    METADATA,
    Column("entry_id", String(40), primary_key=True),
    Column("complaint_id", String(40), nullable=False),
    Column("service_id", String(64), nullable=False),
    Column("person_id", String(40), nullable=False),
    Column("account_id", String(40), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("complaint_entries_complaint", "complaint_id", "at_us"),
    Index("complaint_entries_person", "service_id", "person_id"),
)

COMPLAINT_FILES = Table(
    "complaint_files",
    METADATA,
    Column("file_id", String(40), primary_key=True),
    Column("complaint_id", String(40), nullable=False),
    Column("service_id", String(64), nullable=False),
    Column("person_id", String(40), nullable=False),
    Column("media", String(32), nullable=False),
    Column("size", Integer, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("complaint_files_complaint", "complaint_id"),
    Index("complaint_files_person", "service_id", "person_id"),
)

# What is announced to everybody: outages, what is withdrawn, the end of a service. `account_id` is empty where the gateway itself announced it.
NOTICES = Table(
    "notices",
    METADATA,
    Column("notice_id", String(40), primary_key=True),
    Column("service_id", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("what", String(64), nullable=False),
    Column("state", String(12), nullable=False),
    Column("posted_us", BigInteger, nullable=False),
    Column("taken_down_us", BigInteger, nullable=False),
    Column("account_id", String(40), nullable=False),
    Column("reached", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("notices_service", "service_id", "state", "posted_us"),
    Index(
        "one_outage",
        "service_id",
        "what",
        unique=True,
        sqlite_where=text("state = 'posted' AND kind = 'outage'"),
        postgresql_where=text("state = 'posted' AND kind = 'outage'"),
    ),
)

# Whom an announcement has reached, and how. Counted, and counted into `notices` when it is taken down; no record of its own.
DELIVERIES = Table(
    "deliveries",
    METADATA,
    Column("notice_id", String(40), primary_key=True),
    Column("service_id", String(64), primary_key=True),
    Column("person_id", String(40), primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("how", String(16), nullable=False),
    Index("deliveries_person", "service_id", "person_id"),
)

# Who is limited, suspended or out, by whose proposal and whose word, until when; and what became of their appeal. One open each. Sealed: grounds, reasons, reports.
RESTRICTIONS = Table(
    "restrictions",
    METADATA,
    Column("restriction_id", String(40), primary_key=True),
    Column("service_id", String(64), nullable=False),
    Column("person_id", String(40), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("category", String(16), nullable=False),
    Column("stage", String(16), nullable=False),
    Column("is_urgent", Integer, nullable=False),
    Column("term_s", BigInteger, nullable=False),
    Column("proposed_by", String(40), nullable=False),
    Column("decided_by", String(40), nullable=False),
    Column("lifted_by", String(40), nullable=False),
    Column("appeal", String(16), nullable=False),
    Column("appeal_by", String(40), nullable=False),
    Column("proposed_us", BigInteger, nullable=False),
    Column("decided_us", BigInteger, nullable=False),
    Column("lifted_us", BigInteger, nullable=False),
    Column("effect_us", BigInteger, nullable=False),
    Column("until_us", BigInteger, nullable=False),
    Column("appealed_us", BigInteger, nullable=False),
    Column("appeal_due_us", BigInteger, nullable=False),
    Column("answered_us", BigInteger, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("restrictions_stage", "service_id", "stage", "until_us"),
    Index("restrictions_person", "service_id", "person_id", "proposed_us"),
    Index(
        "one_open_restriction",
        "service_id",
        "person_id",
        unique=True,
        sqlite_where=text("stage IN ('proposed', 'in_force')"),
        postgresql_where=text("stage IN ('proposed', 'in_force')"),
    ),
)

# A supervisor who speaks too, beside whoever has the case. `left_us` is 0 while they do.
CASE_JOINS = Table(
    "case_joins",
    METADATA,
    Column("join_id", String(40), primary_key=True),
    Column("case_id", String(40), nullable=False),
    Column("service_id", String(64), nullable=False),
    Column("person_id", String(40), nullable=False),
    Column("account_id", String(40), nullable=False),
    Column("joined_us", BigInteger, nullable=False),
    Column("left_us", BigInteger, nullable=False),
    Index("case_joins_person", "service_id", "person_id", "left_us"),
)

# What a supervisor tells whoever has the case, and nobody else. Sealed with the person's key: it is about them.
WHISPERS = Table(
    "whispers",
    METADATA,
    Column("whisper_id", String(40), primary_key=True),
    Column("case_id", String(40), nullable=False),
    Column("service_id", String(64), nullable=False),
    Column("person_id", String(40), nullable=False),
    Column("account_id", String(40), nullable=False),
    Column("to_id", String(40), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("whispers_person", "service_id", "person_id", "at_us"),
)

# When who of the care staff is there, what they are skilled at, and how many cases they take at once. A shift that is called off is ended, never deleted.
SHIFTS = Table(
    "shifts",
    METADATA,
    Column("shift_id", String(40), primary_key=True),
    Column("service_id", String(64), nullable=False),
    Column("account_id", String(40), nullable=False),
    Column("from_us", BigInteger, nullable=False),
    Column("until_us", BigInteger, nullable=False),
    Column("skills", String(64), nullable=False),
    Column("most", Integer, nullable=False),
    Column("set_by", String(40), nullable=False),
    Index("shifts_service", "service_id", "until_us"),
)

# Desks that are open now, and what each looks at. No record: it says who is there, and lasts a minute.
SEATS = Table(
    "seats",
    METADATA,
    Column("seat_id", String(40), primary_key=True),
    Column("service_id", String(64), nullable=False),
    Column("account_id", String(40), nullable=False),
    Column("case_id", String(40), nullable=False),
    Column("seen_us", BigInteger, nullable=False),
    Column("listens", Integer, nullable=False, server_default="0"),
    Index("seats_service", "service_id", "seen_us"),
)

# Each declaration of a companion is a version of its own, with what was found in it and what a person decided.
COMPANION_VERSIONS = Table(
    "companion_versions",
    METADATA,
    Column("service_id", String(64), primary_key=True),
    Column("companion_id", String(64), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("review_id", String(40), nullable=False),
    Column("state", String(16), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("findings", LargeBinary, nullable=False),
    Column("declared_us", BigInteger, nullable=False),
    Column("decided_us", BigInteger, nullable=False),
    Column("decided_by", String(40), nullable=False),
    Column("why", Text, nullable=False),
    Column("appeal", Text, nullable=False),
    UniqueConstraint("review_id", name="companion_versions_review"),
    Index("companion_versions_state", "service_id", "state", "declared_us"),
)

# Consents, one row each, ended by withdrawal. Pseudonymous: who agreed stands in `persons`, and goes with it.
CONSENTS = Table(
    "consents",
    METADATA,
    Column("consent_id", String(40), primary_key=True),
    Column("service_id", String(64), nullable=False),
    Column("person_id", String(40), nullable=False),
    Column("purpose", String(32), nullable=False),
    Column("party", String(64), nullable=False),
    Column("by", String(16), nullable=False),
    Column("text_version", String(64), nullable=False),
    Column("verified", String(64), nullable=False),
    Column("given_us", BigInteger, nullable=False),
    Column("withdrawn_us", BigInteger, nullable=False),
    Index("consents_person", "service_id", "person_id", "purpose"),
)

# Who receives words of persons: the model behind first of all. What is not here, and approved, receives nothing where the service says so.
PROCESSORS = Table(
    "processors",
    METADATA,
    Column("service_id", String(64), primary_key=True),
    Column("processor_id", String(64), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("decided_by", String(40), nullable=False),
)

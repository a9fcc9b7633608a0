"""The ledger's tables, in SQL that SQLite and PostgreSQL both speak."""

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text

VERSION = 1
"""The layout below. A ledger with a higher one was written by a newer Trimaran and is refused.

A table that is only added needs no new number: it is made when a ledger without it is opened to be written.
"""

metadata = MetaData()

layout = Table("layout", metadata, Column("version", Integer, nullable=False))

leases = Table(
    "leases",
    metadata,
    Column("target", String, primary_key=True),
    Column("fence", BigInteger, nullable=False),
    Column("holder", String),  # null: nobody
    Column("host", String, nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("actor", String, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
)

steps = Table(
    "steps",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("key", String, nullable=False, unique=True),
    Column("target", String, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("action", Text, nullable=False),
    Column("before", Text),  # null: absent
    Column("undoes", String),
    Column("begun_ms", BigInteger, nullable=False),
    Column("state", String),  # null: open
    Column("ended_ms", BigInteger),
    Column("facts", Text),
    Column("problems", Text),
    Index("steps_open", "target", "state", "number"),
)

inventory = Table(
    "inventory",
    metadata,
    Column("target", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("scope", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("cause", String, nullable=False),
    Column("key", String, nullable=False),
)

revisions = Table(
    "revisions",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("event", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("begun_ms", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),  # of its record in the audit
    Column("state", String),  # null: it has not ended
    Column("ended_ms", BigInteger),
)

step_revisions = Table(
    "step_revisions",
    metadata,
    Column("key", String, primary_key=True),
    Column("revision", Integer, nullable=False),
    Index("step_revisions_revision", "revision"),
)

adoptions = Table(
    "adoptions",
    metadata,
    Column("target", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("scope", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("path", String, primary_key=True),
    Column("value", Text, nullable=False),
    Column("declared", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", String, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("previous", String, nullable=False),
    Column("at", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("hash", String, nullable=False),
)

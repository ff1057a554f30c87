"""The provisioner's tables. Times are epoch seconds, memory and disk in MB; JSON stands in columns of ASCII text.

A change here needs a migration (`migrations/versions/`); a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, Integer, MetaData, Table, Text, false

metadata = MetaData()

intents = Table(
    "provisioner_intents",
    metadata,
    Column("uuid", Text, primary_key=True),
    Column("site", Text, nullable=False),  # the place's name: a site with several projects is several places
    Column("flavor", Text, nullable=False),
    Column("size_cpus", BigInteger, nullable=False),
    Column("size_memory", BigInteger, nullable=False),
    Column("size_disk", BigInteger, nullable=False),
    Column("room_cpus", BigInteger, nullable=False),
    Column("room_memory", BigInteger, nullable=False),
    Column("room_disk", BigInteger, nullable=False),
    Column("made_at", Double, nullable=False),
    Column("since", Double, nullable=False),
    Column("bound_user", Text),
    Column("bound_vo", Text),
    Column("purpose", Text, nullable=False),
    Column("preemptible", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("cloud_id", Text),
    Column("asked_at", Double),  # NULL: never
    Column("absent", Integer, nullable=False),
    Column("absent_since", Double),
    Column("idle_since", Double),
    Column("unwanted", Boolean, nullable=False, server_default=false()),
)

past = Table(
    "provisioner_past",
    metadata,
    Column("scope", Text, primary_key=True),  # JSON: [site, flavor or null, user or null]
    Column("lesson", Text, nullable=False),  # JSON
)

lease = Table(
    "provisioner_lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("generation", BigInteger, nullable=False),  # one more with each holder
    Column("until", Double, nullable=False),
    Column("writes", BigInteger, nullable=False),  # one more with each transaction that was stored
)

sites = Table(
    "provisioner_sites",
    metadata,
    Column("place", Text, primary_key=True),
    Column("site", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("facts", Text, nullable=False),  # JSON
)

wishes = Table(
    "provisioner_wishes",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("asked_at", Double, nullable=False),
    Column("done_at", Double),
)

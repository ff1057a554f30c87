"""The table of grants. Times are epoch seconds. A change here needs a migration; a test compares the two."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import BigInteger, Column, Double, LargeBinary, MetaData, Table, Text

from database.schema import Schema

USABLE = "usable"
REFUSED = "refused"

SCHEMA = Schema(
    Path(__file__).parent / "migrations", version_table="grants_version", migrate="prominence-admin grants migrate"
)

metadata = MetaData()

grants = Table(
    "grants",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("owner", Text, nullable=False, unique=True),  # HTCondor's
    Column("sealed", LargeBinary, nullable=False),  # the refresh token, see sealing.py
    Column("origin", LargeBinary, nullable=False),  # SHA-256 of the refresh token that was put, of which this one came
    Column("scope", Text, nullable=False),
    Column("state", Text, nullable=False),  # usable, refused
    Column("refused", Double),  # when, and why
    Column("why", Text),
    Column("created", Double, nullable=False),
    Column("refreshed", Double),  # when it last gave an access token
    Column("version", BigInteger, nullable=False),  # counts the refresh tokens that were stored
    Column("claim", Text),  # of who is refreshing it at the moment: a random name, and since when
    Column("claimed", Double),
    Column("doubted", Double),  # when a refresh had no answer since the last one that had: the token may be used up
)

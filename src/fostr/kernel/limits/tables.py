"""Counters of limits."""

from typing import Final

from sqlalchemy import BigInteger, Column, LargeBinary

from fostr.kernel.db.tables import control_table, index, moment

limit_counters: Final = control_table(
    "limit_counters",
    Column("key", LargeBinary, nullable=False),
    Column("count", BigInteger, nullable=False),
    moment("ends_at"),
    index("ix_limit_counters_ends_at", "ends_at"),
    key=("key",),
    prefixes=["UNLOGGED"],
)
"""How often something happened in the span that ends at `ends_at`.

Unlogged: a count costs no write-ahead log, and a crash of the database forgets the counts, which does little harm.
"""

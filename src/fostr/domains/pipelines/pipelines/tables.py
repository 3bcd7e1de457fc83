"""Pipelines of recordsets, and their stages."""

from typing import Final

from sqlalchemy import CheckConstraint, Column, Integer, SmallInteger, Text, UniqueConstraint, Uuid

from fostr.kernel.db.tables import belongs_to, identifier, index, moment, version, workspace_table

pipelines: Final = workspace_table(
    "pipelines",
    identifier(),
    identifier("recordset_id"),
    Column("name", Text, nullable=False),
    Column("stage_field", Text, nullable=False),
    Column("created_by", Uuid),
    moment("created_at", default_now=True),
    Column("updated_by", Uuid),
    moment("updated_at", default_now=True),
    moment("deleted_at", nullable=True),
    Column("deleted_by", Uuid),
    version(),
    belongs_to("recordset_id", "recordsets"),
    index("ux_pipelines_recordset_id", "workspace_id", "recordset_id", unique=True, where="deleted_at is null"),
    index("ix_pipelines_recordset_id", "workspace_id", "recordset_id"),
)
"""A recordset has one pipeline. `stage_field` is the key of the field whose value says at which stage a record is:
records keep it like any other value, with its history and its rights."""

pipeline_stages: Final = workspace_table(
    "pipeline_stages",
    identifier(),
    identifier("pipeline_id"),
    Column("value", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("color", Text),
    Column("position", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("probability", SmallInteger),
    belongs_to("pipeline_id", "pipelines"),
    CheckConstraint("kind in ('open', 'won', 'lost')", name="kind"),
    CheckConstraint("probability between 0 and 100", name="probability"),
    UniqueConstraint("workspace_id", "pipeline_id", "value"),
)
"""`value` is the choice of the stage field that stands for the stage. `probability` is in percent."""

"""What a workspace changed about the modules of the product."""

from typing import Final

from sqlalchemy import Boolean, Column, Text, Uuid

from fostr.kernel.db.tables import document, moment, version, workspace_table

module_settings: Final = workspace_table(
    "module_settings",
    Column("module", Text, nullable=False),
    Column("is_enabled", Boolean),
    document("settings", default="{}"),
    Column("updated_by", Uuid),
    moment("created_at", default_now=True),
    moment("updated_at", default_now=True),
    version(),
    key=("module",),
)
"""Only what differs from the product's own: `is_enabled` is null, and a setting absent, where nothing does.

`workspaces.switched_modules` repeats which modules are switched the other way, for the guards; it is written with it.
"""

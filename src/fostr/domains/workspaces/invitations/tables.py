"""Invitations that are open. The right to come in stands in `memberships`, and the secret of the link in `links`."""

from typing import Final

from sqlalchemy import Boolean, Column, Text, Uuid, text

from fostr.kernel.db.tables import belongs_to, identifier, moment, workspace_table

invitations: Final = workspace_table(
    "invitations",
    identifier("member_id"),
    Column("invited_by", Uuid),
    Column("message", Text, nullable=False, server_default=text("''")),
    Column("was_member", Boolean, nullable=False, server_default=text("false")),
    moment("created_at", default_now=True),
    moment("sent_at", default_now=True),
    moment("expires_at"),
    belongs_to("member_id", "members"),
    key=("member_id",),
)
"""One row for each member of status `invited`, gone once they have accepted or the invitation is withdrawn.

`was_member` tells somebody who had left: when the invitation is withdrawn, they go back to being `removed`.
"""

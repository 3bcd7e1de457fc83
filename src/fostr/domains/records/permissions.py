"""What the records domain adds to the catalogue of permissions, and how grants open a recordset."""

from __future__ import annotations

from typing import Final

from fostr.kernel.access.catalogue import BuiltInRole, Permission, register_permissions
from fostr.kernel.access.evaluator import ActionRule, ObjectPolicy

_EVERYBODY: Final[frozenset[BuiltInRole]] = frozenset({"owner", "admin", "member", "viewer"})
_WRITERS: Final[frozenset[BuiltInRole]] = frozenset({"owner", "admin", "member"})
_ADMINISTRATORS: Final[frozenset[BuiltInRole]] = frozenset({"owner", "admin"})

register_permissions(
    [
        Permission("can_view_recordset", "recordset", "See recordsets", _EVERYBODY, writes=False),
        Permission("can_create_recordset", "recordset", "Create recordsets", _WRITERS),
        Permission("can_edit_recordset", "recordset", "Change and share recordsets", _WRITERS),
        Permission("can_delete_recordset", "recordset", "Move recordsets to the trash", _WRITERS),
        Permission("can_view_trash", "recordset", "See the trash", _ADMINISTRATORS, writes=False),
        Permission("can_restore_recordset", "recordset", "Restore recordsets from the trash", _ADMINISTRATORS),
        Permission("can_purge_recordset", "recordset", "Delete recordsets for good", _ADMINISTRATORS),
        Permission("can_sync_record_counts", "recordset", "Count records anew", _ADMINISTRATORS),
        Permission("can_view_record", "record", "See records", _EVERYBODY, writes=False),
        Permission("can_create_record", "record", "Create records", _WRITERS),
        Permission("can_edit_record", "record", "Change records", _WRITERS),
        Permission("can_delete_record", "record", "Delete records", _WRITERS),
        Permission("can_comment_record", "record", "Comment on records", _WRITERS),
        Permission("can_import_records", "record", "Import files", _WRITERS),
        Permission("can_export_records", "record", "Export records", _EVERYBODY, writes=False),
        Permission("can_save_view", "view", "Save views of one's own", _EVERYBODY),
        Permission("can_share_view", "view", "Make and change views that everybody sees", _WRITERS),
        Permission("can_publish_view", "view", "Share views with people outside of the workspace", _WRITERS),
    ]
)

VIEW: Final = "can_view"
CREATE: Final = "can_create"
EDIT: Final = "can_edit"
EDIT_OWN: Final = "can_edit_own"
DELETE: Final = "can_delete"
DELETE_OWN: Final = "can_delete_own"
ADMIN: Final = "can_admin"
GRANTS: Final = (VIEW, CREATE, EDIT, EDIT_OWN, DELETE, DELETE_OWN, ADMIN)
"""What can be granted on a recordset; every other grant includes `can_view`, and `can_admin` includes all."""

_ANY: Final = frozenset(GRANTS)

RECORDSET_POLICY: Final = ObjectPolicy(
    noun="recordset",
    objects="recordsets",
    grants="recordset_grants",
    key="recordset_id",
    actions={
        "view": ActionRule("can_view_recordset", grants=_ANY),
        "administer": ActionRule("can_edit_recordset", grants=frozenset({ADMIN})),
        "delete_recordset": ActionRule("can_delete_recordset", grants=frozenset({ADMIN})),
        "restore": ActionRule("can_restore_recordset", grants=frozenset({ADMIN})),
        "purge": ActionRule("can_purge_recordset", grants=frozenset({ADMIN})),
        "view_records": ActionRule("can_view_record", grants=_ANY),
        "create": ActionRule("can_create_record", grants=frozenset({CREATE, ADMIN})),
        "edit": ActionRule("can_edit_record", grants=frozenset({EDIT, ADMIN}), own_grants=frozenset({EDIT_OWN})),
        "delete": ActionRule(
            "can_delete_record", grants=frozenset({DELETE, ADMIN}), own_grants=frozenset({DELETE_OWN})
        ),
        "comment": ActionRule("can_comment_record", grants=_ANY),
        "import": ActionRule("can_import_records", grants=frozenset({CREATE, ADMIN})),
        "export": ActionRule("can_export_records", grants=_ANY),
        "keep_views": ActionRule("can_save_view", grants=_ANY),
        "share_views": ActionRule("can_share_view", grants=frozenset({EDIT, ADMIN})),
        "publish": ActionRule("can_publish_view", grants=frozenset({ADMIN})),
    },
)

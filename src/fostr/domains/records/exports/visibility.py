"""Who may see events about exports: who asked for them, and administrators."""

from fostr.domains.records.seeing.transfers import register_transfers

register_transfers("export", permission="can_export_records")

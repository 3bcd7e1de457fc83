"""Who may see events about imports: who asked for them, and administrators."""

from fostr.domains.records.seeing.transfers import register_transfers

register_transfers("import")

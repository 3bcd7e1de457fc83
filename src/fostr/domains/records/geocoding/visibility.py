"""Who may see events about searches for places: who asked for them, and administrators."""

from fostr.domains.records.seeing.transfers import register_transfers

register_transfers("geocoding", permission="can_edit_record")

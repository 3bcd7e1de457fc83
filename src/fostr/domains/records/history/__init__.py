"""The history of a record: its versions, and going back to one."""

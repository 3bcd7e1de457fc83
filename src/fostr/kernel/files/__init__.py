"""Files of workspaces: kept in a folder or in a cloud store, reached by signed addresses."""

from fostr.kernel.files.store import FileStore, open_store

__all__ = ["FileStore", "open_store"]

"""Records: a data store that people shape themselves, with rights, history, import, export and maps."""

"""The ground that every domain stands on. It knows no domain and imports nothing from one."""

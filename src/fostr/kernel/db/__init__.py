"""PostgreSQL: tables, statements, units of work, isolation between workspaces, migrations."""

"""`fostr up`: all processes of one installation on one machine, started, kept alive and stopped together."""

"""Recordsets: their fields, who may reach them, their trash."""

"""The place of records in tools: lists to work through, beside the recordset."""

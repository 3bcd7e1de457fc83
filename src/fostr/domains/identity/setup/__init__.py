"""The first administrator, made by a link that the first start prints."""

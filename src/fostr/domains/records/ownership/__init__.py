"""Ownership: whose recordsets and records are, and handing them over."""

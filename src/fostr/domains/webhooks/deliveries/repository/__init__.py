"""Statements on deliveries, on their attempts, and on the lanes in which they are sent."""

"""Pipelines: records that move through stages towards being won or lost."""

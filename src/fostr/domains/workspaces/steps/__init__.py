"""Workspace steps: what must happen once in each workspace after an upgrade, and whether a workspace is ready."""

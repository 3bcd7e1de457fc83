"""Provisioning: an account and its workspace, made by a job that can be followed."""

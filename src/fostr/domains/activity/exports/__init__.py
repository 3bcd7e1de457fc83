"""The feed as a file, written by a job."""

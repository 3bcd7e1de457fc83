"""What happened in a workspace: the feed, its figures and exports, and the log of events itself."""

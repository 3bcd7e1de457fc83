"""What other programs are told: events, sent to addresses that a workspace registers."""

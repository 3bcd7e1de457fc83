"""What members are told about records."""

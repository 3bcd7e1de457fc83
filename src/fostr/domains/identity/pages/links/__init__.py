"""Where links of our mails lead."""

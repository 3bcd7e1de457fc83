"""What members are told: in the product, by mail, by WhatsApp, and as it happens."""

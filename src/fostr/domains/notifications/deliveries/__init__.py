"""How notifications leave the product: when, gathered how, by mail and by WhatsApp."""

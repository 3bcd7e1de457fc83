"""What other domains may know of webhooks."""

from fostr.domains.webhooks.webhooks.rules import list_sent_types

__all__ = ["list_sent_types"]

"""The only HTTP client for addresses that users give: webhooks, images, scraping, their own AI providers."""

from fostr.kernel.outbound.client import Outbound, Redirects, open_outbound

__all__ = ["Outbound", "Redirects", "open_outbound"]

"""What other domains may use of notifications: they register what members can be told."""

from fostr.domains.notifications.registry import Channels, Notice, NotificationType, register_notifications

__all__ = ["Channels", "Notice", "NotificationType", "register_notifications"]

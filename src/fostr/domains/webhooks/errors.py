"""How operations on webhooks are refused."""

from fostr.kernel.http.errors import Conflict, Forbidden, NotFound, Unprocessable
from fostr.kernel.limits.limit import LimitReached


class WebhookNotFound(NotFound):
    """There is no such webhook in this workspace."""

    code = "webhook_not_found"
    detail = "There is no such webhook in this workspace."


class WebhookNotOwn(Forbidden):
    """The webhook is delivered with the rights of another member, and the change would use them."""

    code = "webhook_not_own"
    detail = (
        "It is delivered with another member's rights; take it over (`take_over`) to change where or what it sends."
    )


class WebhooksTooMany(Conflict):
    """The workspace has as many webhooks as it may have."""

    code = "webhooks_too_many"
    detail = "The workspace has as many webhooks as it may have; delete one first."


class HttpsRequired(Unprocessable):
    """The address is not encrypted, and this server sends only where it is."""

    code = "https_required"
    detail = "The address has to begin with https://."


class EventTypesUnknown(Unprocessable):
    """Some names are no types of events that webhooks are told of."""

    code = "event_types_unknown"
    detail = (
        "Some of these are no types of events that webhooks are told of, nor groups of them such as `record.*`. "
        "An empty list means all."
    )


class WebhookRecordsetsUnknown(Unprocessable):
    """Some ids are of no recordsets that the caller sees."""

    code = "webhook_recordsets_unknown"
    detail = "Some of these recordsets are not there, or you may not see them."


class WebhookHeadersInvalid(Unprocessable):
    """A header cannot be sent."""

    code = "webhook_headers_invalid"
    detail = "Some headers cannot be sent: they belong to the request itself, or are written wrong."


class WebhookSecretLost(Conflict):
    """The webhook's secret cannot be read any more: the key that sealed it is gone."""

    code = "webhook_secret_lost"
    detail = "The webhook's secret was sealed by a key that the server no longer has; give it a new one."


class WebhookTestThrottled(LimitReached):
    """The webhook was tested too often."""

    code = "webhook_test_throttled"
    detail = "This webhook was tested too often; try again later."


class WebhookEventNotFound(NotFound):
    """There is no such event in this workspace that the caller may see."""

    code = "event_not_found"
    detail = "There is no such event in this workspace, or you may not see it."


class DeliveryNotFound(NotFound):
    """The webhook has no such delivery."""

    code = "delivery_not_found"
    detail = "The webhook has no such delivery."


class DeliveryIsTest(Conflict):
    """A test is not sent once more: it tells of nothing that happened."""

    code = "delivery_is_test"
    detail = "It was a test, which is not sent once more; test the webhook again."


class DeliveryNotPending(Conflict):
    """The delivery is not to be sent any more as it is."""

    code = "delivery_not_pending"
    detail = "It is not to be sent any more: it was received, or given up."


class WebhookInactive(Conflict):
    """Nothing is sent to a webhook that is switched off."""

    code = "webhook_inactive"
    detail = "The webhook is switched off; switch it on first."


class ReplayInvalid(Unprocessable):
    """The span of time cannot be replayed."""

    code = "replay_invalid"
    detail = "It has to begin within the last 30 days, and to end after that; what was missed is sent up to now."


class WebhookReplayThrottled(LimitReached):
    """The webhook's messages were sent again too often."""

    code = "webhook_replay_throttled"
    detail = "This webhook's messages were sent again too often; try again later."

"""Operations on who follows what happened."""

from typing import Annotated

from fostr.domains.activity.consumers import service
from fostr.domains.activity.consumers.permissions import MANAGE_EVENTS
from fostr.domains.activity.consumers.schemas import Consumers, ServerConsumers
from fostr.kernel.http.context import Context
from fostr.kernel.http.errors import NotFound, raises
from fostr.kernel.http.guards import in_workspace
from fostr.kernel.http.operators import Operator
from fostr.kernel.http.routing import Router

router = Router(prefix="/events/consumers", tags=["Events"])

Managing = Annotated[Context, in_workspace(MANAGE_EVENTS)]


@router.get("")
async def list(context: Managing) -> Consumers:  # noqa: A001 - endpoints are bare verbs
    """List who follows what happens in the workspace, and how far each is behind.

    Notifications, webhooks and the like each read the same log at their own pace. A consumer that fails at an event is
    given it again, with growing pauses; after the sixth failure the event is put aside as a dead letter.
    """
    return Consumers(items=await service.list_consumers(context))


@router.get("/server", responses=raises(NotFound))
async def list_of_server(context: Operator) -> ServerConsumers:
    """List how every consumer of events does on the whole server.

    For those who administer the server; to everybody else it is not there. It counts workspaces and names none.
    """
    return ServerConsumers(items=await service.list_server_consumers(context))

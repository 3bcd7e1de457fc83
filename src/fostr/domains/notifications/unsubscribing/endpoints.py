"""Where links at the end of mails lead: for mail programs, and for people."""

from typing import Annotated, Final

from fastapi import Query, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from fostr.domains.notifications.unsubscribing import service
from fostr.domains.notifications.unsubscribing.errors import UnsubscribeLinkInvalid, UnsubscribeThrottled
from fostr.domains.notifications.unsubscribing.schemas import Unsubscribed
from fostr.domains.notifications.unsubscribing.tokens import EVERYTHING, PAGE_PATH
from fostr.kernel.http.errors import raises
from fostr.kernel.http.forms import FORMS
from fostr.kernel.http.guards import Public
from fostr.kernel.http.pages import render_page
from fostr.kernel.http.routing import RootRouter, Router

router = Router(prefix="/notifications/unsubscribe", tags=["Notifications"])
pages = RootRouter(tags=["Notifications"])

Token = Annotated[str, Query(max_length=2000, description="As it stands in the link.")]

UNREFERRED: Final = {"Referrer-Policy": "no-referrer"}
"""The address holds the token."""
REFUSALS: Final = raises(UnsubscribeLinkInvalid, UnsubscribeThrottled)


@router.post("", responses=REFUSALS)
async def unsubscribe(context: Public, token: Token) -> Unsubscribed:
    """End mail of a kind, as a mail program does for its user with one click (RFC 8058).

    The address stands in the mail's `List-Unsubscribe`. It needs no credential: the token says who, and of what. Doing
    it again changes nothing. Critical notifications are mailed all the same.
    """
    ended = await service.unsubscribe(context, token)
    return Unsubscribed(notification_types=[one.name for one in ended], channel="email")


@router.get("", status_code=303, response_class=RedirectResponse, responses=REFUSALS)
async def follow(context: Public, token: Token) -> RedirectResponse:
    """Lead a person who opens that address to the page where they confirm it.

    Looking at it ends nothing, because programs that check mail for bad links look at them all.
    """
    await service.open_link(context, token)
    return RedirectResponse(f"{PAGE_PATH}?token={token}", status_code=303, headers=UNREFERRED)


@pages.get(PAGE_PATH, response_class=HTMLResponse, responses=REFUSALS)
async def show(context: Public, token: Token) -> Response:
    """Show the button that ends mail of a kind."""
    ending = await service.open_link(context, token)
    return _render(ending.types, [one.label for one in service.list_ended(ending)], token=token, is_done=False)


@pages.post(PAGE_PATH, response_class=HTMLResponse, responses=REFUSALS)
async def confirm(context: Public, token: Token) -> Response:
    """End mail of a kind, as the button says."""
    ended = await service.unsubscribe(context, token)
    ending = await service.open_link(context, token)
    return _render(ending.types, [one.label for one in ended], token=token, is_done=True)


def _render(types: tuple[str, ...], labels: list[str], *, token: str, is_done: bool) -> HTMLResponse:
    response = render_page(
        "unsubscribe.html",
        policy=FORMS,
        here=PAGE_PATH,
        action=f"{PAGE_PATH}?token={token}",
        labels=labels,
        is_everything=types == EVERYTHING,
        is_done=is_done,
    )
    response.headers.update(UNREFERRED)
    return response

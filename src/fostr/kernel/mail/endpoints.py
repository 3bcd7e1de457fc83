"""Operations on the outbox, for administrators with a browser."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from fastapi.responses import HTMLResponse, RedirectResponse

from fostr.kernel.http.errors import raises
from fostr.kernel.http.operators import Operator
from fostr.kernel.http.routing import RootRouter
from fostr.kernel.mail import outbox, pages
from fostr.kernel.mail.errors import MailNotConfigured, MailNotFound, MailNotSendable

router = RootRouter(prefix="/outbox", tags=["Operations"])

PageNumber = Annotated[int, Query(ge=1, le=10_000, description="Which page of the list, from 1.")]


@router.get("", response_class=HTMLResponse, responses=raises(MailNotFound))
async def list(context: Operator, page: PageNumber = 1) -> HTMLResponse:  # noqa: A001 - endpoints are bare verbs
    """Show the mail that this server has written, the newest first.

    A page for a superuser who is signed in with a browser; to others, it is not there.
    """
    return await pages.show_list(context, page=page)


@router.get("/{mail_id}", response_class=HTMLResponse, responses=raises(MailNotFound))
async def get(context: Operator, mail_id: UUID) -> HTMLResponse:
    """Show one mail of the outbox."""
    mail = await outbox.get_mail(context.unit, mail_id=mail_id)
    return await pages.show_mail(context, mail=mail)


@router.get("/{mail_id}/body", response_class=HTMLResponse, responses=raises(MailNotFound))
async def read(context: Operator, mail_id: UUID) -> HTMLResponse:
    """Show what a mail says, as mail programs do.

    Meant for the frame of the page before: nothing in it runs, loads or leads anywhere.
    """
    mail = await outbox.get_mail(context.unit, mail_id=mail_id)
    return await pages.show_letter(context, mail=mail)


@router.post(
    "/{mail_id}/send",
    status_code=303,
    response_class=RedirectResponse,
    responses=raises(MailNotFound, MailNotSendable, MailNotConfigured),
)
async def send(context: Operator, mail_id: UUID) -> RedirectResponse:
    """Send a mail that failed, or that was kept while there was no mail server, and go back to its page."""
    await outbox.send_again(context.unit, runtime=context.runtime, mail_id=mail_id)
    return RedirectResponse(f"/outbox/{mail_id}", status_code=303)

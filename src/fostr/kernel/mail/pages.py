"""The outbox as a page for administrators: a list, and one mail in a frame where nothing runs or loads."""

from typing import Final

from starlette.responses import HTMLResponse

from fostr.kernel.http.context import AccountContext
from fostr.kernel.http.pages import PLAIN, render_page, write_policy
from fostr.kernel.mail import repository
from fostr.kernel.mail.errors import MailNotFound
from fostr.kernel.mail.outbox import find_text
from fostr.kernel.mail.repository import Mail
from fostr.kernel.mail.tasks import BODIES_KEPT_FOR

PAGE_SIZE: Final = 50
PAGE: Final = {**PLAIN, "form-action": "'self'", "frame-src": "'self'"}

# The text is ours, and the names in it are escaped. It holds links that work, all the same: in a frame without scripts,
# forms, pictures and navigation, nothing in it can carry them away.
LETTER: Final = {
    "default-src": "'none'",
    "style-src": "'unsafe-inline'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'self'",
    "sandbox": "",
}


async def show_list(context: AccountContext, *, page: int) -> HTMLResponse:
    """Return a page of the list, the newest first."""
    offset = (page - 1) * PAGE_SIZE
    mails = await repository.list_mails(context.unit, limit=PAGE_SIZE, offset=offset)
    total = await repository.count_mails(context.unit)
    return render_page(
        "outbox.html",
        policy=PLAIN,
        here="/outbox",
        mails=mails,
        page=page,
        has_more=total > offset + len(mails),
        is_sending=context.settings.smtp_url is not None,
        kept_days=BODIES_KEPT_FOR.days,
    )


async def show_mail(context: AccountContext, *, mail: Mail) -> HTMLResponse:
    """Return the page of one mail, with a frame for its text."""
    return render_page(
        "mail.html",
        policy=PAGE,
        here=f"/outbox/{mail.id}",
        mail=mail,
        text=await find_text(context.unit, keys=context.runtime.keys, mail=mail),
        is_sending=context.settings.smtp_url is not None,
    )


async def show_letter(context: AccountContext, *, mail: Mail) -> HTMLResponse:
    """Return the mail itself, for the frame.

    Raises:
        MailNotFound: its text is deleted.
    """
    text = await find_text(context.unit, keys=context.runtime.keys, mail=mail)
    if text is None:
        raise MailNotFound
    return HTMLResponse(
        text.html,
        headers={
            "Content-Security-Policy": write_policy(LETTER),
            "X-Frame-Options": "SAMEORIGIN",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        },
    )

"""The pages of an account, and what they show."""

from typing import Any, Final

from fostr.domains.identity.accounts import service as accounts
from fostr.domains.identity.sessions import service as sessions
from fostr.kernel.files.pictures import own_picture
from fostr.kernel.http.context import AccountContext
from fostr.kernel.http.forms import FormPage
from fostr.kernel.http.pages import ACCOUNT_AT
from fostr.kernel.http.paging import Slice

MOST_SHOWN: Final = 100

PROFILE: Final = FormPage(
    "account.html",
    here=ACCOUNT_AT,
    places={
        "picture_missing": "file",
        "image_refused": "file",
        "image_too_many_pixels": "file",
        "file_too_large": "file",
    },
)
PASSWORD: Final = FormPage(
    "account_password.html",
    here="/account/password",
    places={"current_password_wrong": "current_password", "password_too_weak": "new_password"},
)
SESSIONS: Final = FormPage("account_sessions.html", here="/account/sessions")


async def describe_profile(context: AccountContext, *, notice: str | None = None) -> dict[str, Any]:
    user = await accounts.get_profile(context, workspace_id=None)
    return {"user": user, "picture": own_picture(context.settings.public_url, user.avatar_url), "notice": notice}


async def describe_sessions(context: AccountContext, *, notice: str | None = None) -> dict[str, Any]:
    part = Slice(limit=MOST_SHOWN, offset=0)
    return {"sessions": await sessions.list_sessions(context, part=part), "notice": notice}

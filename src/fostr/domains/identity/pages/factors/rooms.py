"""The pages about the second factor and passkeys."""

from typing import Any, Final
from uuid import UUID

from fostr.domains.identity.factors import service as factors
from fostr.domains.identity.passkeys.errors import PasskeyNotFound
from fostr.domains.identity.passkeys.schemas import Passkey
from fostr.kernel.http.context import AccountContext
from fostr.kernel.http.forms import SCRIPTED, FormPage
from fostr.kernel.http.pages import CONFIRM_AT

FACTORS_AT: Final = "/account/factors"
_CODE: Final = {"factor_code_wrong": "code"}

OVERVIEW: Final = FormPage("account_factors.html", here=FACTORS_AT)
APP: Final = FormPage("account_app.html", here=f"{FACTORS_AT}/app", places=_CODE)
DISABLE: Final = FormPage("account_code.html", here=f"{FACTORS_AT}/disable", places=_CODE)
RENEW: Final = FormPage("account_code.html", here=f"{FACTORS_AT}/recovery-codes", places=_CODE)
CODES: Final = FormPage("account_codes.html", here=f"{FACTORS_AT}/recovery-codes")
NEW_PASSKEY: Final = FormPage("account_passkey_new.html", here=f"{FACTORS_AT}/passkeys/new", policy=SCRIPTED)
CONFIRM: Final = FormPage("account_confirm.html", here=CONFIRM_AT, policy=SCRIPTED)

DISABLE_TEXTS: Final[dict[str, Any]] = {
    "heading": "Switch the second factor off",
    "consequence": "From then on the password alone signs you in. The app and every recovery code stop working.",
    "notice": None,
}
RENEW_TEXTS: Final[dict[str, Any]] = {
    "heading": "Make new recovery codes",
    "consequence": "You get ten new ones. Those that you have do not work any more then.",
    "notice": None,
}


def passkey_page(passkey_id: UUID) -> FormPage:
    return FormPage("account_passkey_delete.html", here=f"{FACTORS_AT}/passkeys/{passkey_id}/delete")


async def get_passkey(context: AccountContext, *, passkey_id: UUID) -> Passkey:
    described = await factors.describe_factors(context)
    found = next((passkey for passkey in described.passkeys if passkey.id == passkey_id), None)
    if found is None:
        raise PasskeyNotFound
    return found

"""Tell a person by mail that there is another way into their account, or one less."""

from pathlib import Path
from typing import Final, Literal, TypeAlias

from fostr.domains.identity.links.addresses import forgotten_address
from fostr.kernel.http.context import PublicContext
from fostr.kernel.mail.outbox import send_mail
from fostr.kernel.mail.templates import MailTemplate

SignInChange: TypeAlias = Literal[
    "second_factor_on",
    "second_factor_off",
    "second_factor_reset",
    "recovery_codes_renewed",
    "passkey_added",
    "passkey_removed",
]

CHANGED: Final = MailTemplate(
    name="sign_in_changed", subject="{{ subject_line }}", folder=Path(__file__).with_name("mails")
)

_WORDS: Final[dict[SignInChange, tuple[str, str]]] = {
    "second_factor_on": (
        "Your second factor is on",
        "From now on signing in with your password takes a code of your authenticator app as well.",
    ),
    "second_factor_off": (
        "Your second factor is off",
        "Your authenticator app and your recovery codes were switched off: signing in takes your password alone.",
    ),
    "second_factor_reset": (
        "Your second factor was switched off for you",
        "An administrator of this server has switched off your authenticator app and your recovery codes, and ended "
        "every sign-in. Your password alone lets you in now; set up a second factor again once you are there.",
    ),
    "recovery_codes_renewed": (
        "You have new recovery codes",
        "New recovery codes were made, and the ones before do not work any more.",
    ),
    "passkey_added": ("A passkey was added", "A passkey was added, which signs in without your password."),
    "passkey_removed": ("A passkey was removed", "A passkey was removed; it signs nobody in any more."),
}
"""The subject of the mail and its first sentences."""


async def tell_person(context: PublicContext, *, email: str, full_name: str, change: SignInChange) -> None:
    """Write the mail, as part of the transaction that makes the change."""
    subject, sentence = _WORDS[change]
    await send_mail(
        context.unit,
        runtime=context.runtime,
        to=email,
        name=full_name,
        template=CHANGED,
        values={
            "email": email,
            "subject_line": subject,
            "sentence": sentence,
            "link": forgotten_address(context.settings),
        },
    )

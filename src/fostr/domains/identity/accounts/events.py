"""What happens to accounts, as the workspaces of the person hear of it."""

from typing import Final, Literal

from pydantic import BaseModel

from fostr.kernel.events.catalogue import EventType, register_events

ACTIVATED: Final = "account.activated"
PASSWORD_CHANGED: Final = "account.password_changed"  # noqa: S105 - the name of an event

SECOND_FACTOR_RESET: Final = "account.second_factor_reset"


class AccountState(BaseModel):
    """What an event tells of an account; nothing of its secrets."""

    email: str
    how: Literal["activation", "reset", "change", "operator"]


register_events(
    [
        EventType(
            ACTIVATED,
            "account",
            schema=AccountState,
            summary="A person proved that their address is theirs.",
            phrase="confirmed the address {name}",
        ),
        EventType(
            PASSWORD_CHANGED,
            "account",
            schema=AccountState,
            summary="A person set a new password.",
            phrase="set a new password for {name}",
        ),
        EventType(
            SECOND_FACTOR_RESET,
            "account",
            schema=AccountState,
            summary="An administrator of the installation switched off a person's second factor.",
            phrase="switched off the second factor of {name}",
        ),
    ]
)

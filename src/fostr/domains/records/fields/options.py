"""How the options of fields are checked against each other, type by type.

The form of each option alone is that of the API (`recordsets.schemas.FieldOptions`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias
from zoneinfo import available_timezones

from fostr.domains.records.fields.currencies import CURRENCIES
from fostr.domains.records.fields.values import LARGEST_RATING

if TYPE_CHECKING:
    from collections.abc import Callable

Settle: TypeAlias = "Callable[[dict[str, Any]], dict[str, Any]]"


class OptionRefused(ValueError):
    """An option that does not fit its type, or the others; the message is a sentence for people."""

    def __init__(self, option: str, reason: str) -> None:
        """Name the option."""
        super().__init__(reason)
        self.option = option


def settle_nothing(options: dict[str, Any]) -> dict[str, Any]:
    """Return options that need nothing but their form."""
    return options


def settle_choices(options: dict[str, Any]) -> dict[str, Any]:
    """Return options with the choices without twins, and colours of choices only."""
    choices: list[str] = list(dict.fromkeys(options.get("choices", [])))
    strange = options.get("colors", {}).keys() - set(choices)
    if strange:
        raise OptionRefused("colors", f"There is no choice {min(strange)!r} to give a colour to.")
    return {**options, "choices": choices} if "choices" in options else options


def settle_limits(options: dict[str, Any]) -> dict[str, Any]:
    """Return options whose least value is not above the largest."""
    if "min" in options and "max" in options and options["min"] > options["max"]:
        raise OptionRefused("min", "The least value is larger than the largest.")
    return options


def settle_currency(options: dict[str, Any]) -> dict[str, Any]:
    """Return options with a currency that there is."""
    if "currency" in options and options["currency"] not in CURRENCIES:
        raise OptionRefused("currency", f"There is no currency {options['currency']}.")
    return settle_limits(options)


def settle_rating(options: dict[str, Any]) -> dict[str, Any]:
    """Return options with a largest rating that can be shown."""
    if "max" not in options:
        return options
    most = options["max"]
    if most != int(most) or not 1 <= most <= LARGEST_RATING:
        raise OptionRefused("max", f"The largest rating is a whole number from 1 to {LARGEST_RATING}.")
    return {**options, "max": int(most)}


def settle_zone(options: dict[str, Any]) -> dict[str, Any]:
    """Return options with a time zone that there is."""
    if "time_zone" in options and options["time_zone"] not in available_timezones():
        raise OptionRefused("time_zone", f"There is no time zone {options['time_zone']!r}.")
    return options

"""What an operator may set in the environment: the one place where it is named, checked and explained."""

import fcntl
import os
import secrets
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

SECRET_KEY_LENGTH: Final = 32
"""The least number of characters in a secret key."""

POSTGRES_SCHEMES: Final = frozenset({"postgresql", "postgres"})
EVERY_ADDRESS: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not listened on
NEAR_ADDRESSES: Final = frozenset({"127.0.0.1", "::1"})

PAGE: Final = """\
# Settings

Fostr is set up by environment variables. Nothing has to be set; an empty variable counts as not set. This
page is made by `fostr settings` from `src/fostr/settings.py`.

| variable | default | meaning |
| --- | --- | --- |
{rows}
"""

CommaSeparated = Annotated[tuple[str, ...], NoDecode]
CommaSeparatedSecrets = Annotated[tuple[SecretStr, ...], NoDecode]


class SettingsError(Exception):
    """A setting is missing or wrong; the text names it and says why, and never repeats a value."""


def read_secret_key(data: Path) -> str:
    """Return the secret in `secret.key` of the data folder, made there the first time.

    The file is locked while it is made, so that processes that start together agree on one secret. One that
    died before it had written the whole of it has used none, and the next writes a new one.
    """
    path = data / "secret.key"
    try:
        found = path.read_text("ascii").strip()
    except FileNotFoundError:
        found = ""
    if len(found) >= SECRET_KEY_LENGTH:
        return found
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        found = file.read().strip()
        if len(found) >= SECRET_KEY_LENGTH:
            return found
        created = secrets.token_urlsafe(SECRET_KEY_LENGTH)
        file.seek(0)
        file.truncate()
        file.write(f"{created}\n")
        file.flush()
        os.fsync(file.fileno())
    return created


def _default_public_url(validated: dict[str, Any]) -> str:
    host, port = str(validated["host"]), validated["port"]
    # By name and not by number: passkeys belong to a name.
    shown = "localhost" if host in EVERY_ADDRESS | NEAR_ADDRESSES else host
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"


def _default_mail_from(validated: dict[str, Any]) -> str:
    host = urlsplit(str(validated["public_url"])).hostname or ""
    return f"Fostr <no-reply@{'localhost' if ':' in host else host}>"


def _default_secret_key(validated: dict[str, Any]) -> SecretStr:
    return SecretStr(read_secret_key(validated["data"]))


class Settings(BaseSettings):
    """Everything that an operator may set. Made once, at the start of a process, and never changed."""

    model_config = SettingsConfigDict(
        env_prefix="FOSTR_",
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,
        validate_default=True,
    )

    environment: Literal["production", "development", "test"] = Field(
        default="production", description="What this installation is for; named in logs."
    )
    data: Path = Field(
        default=Path("data"),
        description="Folder of all that this machine keeps: embedded database, uploaded files, secret key.",
    )
    host: str = Field(
        default="127.0.0.1", min_length=1, description="Address that the API listens on; `0.0.0.0` for all."
    )
    port: int = Field(default=8000, ge=0, le=65535, description="Port that the API listens on; `0` takes a free one.")
    public_url: str = Field(
        default_factory=_default_public_url,
        description="Address by which people and other programs reach this server, as it stands in links. "
        "Cookies are for https alone when it begins with `https:`. Without it: `http://` host and port.",
    )
    secret_key: SecretStr = Field(
        default_factory=_default_secret_key,
        description="Secret of at least 32 characters that every key of this server is derived from. "
        "The same on every machine. Without it: the one in `secret.key` of the data folder.",
    )
    former_secret_keys: CommaSeparatedSecrets = Field(
        default=(),
        description="Former secret keys, separated by commas: they still decrypt and verify what they made. "
        "To change the secret key, put the old one here.",
    )

    database_url: SecretStr | None = Field(
        default=None,
        validation_alias="DATABASE_URL",
        description="PostgreSQL 15 or newer to use, with a login that may create schemas and roles: "
        "`postgresql://login:password@host/database`. Without it: the embedded server.",
    )
    app_database_url: SecretStr | None = Field(
        default=None,
        description="The same database by the login that the server works with, which has no right on schema "
        "`data`. Needed only where the login of `DATABASE_URL` may not create roles.",
    )
    pool_min: int = Field(default=2, ge=0, le=1000, description="Database connections that a process opens at once.")
    pool_max: int = Field(default=10, ge=1, le=1000, description="The most database connections that a process opens.")
    redis_url: SecretStr | None = Field(
        default=None,
        validation_alias="REDIS_URL",
        description="Redis that carries live events between processes. Without it: PostgreSQL does.",
    )
    storage_url: str | None = Field(
        default=None,
        description="Where uploaded files are kept: `s3://bucket/prefix`, `gs://…` or `az://…`. "
        "Without it: the folder `files` in the data folder.",
    )

    jobs: Literal["pgqueuer"] = Field(default="pgqueuer", description="What runs jobs: `pgqueuer`, on PostgreSQL.")
    worker_concurrency: int = Field(
        default=8, ge=1, le=1000, description="Jobs that one worker process runs at a time."
    )

    access_token_minutes: int = Field(
        default=15, ge=1, le=1440, description="Minutes that an access token (JWT) is good for."
    )
    refresh_token_days: int = Field(
        default=30, ge=1, le=365, description="Days that an unused refresh token is good for."
    )
    session_days: int = Field(default=30, ge=1, le=365, description="Days that a browser stays signed in.")
    recent_sign_in_minutes: int = Field(
        default=15,
        ge=1,
        le=1440,
        description="Minutes after a sign-in in which things can be done that cannot be undone; later, people confirm "
        "who they are first.",
    )
    password_hash_cost: Literal["default", "light"] = Field(
        default="default",
        description="Work that a password hash takes; `light` is for tests, and refused elsewhere.",
    )
    cors_origins: CommaSeparated = Field(
        default=(), description="Origins of web pages elsewhere that may call the API, separated by commas."
    )
    max_json_bytes: int = Field(
        default=2 * 1024**2, ge=1024, description="The largest JSON body that is read, in bytes."
    )
    max_upload_bytes: int = Field(
        default=512 * 1024**2, ge=1024, description="The largest body with files that is read, in bytes."
    )
    allow_private_addresses: bool = Field(
        default=False,
        description="Whether addresses given by users may lead into private networks. Leave it off where "
        "strangers may sign up.",
    )
    trash_days: int = Field(default=30, ge=1, le=3650, description="Days that deleted things stay in the trash.")
    event_days: int | None = Field(
        default=None,
        ge=30,
        le=36500,
        description="Days that events are kept, at least 30: the log of what happened, and with it the activity feed "
        "and what can be undone. Without it, for ever.",
    )
    webhook_seconds: float = Field(
        default=15, gt=0, le=60, description="Seconds in which a receiver of webhooks has to answer."
    )

    google_maps_key: SecretStr | None = Field(
        default=None, description="Key of the Google Maps Geocoding API. Without it, Google is not asked for places."
    )
    google_maps_url: str = Field(
        default="https://maps.googleapis.com", description="Address of that API, or of one that speaks its language."
    )
    nominatim_url: str | None = Field(
        default=None,
        description="Address of a Nominatim server that is asked for places; the public one takes one question a "
        "second. Without it, none is asked.",
    )

    ai_base_url: str | None = Field(
        default=None,
        description="Address of an API that speaks OpenAI's language, for the assistant of the platform.",
    )
    ai_api_key: SecretStr | None = Field(default=None, description="Key for that API.")
    smtp_url: SecretStr | None = Field(
        default=None,
        description="Mail server: `smtp://login:password@host:587` (STARTTLS) or `smtps://…`. "
        "Without it, mail is not sent, and administrators read it at `/outbox`.",
    )
    mail_from: str = Field(
        default_factory=_default_mail_from,
        description="Sender of all mail, as in `Fostr <no-reply@example.com>`. Without it: `no-reply` at the host of "
        "`FOSTR_PUBLIC_URL`.",
    )
    whatsapp_token: SecretStr | None = Field(
        default=None,
        description="Access token of a WhatsApp Business account, for notifications. Without it none are sent so.",
    )
    whatsapp_phone_number_id: str | None = Field(
        default=None,
        pattern=r"^[0-9]{1,32}$",
        description="Id of the number that WhatsApp messages come from, as the account lists it.",
    )
    whatsapp_template: str = Field(
        default="fostr_notification",
        pattern=r"^[a-z0-9_]{1,512}$",
        description="Approved message template that notifications are put into; its text has the two parameters "
        "`{{1}}` (what happened) and `{{2}}` (a link).",
    )
    whatsapp_language: str = Field(
        default="en",
        pattern=r"^[a-z]{2,3}(_[A-Za-z]{2,4})?$",
        description="Language of that template, as the account lists it.",
    )
    whatsapp_url: str = Field(
        default="https://graph.facebook.com/v23.0",
        description="Address and version of the Graph API that takes the messages.",
    )
    clerk_secret: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="Secret of at least 16 characters that a front end which signs people in by Clerk sends as "
        "`X-Clerk-Secret`. Without it, nobody signs in that way.",
    )

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severe log lines."
    )
    log_format: Literal["auto", "console", "json"] = Field(
        default="auto",
        description="Log lines for people, or for programs; by default for people where they come to a terminal.",
    )

    @field_validator("data")
    @classmethod
    def _resolve_data(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @field_validator("public_url", "ai_base_url", "google_maps_url", "nominatim_url", "whatsapp_url")
    @classmethod
    def _check_http_url(cls, value: str | None) -> str | None:
        if value is not None and (urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).hostname):
            raise ValueError("is no http:// or https:// address")
        return value.rstrip("/") if value else value

    @field_validator("database_url", "app_database_url")
    @classmethod
    def _check_postgres_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and urlsplit(value.get_secret_value()).scheme not in POSTGRES_SCHEMES:
            raise ValueError("is no postgresql:// address")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _check_smtp_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        parts = urlsplit(value.get_secret_value())
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ValueError("is no smtp:// or smtps:// address")
        try:
            _ = parts.port
        except ValueError:
            raise ValueError("has a port that is no number up to 65535") from None
        return value

    @field_validator("mail_from")
    @classmethod
    def _check_mail_from(cls, value: str) -> str:
        local, _, domain = parseaddr(value)[1].rpartition("@")
        if not local or not domain:
            raise ValueError("is no address like `Fostr <no-reply@example.com>`")
        return value

    @field_validator("secret_key")
    @classmethod
    def _check_secret_length(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < SECRET_KEY_LENGTH:
            raise ValueError(f"needs at least {SECRET_KEY_LENGTH} characters")
        return value

    @field_validator("cors_origins", "former_secret_keys", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.environment != "test" and self.password_hash_cost == "light":  # noqa: S105
            raise ValueError("FOSTR_PASSWORD_HASH_COST=light is for FOSTR_ENVIRONMENT=test alone")
        if self.pool_min > self.pool_max:
            raise ValueError("FOSTR_POOL_MIN is greater than FOSTR_POOL_MAX")
        return self

    @property
    def files_folder(self) -> Path:
        """Where uploaded files are kept when there is no `storage_url`."""
        return self.data / "files"

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret key, the current one first: what the key ring is opened with."""
        return tuple(key.get_secret_value() for key in (self.secret_key, *self.former_secret_keys))


def load_settings() -> Settings:
    """Read the settings from the environment, or raise `SettingsError` with a line for each that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        # What is derived from a setting that was refused is no error of its own.
        lines = [
            ": ".join(filter(None, (*map(_variable, item["loc"][:1]), item["msg"].removeprefix("Value error, "))))
            for item in error.errors(include_input=False, include_url=False, include_context=False)
            if item["type"] != "default_factory_not_called"
        ]
        raise SettingsError("\n".join(lines)) from None
    except OSError as error:
        raise SettingsError(f"FOSTR_DATA: {error.strerror} ({error.filename})") from error


def _variable(name: int | str) -> str:
    return name if name in {"DATABASE_URL", "REDIS_URL"} else f"FOSTR_{str(name).upper()}"


def describe_settings() -> str:
    """Return the page `docs/settings.md`: a table of every setting."""
    rows = [
        f"| `{field.validation_alias or _variable(name)}` | {_shown_default(field)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return PAGE.format(rows="\n".join(rows))


def _shown_default(field: FieldInfo) -> str:
    if field.default_factory is not None or field.default is None or field.default == ():
        return ""
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"

"""Settings: what is read from the environment, what is refused, and that no secret shows."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from fostr.settings import Settings, SettingsError, describe_settings, load_settings

SECRET = "a-secret-key-that-is-long-enough-for-anybody"
ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """The variables of the operating system, without any of ours but the data folder."""
    for name in [*os.environ]:
        if name.startswith("FOSTR_") or name in {"DATABASE_URL", "REDIS_URL"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("FOSTR_DATA", str(tmp_path / "data"))
    return monkeypatch


def refusal() -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return str(caught.value)


def test_nothing_has_to_be_set(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.delenv("FOSTR_DATA")
    environment.chdir(tmp_path)
    settings = load_settings()
    assert settings.data == tmp_path / "data"
    assert settings.public_url == "http://localhost:8000"
    assert settings.database_url is None
    assert settings.files_folder == tmp_path / "data" / "files"


def test_variables_are_read(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("FOSTR_PORT", "8123")
    environment.setenv("DATABASE_URL", "postgresql://login:word@host/database")
    environment.setenv("FOSTR_CORS_ORIGINS", "https://one.example, https://two.example,")
    environment.setenv("FOSTR_LOG_LEVEL", "WARNING")
    environment.setenv("FOSTR_MAX_JSON_BYTES", "")
    settings = load_settings()
    assert settings.port == 8123
    assert settings.database_url == SecretStr("postgresql://login:word@host/database")
    assert settings.cors_origins == ("https://one.example", "https://two.example")
    assert settings.log_level == "warning"
    assert settings.max_json_bytes == 2 * 1024**2


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "localhost"),
        ("0.0.0.0", "localhost"),  # noqa: S104 - what an operator may write
        ("::", "localhost"),
        ("::1", "localhost"),
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::7", "[2001:db8::7]"),
        ("fostr.example", "fostr.example"),
    ],
)
def test_public_address_follows_from_host_and_port(environment: pytest.MonkeyPatch, host: str, shown: str) -> None:
    environment.setenv("FOSTR_HOST", host)
    environment.setenv("FOSTR_PORT", "81")
    assert load_settings().public_url == f"http://{shown}:81"


def test_public_address_may_be_set(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("FOSTR_PUBLIC_URL", "https://work.example/")
    assert load_settings().public_url == "https://work.example"


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("FOSTR_PORT", "many", "FOSTR_PORT: "),
        ("FOSTR_PORT", "65536", "FOSTR_PORT: "),
        ("FOSTR_PUBLIC_URL", "work.example", "FOSTR_PUBLIC_URL: is no http:// or https:// address"),
        ("FOSTR_SECRET_KEY", "short", "FOSTR_SECRET_KEY: needs at least 32 characters"),
        ("DATABASE_URL", "mysql://login:hidden@host/x", "DATABASE_URL: is no postgresql:// address"),
        ("FOSTR_APP_DATABASE_URL", "file:hidden", "FOSTR_APP_DATABASE_URL: is no postgresql:// address"),
        ("FOSTR_LOG_LEVEL", "loud", "FOSTR_LOG_LEVEL: "),
        ("FOSTR_POOL_MIN", "11", "FOSTR_POOL_MIN is greater than FOSTR_POOL_MAX"),
        ("FOSTR_PASSWORD_HASH_COST", "light", "FOSTR_PASSWORD_HASH_COST=light is for"),
    ],
)
def test_wrong_value_is_named_and_not_repeated(
    environment: pytest.MonkeyPatch, variable: str, value: str, complaint: str
) -> None:
    environment.setenv(variable, value)
    said = refusal()
    assert said.startswith(complaint)
    assert "\n" not in said
    assert "hidden" not in said


def test_every_wrong_value_is_named_at_once(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("FOSTR_PORT", "many")
    environment.setenv("REDIS_URL", "redis://host")
    environment.setenv("FOSTR_TRASH_DAYS", "0")
    assert [line.split(":")[0] for line in refusal().splitlines()] == ["FOSTR_PORT", "FOSTR_TRASH_DAYS"]


def test_cheap_hashes_are_for_tests(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("FOSTR_PASSWORD_HASH_COST", "light")
    environment.setenv("FOSTR_ENVIRONMENT", "test")
    assert load_settings().password_hash_cost == "light"


def test_settings_do_not_change() -> None:
    settings = load_settings()
    with pytest.raises(ValidationError):
        settings.port = 1  # pyright: ignore[reportAttributeAccessIssue] - the point of the test


def test_no_secret_shows_in_the_settings(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("FOSTR_SECRET_KEY", SECRET)
    environment.setenv("FOSTR_FORMER_SECRET_KEYS", f"former-{SECRET}")
    environment.setenv("DATABASE_URL", f"postgresql://login:{SECRET}@host/x")
    environment.setenv("REDIS_URL", f"redis://:{SECRET}@host")
    environment.setenv("FOSTR_SMTP_URL", f"smtp://login:{SECRET}@host")
    environment.setenv("FOSTR_AI_API_KEY", SECRET)
    settings = load_settings()
    assert SECRET not in repr(settings)
    assert SECRET not in settings.model_dump_json()
    assert settings.secrets == (SECRET, f"former-{SECRET}")


def test_secret_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    made = load_settings().secret_key
    assert len(made.get_secret_value()) >= 43
    assert load_settings().secret_key == made
    file = tmp_path / "data" / "secret.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_secret_key_that_was_set_leaves_no_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("FOSTR_SECRET_KEY", SECRET)
    assert load_settings().secret_key.get_secret_value() == SECRET
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("left", ["", "cut"])
def test_secret_key_that_was_not_written_to_its_end_is_made_anew(tmp_path: Path, left: str) -> None:
    file = tmp_path / "data" / "secret.key"
    file.parent.mkdir()
    file.write_text(left)
    made = load_settings().secret_key.get_secret_value()
    assert file.read_text() == f"{made}\n"
    assert not made.startswith("cut")


@pytest.mark.slow
def test_processes_that_start_together_agree_on_the_secret_key() -> None:
    code = "from fostr.settings import load_settings; print(load_settings().secret_key.get_secret_value())"
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=paths) for _ in range(6)
    ]
    assert len({process.communicate()[0] for process in processes}) == 1


def test_data_folder_that_cannot_be_made_is_said(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    environment.setenv("FOSTR_DATA", str(tmp_path / "file" / "data"))
    assert refusal().startswith("FOSTR_DATA: ")


def test_every_setting_is_explained() -> None:
    unexplained = [name for name, field in Settings.model_fields.items() if not field.description]
    assert not unexplained


def test_page_of_settings_is_fresh() -> None:
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    assert page == describe_settings(), "run `fostr settings`"


def test_mail_has_a_sender_and_a_server_of_a_known_kind(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("FOSTR_PUBLIC_URL", "https://fostr.example.com:8443")
    settings = load_settings()
    assert (settings.mail_from, settings.smtp_url) == ("Fostr <no-reply@fostr.example.com>", None)
    environment.setenv("FOSTR_MAIL_FROM", "Ops <ops@example.com>")
    environment.setenv("FOSTR_SMTP_URL", "smtps://login:hidden-word@mail.example.com:465")
    settings = load_settings()
    assert settings.mail_from == "Ops <ops@example.com>"
    assert "hidden-word" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FOSTR_SMTP_URL", "http://mail.example.com"),
        ("FOSTR_SMTP_URL", "smtp://login:hidden-word@"),
        ("FOSTR_SMTP_URL", "smtp://mail.example.com:hidden-word"),
        ("FOSTR_MAIL_FROM", "nobody"),
        ("FOSTR_CLERK_SECRET", "hidden-word"),
    ],
)
def test_wrong_mail_settings_are_named_and_not_repeated(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(name, value)
    assert refusal().startswith(f"{name}: ")
    assert "hidden-word" not in refusal()

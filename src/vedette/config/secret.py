"""Keys whose values are never shown, and files that hold them instead."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr
from pydantic.fields import FieldInfo

from vedette.config.errors import ConfigError
from vedette.config.options import Section

MAX_BYTES = 64 << 10
"""Longest file of a secret."""
_STARS = "***"


def one_of(section: Section, key: str, file_key: str, *, needed: bool = False) -> None:
    """Check that a secret is given once: as `key`, or as `file_key`.

    Raises:
        ValueError: It is given twice, or needed and not given.
    """
    given = getattr(section, key) is not None, getattr(section, file_key) is not None
    if all(given):
        raise ValueError(f"must have `{key}` or `{file_key}`, not both")
    if needed and not any(given):
        raise ValueError(f"must have `{key}` or `{file_key}`")


def web_address(address: SecretStr) -> SecretStr:
    """Check an http or https address.

    Raises:
        ValueError: It is none; the value is not repeated, as it may be a secret.
    """
    text = address.get_secret_value()
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be an address like https://hooks.example.com/path")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user and password; there are keys for them")
    return address


def not_masked(secret: SecretStr) -> SecretStr:
    """Refuse what is shown in place of a secret, which somebody may send back with the rest of what was shown.

    Raises:
        ValueError: It is that.
    """
    if secret.get_secret_value() == str(secret) != "":
        raise ValueError("is what is shown in place of a secret: give the secret itself")
    return secret


Secret = Annotated[SecretStr, AfterValidator(not_masked)]


def revealed(section: Section, key: str) -> str | None:
    """A secret's value: of `key`, or what the file that `<key>_file` names holds, without blanks around it.

    Raises:
        ConfigError: The file cannot be read.
    """
    value = getattr(section, key)
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    path = getattr(section, f"{key}_file", None)
    if path is None:
        return None
    name = getattr(section, "name", type(section).__name__)
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError((f"{name}: {key}_file = {path}: cannot be read: {error.strerror}",)) from None
    if not content.strip() or len(content) > MAX_BYTES:
        raise ConfigError((f"{name}: {key}_file = {path}: must hold the secret and nothing else",))
    try:
        text = content.decode().strip()
    except UnicodeDecodeError:
        raise ConfigError((f"{name}: {key}_file = {path}: must be UTF-8 text",)) from None
    if not text.isprintable():
        raise ConfigError((f"{name}: {key}_file = {path}: must be a single line",))
    return text


def without_password(url: str) -> str:
    """A store's or broker's URL with stars for passwords, before the host and among the options."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    address, question, options = rest.partition("?")
    before, at, host = address.rpartition("@")
    name, colon, _ = before.partition(":")
    address = f"{name}:{_STARS}@{host}" if at and colon else address
    shown = "&".join(
        f"{key}{equals}{_STARS}" if _is_secret(key) else f"{key}{equals}{value}"
        for key, equals, value in (option.partition("=") for option in options.split("&"))
    )
    return f"{scheme}{separator}{address}{question}{shown}"


def _is_secret(option: str) -> bool:
    name = option.lower()
    return "password" in name and name != "password_file"


def masked(kind: type[Section], values: Any) -> Any:
    """Values as they were given for a section, not validated, with stars for what is or may hold a secret."""
    if values is None:
        return None
    if not isinstance(values, Mapping):
        return _STARS
    return {key: _masked(kind.model_fields.get(str(key)), value) for key, value in values.items()}


def _masked(info: FieldInfo | None, value: Any) -> Any:
    # It reads YAML, which a scan without a configuration need not load.
    from vedette.config.problems import of_secret, section_in

    # What is no key of ours is refused, and may be a secret in the wrong place.
    if info is None or (value is not None and of_secret(info)):
        return _STARS
    inner = section_in(info)
    if inner is None:
        return without_password(value) if isinstance(value, str) else value
    return [masked(inner, each) for each in value] if isinstance(value, list) else masked(inner, value)

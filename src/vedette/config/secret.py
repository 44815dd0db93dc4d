"""Keys whose values are never shown, and files that hold them instead."""

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from vedette.config.errors import ConfigError
from vedette.config.options import Section

MAX_BYTES = 64 << 10
"""Longest file of a secret."""


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

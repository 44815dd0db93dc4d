"""Secrets and their digests: API keys, and passwords of basic authentication.

An API key is 256 random bits. Nobody can try them all, so one keyed hash is enough, and a slow one would only help who
sends many wrong keys to keep the service busy. A password is what a person can think of; its digest is made slow and
hungry for memory (scrypt, RFC 7914), so that a stolen store does not give it away.
"""

import base64
import hashlib
import hmac
import re
import secrets
from typing import Final

from vedette.schema.errors import VedetteError
from vedette.server.scopes import SCOPES
from vedette.storage.live import StoredKey

PREFIX: Final = "vdt"
"""What every API key begins with, so that scanners for leaked secrets can know them."""
_SECRET_BYTES: Final = 32
_SALT_BYTES: Final = 16
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,38}[a-z0-9])?")
LEAST_PASSWORD: Final = 12
MOST_PASSWORD: Final = 1024
_SCRYPT: Final = (1 << 15, 8, 3)
"""Cost, block size, parallelism: 32 MiB and about a quarter of a second; OWASP's password storage cheat sheet
lists them as one of its equals."""
_LARGEST_SCRYPT: Final = (1 << 18, 32, 16)
_MEMORY: Final = 1 << 30


class InvalidKeyError(VedetteError):
    """A key that cannot be made."""


def make_key(
    name: str, scopes: tuple[str, ...], created: int, expires: int | None = None
) -> tuple[StoredKey, str]:
    """A new API key and its secret, which is kept nowhere.

    Args:
        name: Its name. scopes: What it may do. created, expires: Microseconds since the epoch, UTC.

    Raises:
        InvalidKeyError: The name or a scope is none.
    """
    _check(name, scopes)
    secret = f"{PREFIX}_{name}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    salt = secrets.token_bytes(_SALT_BYTES)
    digest = f"blake2b${salt.hex()}${_fast(salt, secret)}"
    return StoredKey(name=name, digest=digest, scopes=scopes, created=created, expires=expires), secret


def make_user(
    name: str, password: str, scopes: tuple[str, ...], created: int, expires: int | None = None
) -> StoredKey:
    """A user of basic authentication.

    Raises:
        InvalidKeyError: The name, a scope or the password is none.
    """
    _check(name, scopes)
    if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
        raise InvalidKeyError(
            f"password: has {len(password)} characters: must have {LEAST_PASSWORD} to {MOST_PASSWORD}"
        )
    salt = secrets.token_bytes(_SALT_BYTES)
    cost = "$".join(str(part) for part in _SCRYPT)
    digest = f"scrypt${cost}${salt.hex()}${_slow(password, salt, *_SCRYPT).hex()}"
    return StoredKey(name=name, digest=digest, scopes=scopes, created=created, expires=expires)


def is_user(key: StoredKey) -> bool:
    """Whether a key is a user with a password."""
    return key.digest.startswith("scrypt$")


def name_in(secret: str) -> str | None:
    """The name that an API key says it is of; None if it is none."""
    parts = secret.split("_", 2)
    return parts[1] if len(parts) == 3 and parts[0] == PREFIX else None


def is_secret_of(secret: str, key: StoredKey | None) -> bool:
    """Whether an API key's secret is that of a key; takes as long for none as for a wrong one."""
    kind, salt, digest = _fields(key, "blake2b", 3) or ("", "00", "")
    found = _fast(bytes.fromhex(salt), secret)
    return hmac.compare_digest(found, digest) and bool(kind)


def is_password_of(password: str, key: StoredKey | None) -> bool:
    """Whether a password is that of a user; takes as long for no user as for a wrong password."""
    fields = _fields(key, "scrypt", 6)
    kind, n, r, p, salt, digest = fields or ("", *(str(part) for part in _SCRYPT), "00" * _SALT_BYTES, "")
    cost = int(n), int(r), int(p)
    if any(given > most for given, most in zip(cost, _LARGEST_SCRYPT, strict=True)):
        return False
    found = _slow(password[: MOST_PASSWORD + 1], bytes.fromhex(salt), *cost).hex()
    return hmac.compare_digest(found, digest) and bool(kind)


def basic_credentials(header: str) -> tuple[str, str] | None:
    """Name and password of an `Authorization: Basic` value (RFC 7617), None if it is malformed."""
    try:
        text = base64.b64decode(header, validate=True).decode()
    except ValueError:
        return None
    name, colon, password = text.partition(":")
    return (name, password) if colon else None


def _check(name: str, scopes: tuple[str, ...]) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidKeyError(
            f"name = {name[:60]!r}: must be 1 to 40 of a-z, 0-9, '-' and '.', "
            "beginning and ending with a letter or digit"
        )
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        shown = repr(unknown[0][:60]) if unknown else "none"
        raise InvalidKeyError(f"scope = {shown}: must be one or more of {', '.join(SCOPES)}")


def _fields(key: StoredKey | None, kind: str, count: int) -> list[str] | None:
    fields = key.digest.split("$") if key is not None else []
    return fields if len(fields) == count and fields[0] == kind else None


def _fast(salt: bytes, secret: str) -> str:
    return hashlib.blake2b(secret.encode("utf-8", "surrogateescape"), key=salt, digest_size=32).hexdigest()


def _slow(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    text = password.encode("utf-8", "surrogateescape")
    return hashlib.scrypt(text, salt=salt, n=n, r=r, p=p, dklen=32, maxmem=_MEMORY)

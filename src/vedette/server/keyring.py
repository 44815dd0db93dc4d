"""Who shows which key: the store's keys, read anew every few seconds, and what was shown held against them."""

import asyncio
import hashlib
import logging
import secrets
from collections.abc import Mapping

from vedette.schema.errors import VedetteError
from vedette.server.keys import basic_credentials, is_password_of, is_secret_of, is_user, name_in
from vedette.server.rooms import Clock, aside
from vedette.storage.errors import StoreError
from vedette.storage.live import LiveStore, StoredKey

REREAD_US = 5_000_000
"""How long a key that was made or revoked elsewhere may go unnoticed."""
REMEMBERED = 1000
"""Passwords found right that are not worked out again for a while."""
REMEMBERED_US = 300_000_000
_LOG = logging.getLogger(__name__)


class KeysUnreadError(VedetteError):
    """The keys cannot be read, and none are known."""


class Keyring:
    """The keys of a store.

    A password is slow to hold against its digest, on purpose. One that was right is remembered for five minutes by a
    keyed hash, whose key lives in this process alone; it counts only as long as the user's stored digest is the same.
    """

    def __init__(self, store: LiveStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._keys: Mapping[str, StoredKey] | None = None
        self._read_at = 0
        self._reading = asyncio.Lock()
        self._working = asyncio.Lock()
        self._pepper = secrets.token_bytes(32)
        self._right: dict[bytes, int] = {}

    async def find(self, authorization: str, api_key: str) -> StoredKey | None:
        """The key that was shown, None if there is none such, or it was revoked or has expired.

        Args:
            authorization: The header of that name. api_key: The header `X-API-Key`.

        Raises:
            KeysUnreadError: The store gives none.
        """
        keys = await self._known()
        scheme, _, value = authorization.partition(" ")
        match scheme.lower():
            case "bearer":
                return self._of_secret(value.strip(), keys)
            case "basic":
                return await self._of_user(value.strip(), keys)
            case "" if api_key:
                return self._of_secret(api_key.strip(), keys)
        return None

    def _of_secret(self, secret: str, keys: Mapping[str, StoredKey]) -> StoredKey | None:
        key = keys.get(name_in(secret) or "")
        return key if is_secret_of(secret, key) and key is not None and self._holds(key) else None

    async def _of_user(self, value: str, keys: Mapping[str, StoredKey]) -> StoredKey | None:
        credentials = basic_credentials(value)
        if credentials is None:
            return None
        name, password = credentials
        key = keys.get(name)
        if key is not None and not is_user(key):
            # An API key may be shown as the password of its name: some programs can do nothing else.
            return key if is_secret_of(password, key) and self._holds(key) else None
        shown = hashlib.blake2b(
            f"{name}\0{password}\0{key.digest if key else ''}".encode("utf-8", "surrogateescape"),
            key=self._pepper,
        ).digest()
        now = self._clock()
        if self._right.get(shown, 0) <= now:
            # One at a time: each takes 32 MiB.
            async with self._working:
                right = await aside(is_password_of, password, key)
            if not right:
                return None
            if len(self._right) >= REMEMBERED:
                self._right.clear()
            self._right[shown] = now + REMEMBERED_US
        return key if key is not None and self._holds(key) else None

    def _holds(self, key: StoredKey) -> bool:
        return not key.revoked and (key.expires is None or self._clock() < key.expires)

    async def _known(self) -> Mapping[str, StoredKey]:
        now = self._clock()
        if self._keys is not None and 0 <= now - self._read_at < REREAD_US:
            return self._keys
        async with self._reading:
            if self._keys is None or not 0 <= now - self._read_at < REREAD_US:
                await self._read(now)
        assert self._keys is not None  # noqa: S101 # `_read` has set it, or raised
        return self._keys

    async def _read(self, now: int) -> None:
        try:
            found = await aside(self._store.keys)
        except StoreError as error:
            if self._keys is None:
                raise KeysUnreadError(f"the keys cannot be read: {error}") from error
            _LOG.warning("the keys cannot be read, so those known before still count: %s", error)
            self._read_at = now
            return
        self._keys = {key.name: key for key in found}
        self._read_at = now

"""Making, listing and revoking keys in the service's store."""

import getpass
import os
import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from vedette.config import Config
from vedette.live.directory import own_store, state_directory
from vedette.schema.errors import VedetteError
from vedette.schema.spans import DAY_US
from vedette.server.keys import is_user, make_key, make_user
from vedette.storage.live import AuditLine, LiveStore, StoredKey
from vedette.storage.open import open_live_store, shown_url

_AGE = re.compile(r"([1-9]\d{0,3})([dw])")


class KeyCommandError(VedetteError):
    """A key that cannot be made or revoked."""


def create_key(
    name: str,
    scopes: tuple[str, ...],
    expires: str | None,
    *,
    password: bool,
    store: str | None,
    config: Path | None,
) -> None:
    """Make a key and print its secret.

    Raises:
        VedetteError: The name is taken or none, or the store cannot be used.
    """
    now = _now()
    until = None if expires is None else now + _age(expires)
    url = _url(store, config)
    with open_live_store(url) as kept_in:
        known = {key.name: key for key in kept_in.keys()}  # noqa: SIM118 -- a store is no mapping
        if name in known and not known[name].revoked:
            raise KeyCommandError(
                f"{name}: there is a key of that name: revoke it first, or take another name"
            )
        if password:
            key, secret = make_user(name, _password(), scopes, now, until), None
        else:
            key, secret = make_key(name, scopes, now, until)
        kept_in.put_key(key)
        _audit(kept_in, now, "key create", name, ", ".join(scopes))
    if secret is not None:
        # Nothing else on standard output: `KEY=$(vedette key create ...)` is how this is used.
        print(secret)
    ends = "never" if until is None else _day(until)
    # A service that another user runs has another store of its own: where this key counts must be seen.
    print(f"{name}: may {', '.join(scopes)}; ends {ends}; kept in {shown_url(url)}", file=sys.stderr)


def list_keys(store: str | None, config: Path | None) -> None:
    """Print the keys, one a line."""
    now, url = _now(), _url(store, config)
    with open_live_store(url, create=store is None) as kept_in:
        keys = sorted(kept_in.keys(), key=lambda key: key.name)
    if not keys:
        print(f"there are no keys in {shown_url(url)}; `vedette key create NAME` makes one")
    for key in keys:
        print(
            f"{key.name}  {'user' if is_user(key) else 'key'}  {','.join(key.scopes)}  made {_day(key.created)}  "
            f"{_state(key, now)}"
        )


def revoke_key(name: str, store: str | None, config: Path | None) -> None:
    """End a key.

    Raises:
        VedetteError: There is none of that name, or the store cannot be used.
    """
    now = _now()
    # One that is only looked into is not made: its name may be mistyped.
    with open_live_store(_url(store, config), create=store is None) as kept_in:
        key = next((key for key in kept_in.keys() if key.name == name), None)  # noqa: SIM118 -- as above
        if key is None:
            raise KeyCommandError(f"{name}: there is no key of that name: `vedette key list` lists them")
        kept_in.put_key(msgspec.structs.replace(key, revoked=True))
        _audit(kept_in, now, "key revoke", name, "")
    print(f"{name}: revoked")


def _url(store: str | None, path: Path | None) -> str:
    """The store that the service uses: given, configured (`path` is the configuration's), or its own."""
    config = Config.load(path, environment=os.environ)
    url = store or config.store.url
    return url or own_store(state_directory(config.live.directory, os.environ))


def _audit(store: LiveStore, now: int, action: str, target: str, detail: str) -> None:
    store.audit(AuditLine(at=now, who="local", address="", action=action, target=target, detail=detail))


def _password() -> str:
    """A password, asked for twice on a terminal, or a line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline(4096).rstrip("\r\n")
    first = getpass.getpass("Password: ")
    if first != getpass.getpass("Again: "):
        raise KeyCommandError("the two passwords differ: try again")
    return first


def _age(text: str) -> int:
    found = _AGE.fullmatch(text)
    if found is None:
        raise KeyCommandError(f"--expires {text}: must be days or weeks, like 90d or 12w")
    return int(found[1]) * (7 if found[2] == "w" else 1) * DAY_US


def _state(key: StoredKey, now: int) -> str:
    if key.revoked:
        return "revoked"
    if key.expires is None:
        return "never ends"
    return f"{'ended' if key.expires <= now else 'ends'} {_day(key.expires)}"


def _day(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / 1e6, UTC).date().isoformat()


def _now() -> int:
    return time.time_ns() // 1000

"""What the commands of `vedette alert` do."""

import os
import re
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from vedette.channels.build import build_channel
from vedette.channels.channel import Failed
from vedette.channels.message import Item, Message
from vedette.channels.silences import Silence, SilenceError, configured, end, kept, make
from vedette.channels.trial import trial
from vedette.cli.when import parse_time
from vedette.config import Config
from vedette.live.directory import own_store, state_directory
from vedette.schema.anomaly import AnomalyType, Severity
from vedette.schema.errors import VedetteError
from vedette.schema.live import Change
from vedette.storage.live import LiveStore, Telling
from vedette.storage.open import open_live_store

_AGE = re.compile(r"([1-9]\d{0,4})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class AlertError(VedetteError):
    """A command about alerts that cannot be done."""


def try_channel(name: str, config_path: Path | None) -> None:
    """Send a test message.

    Raises:
        AlertError: There is no such channel, or it did not take it.
    """
    alerts = Config.load(config_path, environment=os.environ).alerts
    sections = {section.name: section for section in alerts.channels.each()}
    if name not in sections:
        there = ", ".join(sections) or "none; give --config FILE"
        raise AlertError(f"{name}: there is no such channel; there are: {there}")
    channel = build_channel(sections[name])
    changes = [Change.OPENED, Change.CLOSED] if channel.rule.resolves else [Change.OPENED]
    now = _now()
    for change in changes:
        notice = trial(change, now)
        told = (notice.incident.severity,) if change is Change.CLOSED else ()
        item = Item(notice, dict(alerts.tags), alerts.link, told)
        result = channel.send(Message(notice.id, (item,), now))
        if isinstance(result, Failed):
            raise AlertError(f"channel {name}: {_printable(result.reason)}")
        if result.remark:
            print(f"{name}: {_printable(result.remark)}")
    print(f"{name}: took the test message")


def make_silence(
    services: Sequence[str],
    types: Sequence[AnomalyType],
    *,
    max_severity: Severity,
    incident: str | None,
    age: str | None,
    until: str | None,
    reason: str,
    store: str | None,
    config: Path | None,
) -> None:
    """Make a silence, and print its id; beside it, what it holds and until when."""
    now = _now()
    if age is not None:
        found = _AGE.fullmatch(age)
        if found is None:
            raise AlertError(f"--for {age}: must be a number and a unit, like 30m, 2h or 1d")
        moment = now + timedelta(**{_UNITS[found[2]]: int(found[1])}) // timedelta(microseconds=1)
    else:
        moment = parse_time("--until", until or "", datetime.now(UTC))
    with _open(store, config) as kept_in:
        made = make(
            kept_in,
            now,
            moment,
            services=services,
            types=types,
            max_severity=max_severity,
            incident_id=incident,
            reason=reason,
            by="command line",
        )
    print(made.id)
    print(_shown(made), file=sys.stderr)


def list_silences(store: str | None, config: Path | None) -> None:
    """Print silences that hold."""
    now = _now()
    alerts = Config.load(config, environment=os.environ).alerts
    with _open(store, config) as kept_in:
        holding = [*(s for s in configured(alerts) if s.until > now), *kept(kept_in, now)]
    for silence in holding:
        print(_shown(silence))
    if not holding:
        print("there are no silences")


def end_silence(silence_id: str, store: str | None, config: Path | None) -> None:
    """End one.

    Raises:
        AlertError: There is none of that id.
    """
    with _open(store, config) as kept_in:
        if not end(kept_in, _now(), silence_id):
            raise SilenceError(
                f"{silence_id}: there is no such silence; `vedette alert silences` lists them, and those of the "
                "configuration end there"
            )
    print(f"{silence_id}: ended")


def print_log(limit: int, store: str | None, config: Path | None) -> None:
    """Print the notification log."""
    with _open(store, config) as kept_in:
        told = kept_in.notification_log(limit=limit).items
    for telling in told:
        print(_line(telling))
    if not told:
        print("nobody was told anything yet")


def _open(store: str | None, path: Path | None) -> LiveStore:
    """The store that the service uses: given, configured, or its own."""
    config = Config.load(path, environment=os.environ)
    url = store or config.store.url
    return open_live_store(url or own_store(state_directory(config.live.directory, os.environ)), create=False)


def _shown(silence: Silence) -> str:
    about = [f"incident {silence.incident_id}"] if silence.incident_id is not None else []
    about += silence.services
    about += [kind.value for kind in silence.types]
    if silence.max_severity is not Severity.CRITICAL:
        about.append(f"up to {silence.max_severity.value}")
    why = f": {silence.reason}" if silence.reason else ""
    text = f"{silence.id}  until {_moment(silence.until)}  {', '.join(about) or 'everything'}{why}"
    return _printable(f"{text} (by {silence.by})" if silence.by else text)


def _line(telling: Telling) -> str:
    more = [telling.reason] if telling.reason else []
    if telling.next_try is not None:
        more.append(f"next at {_moment(telling.next_try)}")
    if telling.tries > 1:
        more.append(f"{telling.tries} tries")
    return _printable(
        f"{_moment(telling.at)}  {telling.outcome.value:8}  {telling.channel}  {telling.notice_id}"
        + (f"  {'; '.join(more)}" if more else "")
    )


def _moment(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1e6, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _now() -> int:
    return time.time_ns() // 1000


def _printable(text: str) -> str:
    """Text of hostile origin, fit for a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)

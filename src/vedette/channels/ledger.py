"""What was told, as the store has it: read once, and kept while notices are at hand."""

import threading
from collections.abc import Iterable, Sequence

from vedette.channels.plan import Past, earlier_ids
from vedette.schema.live import Notice
from vedette.schema.spans import HOUR_US
from vedette.storage.live import LiveStore, Outcome, Telling

_PAGE = 1000
_MOST_PAGES = 200


class Ledger:
    """Tellings read and written by several threads. Every method may raise `StoreError`."""

    def __init__(self, store: LiveStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._tellings: dict[str, dict[str, Telling]] = {}
        self._sent: dict[str, set[int]] | None = None
        self._unwritten: list[Telling] = []

    def past(self, notices: Sequence[Notice], now: int) -> Past:
        """What was told of these, and of their incidents before; what is about others is forgotten here."""
        with self._lock:
            self._flush()
            wanted = dict.fromkeys(i for notice in notices for i in (notice.id, *earlier_ids(notice)))
            self._tellings = {
                each: self._tellings[each] if each in self._tellings else self._read(each) for each in wanted
            }
            if self._sent is None:
                self._sent = self._read_sent(now)
            self._sent = {
                channel: {at for at in times if at > now - HOUR_US} for channel, times in self._sent.items()
            }
            return self._copy(wanted)

    def past_of(self, notices: Sequence[Notice]) -> Past:
        """The same for some of them, read anew where it is not at hand."""
        with self._lock:
            wanted = dict.fromkeys(i for notice in notices for i in (notice.id, *earlier_ids(notice)))
            for each in wanted:
                if each not in self._tellings:
                    self._tellings[each] = self._read(each)
            return self._copy(wanted)

    def note(self, tellings: Iterable[Telling]) -> None:
        """Write tellings; where that fails, they hold here, and are written before anything else is read."""
        with self._lock:
            for telling in tellings:
                self._tellings.setdefault(telling.notice_id, {})[telling.channel] = telling
                if telling.outcome is Outcome.SENT and self._sent is not None:
                    self._sent.setdefault(telling.channel, set()).add(telling.at)
                self._unwritten.append(telling)
            self._flush()

    def _flush(self) -> None:
        while self._unwritten:
            self._store.tell(self._unwritten[0])
            self._unwritten.pop(0)

    def _read(self, notice_id: str) -> dict[str, Telling]:
        return {telling.channel: telling for telling in self._store.tellings(notice_id)}

    def _read_sent(self, now: int) -> dict[str, set[int]]:
        sent: dict[str, set[int]] = {}
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            found = self._store.notification_log(limit=_PAGE, cursor=cursor)
            for telling in found.items:
                if telling.outcome is Outcome.SENT:
                    sent.setdefault(telling.channel, set()).add(telling.at)
            cursor = found.cursor
            if cursor is None or not found.items or found.items[-1].at <= now - HOUR_US:
                break
        return sent

    def _copy(self, wanted: Iterable[str]) -> Past:
        return Past(
            {each: dict(self._tellings[each]) for each in wanted},
            {channel: tuple(times) for channel, times in (self._sent or {}).items()},
        )

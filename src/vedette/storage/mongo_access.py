"""How MongoDB is reached, what its errors mean, and how its collections are paged through."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

import msgspec
from pymongo import ASCENDING, DESCENDING, MongoClient
from pymongo.collection import Collection
from pymongo.errors import (
    AutoReconnect,
    ConfigurationError,
    ConnectionFailure,
    InvalidURI,
    OperationFailure,
    PyMongoError,
)

from vedette.storage.cursor import read_cursor, write_cursor
from vedette.storage.errors import StoreError, StoreProblem
from vedette.storage.mongo_url import shown
from vedette.storage.password import read_password
from vedette.storage.rows import document_of
from vedette.storage.store import PAGE_LIMIT, Page

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)

Doc = dict[str, Any]

SCHEMA = 1
"""Version of the collections below."""
CONNECT_MS = 5000
"""How long a server may take to answer at first."""
ANSWER_MS = 60_000
"""How long one operation may take."""

INDEXES: dict[str, tuple[tuple[tuple[str, ...], bool], ...]] = {
    "anomalies": (
        (("start_us", "_id"), False),
        (("service", "start_us", "_id"), False),
        (("entity_kind", "entity_value", "start_us"), False),
        (("incident_id",), False),
        (("type", "severity"), False),
    ),
    "incidents": ((("start_us", "_id"), False), (("services", "start_us"), False)),
    "windows": ((("service", "part", "start_us", "span_s"), True),),
    "baselines": ((("service", "route", "metric", "season"), True),),
    "runs": ((("started_us", "_id"), False),),
    "notices": ((("settled", "time_us", "_id"), False),),
    "tellings": ((("notice_id", "channel"), True), (("at_us", "notice_id", "channel"), False)),
    "audits": ((("at_us", "_id"), False),),
}
"""Collection to its indexes: fields, and whether they are unique together."""

_PROBLEMS: dict[int, tuple[StoreProblem, str]] = {
    13: (StoreProblem.READ_ONLY, "this user may not write there; grant it readWrite"),
    18: (StoreProblem.UNREACHABLE, "the server refuses this user or password; check both"),
    8000: (StoreProblem.UNREACHABLE, "the server refuses this user or password; check both"),
    14031: (StoreProblem.FULL, "the server's disk is full; free some"),
}


class MongoAccess:
    """A database that holds our collections.

    Args:
        url: `mongodb://user@host/database`; `password_file` may stand behind `?`.
        create: Whether an empty database is given our collections.

    Raises:
        StoreError: See `open_store`.
    """

    def __init__(self, url: str, *, create: bool = True) -> None:
        self._name = shown(url)
        with self._explained():
            self._client: MongoClient[Doc] = _client(url, self._name)
        try:
            with self._explained():
                self._database = self._client.get_default_database()
                self._prepare(create=create)
        except StoreError:
            self.close()
            raise

    def close(self) -> None:
        """See `Store`."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _prepare(self, *, create: bool) -> None:
        versions = self._database["vedette_schema"]
        newest = versions.find_one(sort=[("_id", DESCENDING)])
        if newest is None:
            if others := self._database.list_collection_names():
                names = ", ".join(sorted(others)[:3])
                reason = f"holds another program's collections ({names}); give another database"
                # Ours are made before the version is written: a start that was killed is gone on with.
                if not set(others) <= {*INDEXES, "vedette_schema"}:
                    raise StoreError(self._name, StoreProblem.NOT_OURS, reason)
            if not create:
                reason = "holds nothing of ours; `vedette serve` or `vedette scan --store` makes it"
                raise StoreError(self._name, StoreProblem.UNREACHABLE, reason)
            for name, indexes in INDEXES.items():
                for fields, unique in indexes:
                    self._database[name].create_index([(field, ASCENDING) for field in fields], unique=unique)
            versions.update_one({"_id": SCHEMA}, {"$setOnInsert": {"made_by": "vedette"}}, upsert=True)
        elif newest["_id"] > SCHEMA:
            reason = f"schema version {newest['_id']}: this program knows versions up to {SCHEMA}; use a newer vedette"
            raise StoreError(self._name, StoreProblem.NEWER_SCHEMA, reason)

    def _in(self, collection: str) -> Collection[Doc]:
        return self._database[collection]

    def _one(self, collection: str, kind: type[S], key: str) -> S | None:
        with self._explained():
            found = self._in(collection).find_one({"_id": key})
        return None if found is None else self._reader(kind)(found)

    def _reader(self, kind: type[S]) -> Callable[[Doc], S]:
        def read(found: Doc) -> S:
            try:
                return document_of(kind, found["document"])
            except (msgspec.DecodeError, KeyError) as error:
                raise self._damaged(
                    f"{kind.__name__} {found.get('_id')} cannot be read back ({error})"
                ) from None

        return read

    def _damaged(self, what: str) -> StoreError:
        return StoreError(self._name, StoreProblem.DAMAGED, f"{what}; restore the database")

    def _page(
        self,
        collection: str,
        where: Doc,
        order: Sequence[tuple[str, type]],
        limit: int,
        cursor: str | None,
        read: Callable[[Doc], T],
        *,
        newest_first: bool = False,
    ) -> Page[T]:
        """Items behind the cursor in the order of fields (with their types) that together are unique."""
        after = self._after(order, limit, cursor)
        names = [name for name, _ in order]
        conditions = [where] if after is None else [where, behind(names, after, newest_first=newest_first)]
        direction = DESCENDING if newest_first else ASCENDING
        with self._explained():
            found = list(
                self._in(collection)
                .find({"$and": conditions})
                .sort([(name, direction) for name in names])
                .limit(limit + 1)
            )
        more = len(found) > limit
        found = found[:limit]
        last = write_cursor([found[-1][name] for name in names]) if more else None
        return Page([read(one) for one in found], last)

    def _after(
        self, order: Sequence[tuple[str, type]], limit: int, cursor: str | None
    ) -> tuple[Any, ...] | None:
        if not 1 <= limit <= PAGE_LIMIT:
            raise ValueError(f"limit = {limit}: must be from 1 to {PAGE_LIMIT}")
        return None if cursor is None else read_cursor(self._name, cursor, [kind for _, kind in order])

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except PyMongoError as error:
            raise _store_error(self._name, error) from error


def behind(names: Sequence[str], values: Sequence[Any], *, newest_first: bool = False) -> Doc:
    """What comes after these values of these fields, in their order."""
    compare = "$lt" if newest_first else "$gt"
    return {
        "$or": [
            {**dict(zip(names[:place], values[:place], strict=True)), names[place]: {compare: values[place]}}
            for place in range(len(names))
        ]
    }


def _client(url: str, name: str) -> MongoClient[Doc]:
    place, _, query = url.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    password_file = options.pop("password_file", None)
    login: Doc = {}
    if password_file is not None:
        login["password"] = read_password(password_file, name)
        user = re.match(r"mongodb(?:\+srv)?://([^:@/]*)@", place)
        if user is None:
            reason = "has a password_file and no user; write mongodb://user@host/vedette?password_file=FILE"
            raise StoreError(name, StoreProblem.BAD_URL, reason)
        login["username"] = user[1]
    return MongoClient(
        place + ("?" + urlencode(options, quote_via=quote) if options else ""),
        appname="vedette",
        serverSelectionTimeoutMS=CONNECT_MS,
        connectTimeoutMS=CONNECT_MS,
        socketTimeoutMS=ANSWER_MS,
        # What is acknowledged is on the disk, of most members where there are several.
        w="majority",
        journal=True,
        **login,
    )


def _store_error(store: str, error: PyMongoError) -> StoreError:
    """Say what an error means to the person who runs the program."""
    said = " ".join(str(error).split())
    if isinstance(error, InvalidURI | ConfigurationError):
        return StoreError(store, StoreProblem.BAD_URL, f"{said.rstrip('.')}; write mongodb://host/vedette")
    if isinstance(error, AutoReconnect | ConnectionFailure):
        first = said.partition(", Timeout:")[0]
        return StoreError(
            store, StoreProblem.UNREACHABLE, f"cannot be reached ({first}); check that the server runs"
        )
    if isinstance(error, OperationFailure) and error.code in _PROBLEMS:
        return StoreError(store, *_PROBLEMS[error.code])
    return StoreError(store, StoreProblem.FAILED, f"MongoDB says: {said}")

"""Seeing and changing the configuration."""

import re
from typing import Any

import msgspec
from litestar import Request, get, put
from litestar.params import JSONBody

from vedette.config import Config, classic
from vedette.config.secret import masked
from vedette.live.classic_changes import masked_block
from vedette.server.answer import problems
from vedette.server.bodies import ConfigAnswer
from vedette.server.problem import Fault, ProblemError
from vedette.server.ready import needs_engine
from vedette.server.rooms import Inside, caller_of
from vedette.server.scopes import PREFIX
from vedette.storage.live import AuditLine

_REASON = re.compile(r"(?:[^ ]+: |changed over the API: |command line: )?([\w.\[\]-]+)(?: = |: )")
"""The place and the key that a refusal begins with."""
_SHOWN = 4000
"""Characters of a change that the audit log keeps."""


@get(f"{PREFIX}/config", tags=["configuration"], responses=problems(503), sync_to_thread=True)
def configuration(rooms: Inside) -> ConfigAnswer:
    """The configuration in force, secrets masked."""
    return ConfigAnswer(rooms.view.configuration())


@put(
    f"{PREFIX}/config",
    tags=["configuration"],
    responses=problems(503),
    guards=[needs_engine],
    sync_to_thread=True,
)
def configure(rooms: Inside, request: Request[Any, Any, Any], data: JSONBody[dict[str, Any]]) -> ConfigAnswer:
    """Change the keys that are given, without a restart; the others stay. All of it, or, with reasons, nothing.

    Sections are nested as in the file: `{"alarm": {"budget": "2/day"}}`. The classic block is taken, too: `{"ai":
    {"anomalyThreshold": 3.5}}`. A key or section that is null goes back to what it is without a change.
    """
    reasons = rooms.view.configure(data)
    caller = caller_of(request.scope)
    shown = masked(Config, data)
    if classic.BLOCK in data:
        shown[classic.BLOCK] = masked_block(data[classic.BLOCK])
    detail = msgspec.json.encode(shown).decode()
    rooms.store.audit(
        AuditLine(
            at=rooms.clock(),
            who=caller.name,
            address=caller.address,
            action="configure" if not reasons else "configure refused",
            target=", ".join(sorted(map(str, data)))[:200],
            detail=detail if len(detail) <= _SHOWN else detail[:_SHOWN] + "…",
        )
    )
    if reasons:
        faults = [Fault(_key(reason), reason) for reason in reasons]
        raise ProblemError(422, f"the configuration stays as it was: {'; '.join(reasons)}", faults)
    return ConfigAnswer(rooms.view.configuration())


def _key(reason: str) -> str:
    """The key that a reason is about, which may stand behind the place where it was given."""
    found = _REASON.match(reason)
    return found[1] if found else reason.partition(": ")[0]

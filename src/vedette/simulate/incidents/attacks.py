"""Incidents that a single request gives away: attack families, from one client or scattered."""

from typing import ClassVar, Final

import msgspec
import numpy as np

from vedette.simulate import people, site
from vedette.simulate.draws import Draws, Ints, cumulative
from vedette.simulate.incidents.base import LoneClient, Mask, Scene
from vedette.simulate.payloads import FAMILIES, Family, fill
from vedette.simulate.rows import GET, METHODS, NO_LABEL, TEXT, Rows
from vedette.simulate.serving import answer_size
from vedette.simulate.traffic import Block
from vedette.simulate.world import World

# Where a value goes when no route is asked for: a target up to the value, and the route that answers it.
_CARRIERS: Final = (
    ("/search?q=", "/search?q=%b"),
    ("/search?page=2&q=", "/search?q=%b&page=%b"),
    ("/category/sale?sort=", "/category/%b?sort=%b&page=%b"),
    ("/product/1042?ref=", "/product/%b"),
    ("/api/v1/products?category=", "/api/v1/products?category=%b&limit=24"),
    ("/api/v1/recommendations?item=", "/api/v1/recommendations?item=%b"),
    ("/blog/packing-light?lang=", "/blog/%b"),
    ("/login?next=", "/login"),
)
_STATUSES: Final = np.array([200, 404, 403, 400, 500, 302])
_STATUS_WEIGHTS: Final = cumulative([44.0, 20.0, 18.0, 9.0, 5.0, 4.0])
_TOOLS: Final = (
    b"sqlmap/1.8.4#stable (https://sqlmap.org)", b"python-requests/2.31.0",
    b"Mozilla/5.0 (compatible; Nuclei - Open-source project)",
    b"curl/8.5.0", b"Wget/1.21.4", b"Go-http-client/1.1",
)  # fmt: skip
_MOST_TEXTS: Final = 4000


class _Pool(msgspec.Struct, frozen=True):
    """Ready-made attack requests: columns over the k distinct ones; `agent` is -1 where any will do."""

    text: Ints
    via: Ints
    method: Ints
    agent: Ints

    @classmethod
    def build(cls, world: World, family: Family, k: int, draws: Draws, route: int | None) -> "_Pool":
        """Make k requests of a family, for one route or for all that carry parameters."""
        shapes = [("value", v) for v in family.values] + [("target", t) for t in family.targets]
        shapes += [("agent", a) for a in family.agents]
        which, random, dress = (
            draws.below(k, len(shapes)).tolist(),
            draws.below(k, 1 << 40).tolist(),
            draws.below(k, 1 << 20),
        )
        columns: list[tuple[int, int, int, int]] = []
        for shape, r, d in zip(which, random, dress.tolist(), strict=True):
            place, raw = shapes[shape]
            filled, agent, method = fill(raw, r), -1, GET
            carrier, template = _CARRIERS[(r >> 30) % len(_CARRIERS)]
            via = site.find(template) if route is None else route
            if place == "target":
                method_name, space, target = filled.rpartition(" ")
                method = METHODS.index(method_name.encode()) if space else GET
                via = site.find("/") if route is None else route
            elif place == "value":
                front = carrier if route is None else _front(route)
                target = front + family.encodings[d % len(family.encodings)](filled)
            else:
                target, agent = (
                    (carrier if route is None else _front(route)) + "1",
                    world.agents.intern(filled.encode()),
                )
            columns.append((world.add_text(target.encode()), via, method, agent))
        text, via_column, methods, agents = np.array(columns, dtype=np.int64).T
        return cls(text, via_column, methods, agents)

    def put(self, rows: Rows, chosen: Mask, draws: Draws) -> None:
        """Turn chosen rows into attacks of the pool."""
        n = int(chosen.sum())
        which = draws.below(n, len(self.text))
        rows["route"][chosen] = TEXT
        rows["arg"][chosen] = self.text[which]
        rows["via"][chosen] = self.via[which]
        rows["method"][chosen] = self.method[which]
        rows["agent"][chosen] = np.where(self.agent[which] >= 0, self.agent[which], rows["agent"][chosen])
        rows["from_route"][chosen] = TEXT
        rows["from_arg"][chosen] = 0
        status = _STATUSES[draws.choose(n, _STATUS_WEIGHTS)]
        status = np.where(rows["status"][chosen] == 503, 503, status)
        rows["status"][chosen] = status
        rows["size"][chosen] = answer_size(status, 5_000 + draws.below(n, 30_000))


def _front(route: int) -> str:
    target = site.ROUTES[route].targets(np.zeros(1, dtype=np.int64))[0].decode()
    return f"{target}{'&' if '?' in target else '?'}q="


class SignatureAttack(LoneClient):
    """One client tries many payloads of one family."""

    family: ClassVar[Family]
    per_second = 1.0

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        world = scene.world
        draws = Draws(world.seed, 6, scene.number)
        self._rate = self.per_second * scene.intensity
        distinct = int(np.clip(self._rate * scene.seconds() * 1.3, 20, _MOST_TEXTS))
        self._route = (
            scene.route_or(("/search?q=%b", 0)) if scene.routes or scene.service is not None else None
        )
        self._pool = _Pool.build(world, self.family, distinct, draws, self._route)
        tool = scene.number % (len(_TOOLS) + 2)
        self._agent = (
            world.agents.intern(_TOOLS[tool]) if tool < len(_TOOLS) else int(world.agents.browsers[tool])
        )

    def add(self, block: Block, draws: Draws) -> Rows:
        """Payloads against an ordinary route."""
        times = self.scene.arrivals(block, draws, self._rate)
        rows = self.scene.requests(times, self._route or 0, draws)
        rows["client"] = self.client
        rows["agent"] = self._agent
        self._pool.put(rows, np.ones(len(rows), dtype=np.bool_), draws)
        return rows


def _named(family: Family) -> type[SignatureAttack]:
    words = "".join(part.capitalize() for part in family.name.split("_"))
    about = f"One client tries {family.type.value.replace('_', ' ')} in many dresses."
    return type(words, (SignatureAttack,), {"family": family, "type": family.type, "__doc__": about})


SIGNATURE_ATTACKS: Final[dict[str, type[SignatureAttack]]] = {f.name: _named(f) for f in FAMILIES}


class AttackShare:
    """A share of all requests are attacks of every family, from clients scattered over the address space."""

    def __init__(self, world: World, share: float, first_number: int) -> None:
        self._share = share
        self._first = first_number
        expected = world.rhythm.total() * share
        distinct = int(np.clip(expected / len(FAMILIES), 20, _MOST_TEXTS))
        draws = Draws(world.seed, 7)
        self._pools = [_Pool.build(world, family, distinct, draws, None) for family in FAMILIES]
        self._clients = people.visitor_address(2_000_000 + np.arange(int(np.clip(expected / 40, 4, 5000))))

    def change(self, rows: Rows, draws: Draws) -> Rows:
        """Turn a share of the ordinary requests into attacks."""
        hit = (draws.uniform(len(rows)) < self._share) & (rows["label"] == NO_LABEL)
        family = draws.below(len(rows), len(FAMILIES))
        attackers = self._clients[draws.below(len(rows), len(self._clients))]
        rows["client"] = np.where(hit, attackers, rows["client"])
        for i, pool in enumerate(self._pools):
            mine = hit & (family == i)
            pool.put(rows, mine, draws)
            rows["label"][mine] = self._first + i
        return rows

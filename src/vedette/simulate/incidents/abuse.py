"""Clients that abuse what a shop is for: each request is a usual one, and no customer sends them in this order."""

from typing import ClassVar, Final

import numpy as np

from vedette.schema.anomaly import AnomalyType
from vedette.simulate import site
from vedette.simulate.draws import Draws
from vedette.simulate.incidents.base import LoneClient, Scene
from vedette.simulate.rows import HTTP_2, POST, SECOND, TEXT, Rows, empty_rows
from vedette.simulate.serving import serve
from vedette.simulate.traffic import Block
from vedette.simulate.visits import things

Steps = tuple[tuple[str, int], ...]

_HOME: Final = ("/", 0)
_PRODUCT: Final = ("/p/%b", 0)
_ADD: Final = ("/cart/items", POST)
_CART: Final = ("/cart", 0)
_CHECKOUT: Final = ("/checkout", 0)
_BUY: Final = ("/checkout/orders", POST)
_THANKS: Final = ("/orders/%b/thanks", 0)
_LOGIN: Final = ("/login", 0)
_SIGN_IN: Final = ("/login", POST)
_ACCOUNT: Final = ("/account", 0)
_ORDER: Final = ("/account/orders/%b", 0)
_PAUSE: Final = 6.0
"""Median seconds between two requests, with sigma 0.5: half as long as people think."""
_HURRY: Final = 0.1
"""Chance that a step of the round is left out."""


class LogicAbuse(LoneClient):
    """One client goes round and round through steps in an order of its own, at a person's pace."""

    type = AnomalyType.SEQUENCE_ANOMALY
    lasts = 180
    opening: ClassVar[Steps] = ()
    round: ClassVar[Steps] = ()

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        draws = Draws(scene.world.seed, 6, scene.number)
        most = max(2, int(scene.seconds() * scene.intensity / _PAUSE * 2) + len(self.opening))
        pause = _PAUSE / scene.intensity * draws.lognormal(most, 0.5)
        self._times = scene.start + (np.cumsum(pause) * SECOND).astype(np.int64)
        self._times = self._times[self._times < scene.end]
        taken = draws.uniform(2 * most) >= _HURRY
        places = np.flatnonzero(taken)[: len(self._times)] % len(self.round)
        steps = np.array([site.find(*step) for step in self.round], dtype=np.int16)[places]
        begun = np.array([site.find(*step) for step in self.opening], dtype=np.int16)
        self._routes = np.concatenate([begun, steps])[: len(self._times)]
        self._agent = int(scene.world.agents.browsers[2 + scene.number % 6])

    def add(self, block: Block, draws: Draws) -> Rows:
        """Its steps, answered as everybody's are."""
        within = np.flatnonzero((self._times >= block.start) & (self._times < block.end))
        rows = empty_rows(len(within))
        rows["start"] = self._times[within]
        rows["route"] = rows["via"] = self._routes[within]
        rows["arg"] = things(draws, self._routes[within])
        before = np.append(np.int16(TEXT), self._routes)[within]
        rows["from_route"], rows["from_arg"] = before, 0
        methods = np.array([route.method for route in site.ROUTES], dtype=np.int8)
        rows["method"] = methods[self._routes[within]]
        rows["tenant"], rows["label"] = self.scene.tenant, self.scene.number
        rows["client"], rows["agent"], rows["protocol"] = self.client, self._agent, HTTP_2
        serve(self.scene.world, rows, draws)
        return rows


class SkippedPayment(LogicAbuse):
    """Fills the cart and asks for the page that thanks for an order, without ever paying."""

    opening = (_HOME, _PRODUCT)
    round = (_ADD, _CART, _THANKS, _PRODUCT)


class CartHoarding(LogicAbuse):
    """Puts one article after the other into the cart, so that nobody else can buy them, and never looks at it."""

    opening = (_HOME,)
    round = (_PRODUCT, _ADD, _ADD)


class CardTesting(LogicAbuse):
    """Pays again and again: somebody tries cards that are not theirs."""

    opening = (_PRODUCT, _ADD, _CART)
    round = (_CHECKOUT, _BUY)


class OrderWalking(LogicAbuse):
    """Signs in, and asks for one order after the other, of other customers."""

    opening = (_LOGIN, _SIGN_IN, _ACCOUNT)
    round = (_ORDER,)


class AccountHopping(LogicAbuse):
    """Signs in to one account after the other, and has a look at what each has ordered last."""

    round = (_LOGIN, _SIGN_IN, _ACCOUNT, _ORDER)


ABUSES: Final[dict[str, type[LogicAbuse]]] = {
    "skipped_payment": SkippedPayment,
    "cart_hoarding": CartHoarding,
    "card_testing": CardTesting,
    "order_walking": OrderWalking,
    "account_hopping": AccountHopping,
}

"""Routes that a site's owner has written down."""

from collections.abc import Sequence

REMEMBERED = 65_536
"""Routes whose template is remembered, as a cache only."""


class Templates:
    """Matches folded routes against the owner's templates, such as `/users/{}/orders`.

    `{}` takes any one segment. Everything else must be in a route as it is after folding, so a template
    names literal segments and `{}`, never the value of a variable one.
    """

    def __init__(self, templates: Sequence[str]) -> None:
        self._by_depth: dict[int, list[tuple[list[bytes], bytes]]] = {}
        for template in templates:
            segments = [s for s in template.encode("utf-8", "surrogateescape").split(b"/") if s]
            self._by_depth.setdefault(len(segments), []).append((segments, b"/" + b"/".join(segments)))
        self._known: dict[bytes, bytes] = {}

    def __bool__(self) -> bool:
        return bool(self._by_depth)

    def match(self, route: bytes) -> bytes:
        """The first template that takes a route, or the route itself."""
        known = self._known.get(route)
        if known is None:
            known = self._match(route)
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[route] = known
        return known

    def _match(self, route: bytes) -> bytes:
        if not route.startswith(b"/"):
            return route
        parts = [s for s in route.split(b"/") if s]
        for segments, template in self._by_depth.get(len(parts), ()):
            if all(s in (b"{}", p) for s, p in zip(segments, parts, strict=True)):
                return template
        return route

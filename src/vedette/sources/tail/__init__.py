"""Files that grow, followed through every kind of rotation."""

from vedette.sources.tail.paths import Follow
from vedette.sources.tail.tail import Tail

__all__ = ["Follow", "Tail"]

"""Whether a hostile request aims at a parameter that a site's visitors use."""

from vedette.detectors.parameters.habits import Habits
from vedette.detectors.parameters.novelty import FEATURES, of_parameter
from vedette.detectors.parameters.suspects import ParameterReader
from vedette.kernels.requests.parameters import UNKNOWN


class Aims:
    """Holds hostile requests against what is known of the parameters that they set.

    What strangers try at any address there is, they try on pages and parameters that are not there. Who sets a
    parameter that visitors set all the time, and to what it has never been, has looked at the site before.

    Args:
        habits: What is known; they learn nothing of what is hostile.
    """

    def __init__(self, habits: Habits) -> None:
        self._habits = habits
        self._reader = ParameterReader(habits.profiles.classes)

    def parameter(self, service: str, route: str, target: bytes) -> str | None:
        """The parameter that a request aims at; None if it aims at none that is known.

        Args:
            service: Its name. route: The path, folded. target: As it was logged.
        """
        profiles = self._habits.profiles
        owner = profiles.service_slot(service.encode("utf-8", "surrogateescape"))
        slot = UNKNOWN if owner == UNKNOWN else profiles.route(owner, route)
        if slot == UNKNOWN:
            return None
        limit = self._habits.limits.usual
        for parameter in self._reader.read(target):
            found = of_parameter(profiles, slot, parameter)
            if any(new.kind in FEATURES and new.surprise >= limit for new in found):
                return parameter.name.decode("utf-8", "backslashreplace")
        return None

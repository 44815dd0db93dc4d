r"""Traffic that looks like a real site's, with incidents in it that are known line by line.

>>> simulation = Simulation(minutes=30, rate=5, inject="brute_force@+10m+5m")
>>> first = next(simulation.chunks()).partition(b"\\n")[0]
>>> simulation.labels.incidents[0].type.value
'brute_force'
"""

from vedette.simulate.formats.registry import FORMATS
from vedette.simulate.incidents.catalogue import INCIDENTS
from vedette.simulate.injection import Injection, SimulationError, parse_injections
from vedette.simulate.labels import Label, Labels
from vedette.simulate.simulation import DEFAULT_START, Simulation

__all__ = [
    "DEFAULT_START",
    "FORMATS",
    "INCIDENTS",
    "Injection",
    "Label",
    "Labels",
    "Simulation",
    "SimulationError",
    "parse_injections",
]

"""What the engine must find in simulated traffic, and where it must stay silent.

Each case is one incident in traffic that is long enough to learn from first. `calm` gives the same traffic
without it. Use them in process::

    case = INCIDENTS["ddos"]
    for chunk in case.simulation().chunks(): ...
    case.simulation().labels.incidents[0].lines
    case.calm().chunks()
"""

from dataclasses import dataclass
from typing import Final

from vedette.schema.anomaly import AnomalyType
from vedette.simulate import INCIDENTS as NAMES
from vedette.simulate import Simulation


@dataclass(frozen=True, slots=True)
class Case:
    """One incident in otherwise calm traffic.

    Attributes:
        inject: The incident, after enough calm for baselines.
        minutes, rate, format, services, seed: The traffic, as `Simulation` takes them.
    """

    inject: str
    minutes: float = 100
    rate: float = 8.0
    format: str = "combined"
    services: int = 1
    seed: int = 1

    def simulation(self) -> Simulation:
        """The traffic with the incident in it."""
        return self._simulation(self.inject)

    def calm(self) -> Simulation:
        """The same traffic without it."""
        return self._simulation("")

    @property
    def name(self) -> str:
        """The incident's name, as `--inject` takes it."""
        return self.inject.partition("@")[0]

    @property
    def type(self) -> AnomalyType | None:
        """What must be found; None where nothing must."""
        return NAMES[self.name].type

    def _simulation(self, inject: str) -> Simulation:
        return Simulation(
            minutes=self.minutes,
            rate=self.rate,
            seed=self.seed,
            format=self.format,
            services=self.services,
            inject=inject,
        )


INCIDENTS: Final[dict[str, Case]] = {
    "error_spike": Case("error_spike@+75m+8m"),
    "error_spike_on_a_route": Case("error_spike@+75m+10m/api/v1/recommendations"),
    "error_spike_on_a_service": Case(
        "error_spike@+75m+8m:api.shop.example", format="vhost_combined", services=4
    ),
    "latency_spike": Case("latency_spike@+75m+8m", format="envoy-json"),
    "latency_spike_on_a_route": Case("latency_spike@+75m+10m/search", format="envoy-json", services=3),
    "traffic_spike": Case("traffic_spike@+70m+15m"),
    "traffic_drop": Case("traffic_drop@+80m+10m"),
    "ddos": Case("ddos@+75m+5m"),
    "ddos_distributed": Case("ddos_distributed@+75m+5m"),
    "ddos_pulsed": Case("ddos_pulsed@+75m+8m"),
    "ddos_slow": Case("ddos_slow@+75m+8m", format="envoy-json"),
    "brute_force": Case("brute_force@+70m+10m"),
    "credential_stuffing": Case("credential_stuffing@+70m+15m"),
    "scanner": Case("scanner@+75m+5m"),
    "slow_scan": Case("slow_scan@+40m+60m"),
    "bot_activity": Case("bot_activity@+70m+15m"),
    "data_exfiltration": Case("data_exfiltration@+70m+15m"),
    "rate_limit_abuse": Case("rate_limit_abuse@+75m+10m"),
    "sqli": Case("sqli@+75m+3m"),
    "xss": Case("xss@+75m+3m"),
    "path_traversal": Case("path_traversal@+75m+3m"),
    "command_injection": Case("command_injection@+75m+3m"),
    "file_inclusion": Case("file_inclusion@+75m+3m"),
    "ssrf": Case("ssrf@+75m+3m"),
    "template_injection": Case("template_injection@+75m+3m"),
    "log4shell": Case("log4shell@+75m+3m"),
    "xxe": Case("xxe@+75m+3m"),
    "webshell": Case("webshell@+75m+3m"),
    "sensitive_file": Case("sensitive_file@+75m+3m"),
    "protocol_violation": Case("protocol_violation@+75m+3m"),
}

ABUSES: Final = ("skipped_payment", "cart_hoarding", "card_testing", "order_walking", "account_hopping")
"""Incidents that only a model of sequences can tell, which is off unless asked for; bench/quality/sequences.py has it
look for them."""

SILENT: Final[dict[str, Case]] = {
    "deploy": Case("deploy@+75m+20s"),
}
"""Things that happen every week and are no incident."""

INTRUSION: Final = Case("scanner@+70m+3m#mallory,sqli@+73m+4m#mallory,data_exfiltration@+80m+10m#mallory")
"""One client scans, breaks in and downloads: one incident with one timeline."""

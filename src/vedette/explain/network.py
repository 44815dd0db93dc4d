"""Sentences about flows, from an anomaly's fields alone."""

from typing import Any

from vedette.explain.numbers import between, count, in_unit, percent, plural, seconds, size
from vedette.schema.anomaly import Anomaly, AnomalyType


def describe_network(anomaly: Anomaly) -> str:
    """One or two sentences: what was observed, against which threshold, how far beyond."""
    return _BODY[anomaly.type](anomaly)


def _port_scan(anomaly: Anomaly) -> str:
    details = anomaly.details
    where = (
        f"{plural(details['ports'], 'port')} of {details['target']}"
        if details["hosts"] == 1
        else f"{plural(details['hosts'], 'host')} at {plural(details['ports'], 'port')}"
    )
    who = f"{anomaly.entity.value} looked for open ports ({details['shape']} scan)"
    if details["what"] == "first contacts":
        where = f"{where} or more" if details.get("more") else where
        answered = f"{count(details['answered'])} {'was' if details['answered'] == 1 else 'were'} answered"
        return (
            f"{who}: of its first contacts with {where}, {count(anomaly.observed)} failed and "
            f"{answered}; the odds that it scans are "
            f"10^{anomaly.formula.result:.1f} to 1, and the alarm starts at {count(details['odds_threshold'])} to 1."
        )
    time = seconds(details["seconds"])
    if details["what"] == "SYN":
        # Of none it may not be known.
        vain = f", {count(details['failed'])} of them in vain" if details["failed"] else ""
        return (
            f"{who}: {count(anomaly.observed)} SYNs to {where} within {time}{vain}; a scan is "
            f"more than {count(anomaly.threshold)} SYNs to more than "
            f"{count(details['ports_threshold'])} ports."
        )
    if details["what"] == "UDP":
        return (
            f"{who}: {plural(anomaly.observed, 'UDP port')} of {details['target']} said nothing within {time}, "
            f"{count(details['failed'])} of which it is told are unreachable; a scan is more than "
            f"{count(anomaly.threshold)}."
        )
    return (
        f"{who}: {plural(anomaly.observed, details['what'] + ' packet')} to {where} within {time}, which no "
        f"connection sends; a scan starts at {count(anomaly.threshold)}."
    )


def _syn_flood(anomaly: Anomaly) -> str:
    details = anomaly.details
    return (
        f"{anomaly.entity.value} got {count(anomaly.observed)} SYNs at port {details['port']} in "
        f"{seconds(details['seconds'])}, {percent(details['unfinished'])} of which became no connection, from "
        f"{_addresses(details['sources'])} ({details['spread']}); a flood is "
        f"{count(anomaly.threshold)} of which {percent(details['unfinished_threshold'])} or more come to nothing."
    )


def _amplification(anomaly: Anomaly) -> str:
    details = anomaly.details
    if "victim" in details:
        return (
            f"{anomaly.entity.value} answered {size(anomaly.observed)} from UDP port {details['port']} "
            f"({details['service']}) to {details['victim']} in {seconds(details['seconds'])}, which asked for it with "
            f"{size(details['asked'])} in {plural(details['questions'], 'packet')}: whoever asks so pretends to be "
            f"whom the answers flood; that is stated from {size(anomaly.threshold)} and "
            f"{count(details['ratio_threshold'])} times what was asked with."
        )
    return (
        f"{anomaly.entity.value} got {size(anomaly.observed)} from UDP port {details['port']} ({details['service']}) "
        f"of {plural(details['servers'], 'server')} in {seconds(details['seconds'])}, and had asked for it with "
        f"{size(details['asked'])}; reflection starts at {size(anomaly.threshold)} and "
        f"{count(details['ratio_threshold'])} times what was asked with."
    )


def _addresses(number: int) -> str:
    return "one address" if number == 1 else f"{count(number)} addresses"


def _flood(anomaly: Anomaly) -> str:
    details = anomaly.details
    return (
        f"{anomaly.entity.value} got {count(anomaly.observed)} {details['what']} in {seconds(details['seconds'])} "
        f"from {_addresses(details['sources'])}; a flood starts at {count(anomaly.threshold)}."
    )


def _beaconing(anomaly: Anomaly) -> str:
    details = anomaly.details
    return (
        f"{anomaly.entity.value} called {details['server']} at port {details['port']} {count(details['calls'])} times "
        f"in {seconds(details['span'])}, every {seconds(details['interval'])} give or take "
        f"{percent(anomaly.observed)}; people and most programs vary more than {percent(anomaly.threshold)}"
        f"{_others(details.get('others'))}."
    )


def _others(others: int | None) -> str:
    if others is None:
        return ""
    return f", and {plural(others, 'other host') if others else 'no other host'} of the network called there"


def _onward(details: dict[str, Any]) -> str:
    """Where a resolver passes questions on to."""
    return (
        f"; {details['server']} passed them on to {', '.join(details['onward'])}"
        if "onward" in details
        else ""
    )


def _tunnel(anomaly: Anomaly) -> str:
    details = anomaly.details
    if details["what"] == "DNS":
        return (
            f"{anomaly.entity.value} asked {details['server']} {count(anomaly.observed)} DNS questions of the kind "
            f"that carry something else within {seconds(details['seconds'])}: {count(details['long'])} for names of "
            f"more than 52 bytes, {count(details['rare'])} for types that hold anything, of {count(details['queries'])}"
            f" in all (mean name {count(details['mean_name'])} bytes); a tunnel starts at "
            f"{count(anomaly.threshold)}{_onward(details)}."
        )
    if details["what"] == "TCP to port 53":
        return (
            f"{anomaly.entity.value} and {details['server']} exchanged {plural(anomaly.observed, 'message')} over TCP "
            f"port 53 in one connection of {seconds(details['seconds'])}; lookups over TCP are few, and a tunnel "
            f"starts at {count(anomaly.threshold)}."
        )
    if details["what"] == "heavy DNS":
        return (
            f"{anomaly.entity.value} asked {details['server']} {count(details['queries'])} DNS questions within "
            f"{seconds(details['seconds'])} in packets of {size(details['bytes'] / details['queries'])} on average; "
            f"questions are smaller, and a tunnel starts at {count(anomaly.threshold)}{_onward(details)}."
        )
    if details["what"] == "heavy pings":
        return (
            f"{anomaly.entity.value} and {details['server']} exchanged {count(details['pings'])} pings of "
            f"{size(details['bytes'] / details['pings'])} on average within {seconds(details['seconds'])} "
            f"({size(details['bytes'])} in all); pings are one a second and small, and a tunnel starts at "
            f"{count(anomaly.threshold)} each way."
        )
    return (
        f"{anomaly.entity.value} and {details['server']} exchanged pings of changing size within "
        f"{seconds(details['seconds'])}: {count(anomaly.observed)} of {count(details['pings'])} differed from the one "
        f"before ({size(details['bytes'])} in all); pings are of one size, and a tunnel starts at "
        f"{count(anomaly.threshold)} changes."
    )


def _latency(anomaly: Anomaly) -> str:
    details = anomaly.details
    return (
        f"The slowest 5 % of {count(details['samples'])} {details['what']} took {seconds(anomaly.observed)} or more, "
        f"{count(details['times'])} times the usual {seconds(anomaly.expected.mid or 0.0)} (from "
        f"{plural(anomaly.sample_count, 'window')}); the alarm starts at {count(details['factor'])} times."
    )


def _loss(anomaly: Anomaly) -> str:
    details = anomaly.details
    return (
        f"{count(details['again'])} of {count(details['segments'])} TCP segments with data were sent again "
        f"({percent(anomaly.observed)}); the alarm starts at {percent(anomaly.threshold)}."
    )


def _protocol(anomaly: Anomaly) -> str:
    details = anomaly.details
    usual = percent(anomaly.expected.mid or 0.0)
    return (
        f"{percent(anomaly.observed)} of {count(details['flows'])} flows were {details['what']}, where {usual} is "
        f"usual (from {plural(anomaly.sample_count, 'window')}); the alarm starts at {details['points']:.0f} points of "
        f"difference."
    )


def _long(anomaly: Anomaly) -> str:
    details = anomaly.details
    if details["what"] == "slow":
        return (
            f"{anomaly.entity.value} holds {count(anomaly.observed)} connections to {details['server']} port "
            f"{details['port']} open with {size(details['bytes_each'])} sent on each and none answered, the oldest for "
            f"{seconds(details['longest'])}; that is slowloris's shape, stated from {count(anomaly.threshold)}."
        )
    idle = ", nearly idle" if details["idle"] else ""
    before = ""
    if details.get("stayed"):
        others, kinds = plural(details["stayed"], "connection"), plural(details["kinds"], "kind")
        before = f" Of {others} of {kinds} that stayed before, none was to this port and in this direction."
    return (
        f"{anomaly.entity.value}'s connection to {details['server']} port {details['port']} lasted "
        f"{seconds(anomaly.observed)}{idle} ({size(details['bytes'])}); the mean of {count(anomaly.sample_count)} "
        f"connections is {seconds(anomaly.expected.mid or 0.0)}, and the alarm starts at {seconds(anomaly.threshold)}."
        f"{before}"
    )


def _volume(anomaly: Anomaly) -> str:
    details = anomaly.details
    band = anomaly.expected
    usual = ""
    if band.low is not None and band.high is not None and band.mid is not None:
        windows = plural(anomaly.sample_count, "window")
        usual = f"; usual are {between(band.low, band.high, anomaly.unit)} (from {windows})"
    amount, time = in_unit(anomaly.observed, anomaly.unit), seconds(details["seconds"])
    carried = f"The network carried {amount} in {time}"
    if details.get("whole_flows"):
        # What is longer than a window is spread evenly over its time, and shorter flows count where they begin.
        carried = f"By the totals of its flows the network carried {amount} in {time}"
    return (
        f"{carried}{usual}: {'as rare as ' if 'surprise' in details else ''}"
        f"{abs(details['deviation']):.1f} standard deviations {'above' if details['deviation'] > 0 else 'below'}; the "
        f"alarm starts at {in_unit(anomaly.threshold, anomaly.unit)}."
    )


def _brute_force(anomaly: Anomaly) -> str:
    details = anomaly.details
    if "connections" in details:
        return (
            f"{count(anomaly.observed)} clients elsewhere opened {count(details['connections'])} short connections to "
            f"{details['service']} on {anomaly.entity.value} within {seconds(details['seconds'])}, each of about "
            f"{size(details['bytes_each'])}, where {count(anomaly.expected.high or 0.0)} at most had been there; "
            f"guessing that is shared starts at {count(anomaly.threshold)} clients."
        )
    return (
        f"{anomaly.entity.value} opened {count(anomaly.observed)} short connections to {details['service']} on "
        f"{details['server']} within {seconds(details['seconds'])}, each of about {size(details['bytes_each'])}; "
        f"guessing starts at {count(anomaly.threshold)}."
    )


def _exfiltration(anomaly: Anomaly) -> str:
    details = anomaly.details
    before = size(anomaly.expected.high or 0.0)
    if details.get("uploads"):
        whose = (
            "the largest of any host here, as it is hardly known,"
            if details.get("by_all")
            else "its largest upload"
        )
        return (
            f"{anomaly.entity.value} sent {size(anomaly.observed)} to {details['server']} within "
            f"{seconds(details['seconds'])}, {count(details['ratio'])} times what it got, where {whose} "
            f"before was of {before} (from {plural(anomaly.sample_count, 'window')}); the alarm starts at "
            f"{size(anomaly.threshold)}."
        )
    # Of an older version, which looked at single windows.
    return (
        f"{anomaly.entity.value} sent {size(anomaly.observed)} to {details['server']} in "
        f"{seconds(details['seconds'])}, {count(details['ratio'])} times what it got, where {before} was its most in "
        f"{plural(anomaly.sample_count, 'window')}; the alarm starts at {size(anomaly.threshold)}."
    )


def _silent(anomaly: Anomaly) -> str:
    details = anomaly.details
    return (
        f"{count(details['failed'])} of {count(anomaly.sample_count)} connections to port {details['port']} of "
        f"{anomaly.entity.value} within {seconds(details['seconds'])} were refused or not answered "
        f"({percent(anomaly.observed)}), of {plural(details['clients'], 'client')}; it answered "
        f"{seconds(details['silent'])} ago for the last time, and the alarm starts at {percent(anomaly.threshold)}."
    )


def _new(anomaly: Anomaly) -> str:
    details = anomaly.details
    if details["what"] == "hosts within":
        return (
            f"{anomaly.entity.value} was answered by {plural(anomaly.observed, 'host')} of the network for the first "
            f"time within {seconds(details['seconds'])}, at {', '.join(details['services'])}; the alarm starts at "
            f"{count(anomaly.threshold)}."
        )
    return (
        f"{anomaly.entity.value} talked to {details['server']} port {details['port']} for the first time, after "
        f"{count(anomaly.sample_count)} windows in which it knew {count(details['known'])} destinations; something new "
        f"came {count(details['new'])} times, and is stated if it is no likelier than 1 in "
        f"{count(anomaly.threshold)}."
    )


_DID = {
    "flows": ("opened {}", "flow"),
    "hosts": ("talked to {}", "host"),
    "failed": ("had {} fail", "flow"),
    "dns_queries": ("asked {}", "DNS question"),
}


def _leap(anomaly: Anomaly) -> str:
    details = anomaly.details
    if details["what"] == "bytes_in":
        did, most, limit = f"got {size(details['value'])}", size(details["most"]), size(details["limit"])
    else:
        words, of = _DID[details["what"]]
        did, most = words.format(plural(details["value"], of)), count(details["most"])
        limit = count(details["limit"])
    return (
        f"{anomaly.entity.value} {did} in {seconds(details['seconds'])}, where {most} was its most in "
        f"{plural(anomaly.sample_count, 'window')}; a leap starts at {limit}. It had leapt "
        f"{plural(details['leaps'], 'time')} before, and a leap is stated if it is no likelier than 1 in "
        f"{count(anomaly.threshold)}."
    )


def _behaviour(anomaly: Anomaly) -> str:
    details = anomaly.details
    if "features" not in details:
        return _leap(anomaly)
    told = "; ".join(
        f"{seen['meaning']} {count(seen['value'])} (usual {count(seen['usual_low'])} to {count(seen['usual_high'])})"
        for seen in details["features"].values()
    )
    return (
        f"{anomaly.entity.value} behaves unlike the addresses of this network, judged by "
        f"{plural(details['windows'], 'window')} of its own and {count(details['learned'])} of theirs: {told}. "
        f"Evidence of {anomaly.observed:.2f} stands against {count(anomaly.sample_count)} sessions, 99 % of which stay "
        f"within {anomaly.expected.high or 0.0:.2f}; the alarm starts at {anomaly.threshold:.2f}."
    )


_BODY = {
    AnomalyType.BEHAVIORAL_ANOMALY: _behaviour,
    AnomalyType.PORT_SCAN: _port_scan,
    AnomalyType.SYN_FLOOD: _syn_flood,
    AnomalyType.AMPLIFICATION: _amplification,
    AnomalyType.DDOS_ATTACK: _flood,
    AnomalyType.BEACONING: _beaconing,
    AnomalyType.TUNNEL: _tunnel,
    AnomalyType.HIGH_LATENCY: _latency,
    AnomalyType.PACKET_LOSS: _loss,
    AnomalyType.PROTOCOL_ANOMALY: _protocol,
    AnomalyType.LONG_LIVED_CONNECTION: _long,
    AnomalyType.TRAFFIC_SPIKE: _volume,
    AnomalyType.TRAFFIC_DROP: _volume,
    AnomalyType.BRUTE_FORCE: _brute_force,
    AnomalyType.DATA_EXFILTRATION: _exfiltration,
    AnomalyType.NEW_DESTINATION: _new,
    AnomalyType.ERROR_SPIKE: _silent,
}

"""The same connections as Zeek, nfdump, Suricata and Amazon's VPC write them down."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from office_network.book import ICMP, ICMP6, SERVICES, STATES, TCP, UDP

PROTOCOLS = {TCP: "tcp", UDP: "udp", ICMP: "icmp", ICMP6: "icmp"}
HISTORY = {
    "SF": "ShADadFf",
    "S0": "S",
    "REJ": "Sr",
    "S1": "ShADad",
    "RSTO": "ShADadR",
    "RSTR": "ShADadr",
    "OTH": "D",
    "SHR": "^d",
    "RSTOS0": "SR",
    "S3": "ShADadf",
}
SILENCE_S = {TCP: 5.0, UDP: 60.0, ICMP: 60.0, ICMP6: 60.0}
"""What Zeek waits for after the last packet of a connection before it writes it down."""
ZEEK = (
    "ts",
    "uid",
    "id.orig_h",
    "id.orig_p",
    "id.resp_h",
    "id.resp_p",
    "proto",
    "service",
    "duration",
    "orig_bytes",
    "resp_bytes",
    "conn_state",
    "local_orig",
    "local_resp",
    "missed_bytes",
    "history",
    "orig_pkts",
    "orig_ip_bytes",
    "resp_pkts",
    "resp_ip_bytes",
    "tunnel_parents",
)
KINDS = (
    "time string addr port addr port enum string interval count count string bool bool "
    "count string count count count count set[string]"
)


Line = tuple[float, str, int, str, int, str, str, float, int, int, str, str, int, int, int, int]


def zeek_lines(columns: dict[str, np.ndarray], names: list[str]) -> Iterator[Line]:
    """In the order in which Zeek writes them: as connections end."""
    protocol = columns["protocol"]
    order = np.argsort(
        columns["start"] + columns["took"] + np.where(protocol == TCP, 5.0, 60.0), kind="stable"
    )
    wanted = (
        "start",
        "took",
        "protocol",
        "source",
        "source_port",
        "target",
        "target_port",
        "packets_out",
        "bytes_out",
        "packets_in",
        "bytes_in",
        "state",
        "service",
        "sent_again",
    )
    for start, took, kind, source, sport, target, port, out, bout, back, bback, number, service, again in zip(
        *(columns[name][order].tolist() for name in wanted), strict=True
    ):
        state, name, history, header = STATES[number], SERVICES[service], "-", 28
        if kind == TCP:
            history, header = HISTORY[state], 52
            name = "-" if state in ("S0", "REJ") else name
            history += "tT" if again and state != "S0" else ""
        elif kind == UDP:
            state = "SHR" if not out else "SF" if back else "S0"
            history = {"SHR": "^d", "SF": "Dd", "S0": "D"}[state]
        else:
            state = "OTH"
        yield (
            start,
            names[source],
            sport,
            names[target],
            port,
            PROTOCOLS[kind],
            name,
            took,
            bout,
            bback,
            state,
            history,
            out,
            bout + header * out,
            back,
            bback + header * back,
        )


def is_local(name: str) -> bool:
    return name.startswith(("10.", "100.64.", "192.0.2.", "fe80", "2001:db8:"))


def write_zeek(path: Path, columns: dict[str, np.ndarray], names: list[str]) -> None:
    with path.open("w") as file:
        file.write(
            "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n"
            "#path\tconn\n#open\t2026-03-02-00-00-00\n"
        )
        file.write("#fields\t" + "\t".join(ZEEK) + "\n#types\t" + KINDS.replace(" ", "\t") + "\n")
        local = {name: "T" if is_local(name) else "F" for name in names}
        for row, line in enumerate(zeek_lines(columns, names)):
            (
                start,
                source,
                sport,
                target,
                port,
                kind,
                service,
                took,
                bout,
                bback,
                state,
                history,
                out,
                iout,
                back,
                iback,
            ) = line
            lasted = f"{took:.6f}\t{bout}\t{bback}" if took > 0 else "-\t-\t-"
            file.write(
                f"{start:.6f}\tC{row:x}aQ9\t{source}\t{sport}\t{target}\t{port}\t{kind}\t{service}\t{lasted}\t{state}\t{local[source]}\t"
                f"{local[target]}\t0\t{history}\t{out}\t{iout}\t{back}\t{iback}\t(empty)\n"
            )
        file.write("#close\t2026-03-05-00-00-00\n")


def write_zeek_json(path: Path, columns: dict[str, np.ndarray], names: list[str]) -> None:
    with path.open("w") as file:
        for row, line in enumerate(zeek_lines(columns, names)):
            (
                start,
                source,
                sport,
                target,
                port,
                kind,
                service,
                took,
                bout,
                bback,
                state,
                history,
                out,
                iout,
                back,
                iback,
            ) = line
            event: dict[str, object] = {
                "ts": round(start, 6),
                "uid": f"C{row:x}aQ9",
                "id.orig_h": source,
                "id.orig_p": sport,
                "id.resp_h": target,
                "id.resp_p": port,
                "proto": kind,
            }
            if service != "-":
                event["service"] = service
            if took > 0:
                event |= {"duration": round(took, 6), "orig_bytes": bout, "resp_bytes": bback}
            event |= {
                "conn_state": state,
                "local_orig": is_local(source),
                "local_resp": is_local(target),
                "missed_bytes": 0,
            }
            if history != "-":
                event["history"] = history
            event |= {"orig_pkts": out, "orig_ip_bytes": iout, "resp_pkts": back, "resp_ip_bytes": iback}
            file.write(json.dumps(event, separators=(",", ":")) + "\n")


def flags_of(state: str, *, client: bool) -> int:
    client_flags = {"SF": 0x1B, "S0": 0x02, "REJ": 0x02, "S1": 0x1A, "RSTO": 0x1E, "RSTR": 0x1A, "S3": 0x1A}
    server_flags = {"SF": 0x1B, "S0": 0, "REJ": 0x14, "S1": 0x1A, "RSTO": 0x1A, "RSTR": 0x1E, "S3": 0x1B}
    return (client_flags if client else server_flags).get(state, 0x1A)


NFDUMP = (
    "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt,in,out,sas,das,smk,dmk,dtos,dir,nh,nhb,svln,dvln,ismc,odmc,idmc,osmc,"
    "mpls1,mpls2,mpls3,mpls4,mpls5,mpls6,mpls7,mpls8,mpls9,mpls10,cl,sl,al,ra,eng,exid,tr"
)
REST = (
    ",0,0,0,0,0,0,0,0,0,0,0.0.0.0,0.0.0.0,0,0,"
    + ",".join(["00:00:00:00:00:00"] * 4)
    + ","
    + ",".join(["0-0-0"] * 10)
    + ",0.0,0.0,0.0,0.0.0.0,0/0,1,"
)
ACTIVE_S = 300
"""A router tells of what goes on after this time."""


Record = tuple[float, float, int, bool, int, int, str, str, int, int, int, int]


def one_way(columns: dict[str, np.ndarray], names: list[str], active_s: int) -> Iterator[Record]:
    """Each direction by itself, what lasts in parts.

    Begin, end, protocol, whether the client sent it, flags, state, source, target, their ports, packets, payload.
    """
    order = (
        "start",
        "took",
        "protocol",
        "source",
        "source_port",
        "target",
        "target_port",
        "packets_out",
        "bytes_out",
        "packets_in",
        "bytes_in",
        "state",
    )
    for start, took, protocol, source, sport, target, dport, out, bout, back, bback, state in zip(
        *(columns[name].tolist() for name in order), strict=True
    ):
        parts = int(took // active_s) + 1
        for part in range(parts):
            begin, end = start + part * active_s, min(start + took, start + (part + 1) * active_s)
            share = (end - begin) / took if took else 1.0
            for client, packets, octets in ((True, out, bout), (False, back, bback)):
                if not packets:
                    continue
                count = max(1, int(packets * share))
                flags = flags_of(STATES[state], client=client) if protocol == TCP else 0
                if part:
                    flags &= ~0x02
                if part < parts - 1:
                    flags &= ~0x05
                ends = (names[source], names[target], sport, dport)
                if not client:
                    ends = (names[target], names[source], dport, sport)
                yield begin, end, protocol, client, flags, state, *ends, count, int(octets * share)


def write_nfdump(path: Path, columns: dict[str, np.ndarray], names: list[str]) -> None:
    """In the order of the router's export."""
    lines: list[tuple[float, str]] = []
    kinds = {TCP: "TCP", UDP: "UDP", ICMP: "ICMP", ICMP6: "ICMP6"}
    for begin, end, protocol, client, value, _, sa, da, sp, dp, count, octets in one_way(
        columns, names, ACTIVE_S
    ):
        header = 52 if protocol == TCP else 28
        flags = "".join(
            letter if value & bit else "."
            for letter, bit in zip("CEUAPRSF", (128, 64, 32, 16, 8, 4, 2, 1), strict=True)
        )
        ports = f"{sp},{dp}"
        if protocol in (ICMP, ICMP6):
            ports = "0,8.0" if client and protocol == ICMP else "0,0.0"
        text = [datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] for at in (begin, end)]
        lines.append(
            (
                end,
                (
                    f"{text[0]},{text[1]},{end - begin:.3f},{sa},{da},{ports},{kinds[protocol]},{flags},0,0,"
                    f"{count},{octets + header * count},0,0{REST}{text[1]}"
                ),
            )
        )
    lines.sort(key=lambda line: line[0])
    with path.open("w") as file:
        file.write(NFDUMP + "\n")
        file.writelines(line + "\n" for _, line in lines)
        file.write("Summary\nflows,bytes,packets,avg_bps,avg_pps,avg_bpp\n1,1,1,1,1,1\n")


VPC = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action "
    "log-status"
)
VPC_S = 600
"""Amazon puts together what one direction of a connection sends in so long, unless a minute is asked for."""


def write_vpc(path: Path, columns: dict[str, np.ndarray], names: list[str]) -> None:
    """The default fields, without flags; what comes from outside and is not answered is rejected."""
    lines: list[tuple[float, str]] = []
    for begin, end, protocol, client, _, state, source, target, sp, dp, count, octets in one_way(
        columns, names, VPC_S
    ):
        syns = protocol == TCP and client and STATES[state] in ("S0", "REJ")
        header = 60 if syns else 52 if protocol == TCP else 28
        outside = not is_local(source) and is_local(target)
        rejected = syns and outside and STATES[state] == "S0"
        ports = "0 0" if protocol in (ICMP, ICMP6) else f"{sp} {dp}"
        lines.append(
            (
                end,
                (
                    f"2 123456789010 eni-1235b8ca123456789 {source} {target} {ports} {protocol} {count} "
                    f"{octets + header * count} {int(begin)} {int(end)} {'REJECT' if rejected else 'ACCEPT'} OK"
                ),
            )
        )
    lines.sort(key=lambda line: line[0])
    with path.open("w") as file:
        file.write(VPC + "\n")
        file.writelines(line + "\n" for _, line in lines)


def stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f+0000")


def write_eve(path: Path, columns: dict[str, np.ndarray], names: list[str]) -> None:
    """Flows between events of other kinds: questions of DNS, TLS handshakes, HTTP, files, alerts, statistics."""
    kinds = {TCP: "TCP", UDP: "UDP", ICMP: "ICMP", ICMP6: "IPv6-ICMP"}
    apps = {
        "dns": "dns",
        "ssl": "tls",
        "http": "http",
        "ssh": "ssh",
        "ntp": "ntp",
        "dhcp": "dhcp",
        "smb": "smb",
        "quic": "quic",
        "rdp": "rdp",
        "dce_rpc": "dcerpc",
        "krb_tcp": "krb5",
    }
    lines: list[tuple[float, str]] = []
    order = (
        "start",
        "took",
        "protocol",
        "source",
        "source_port",
        "target",
        "target_port",
        "packets_out",
        "bytes_out",
        "packets_in",
        "bytes_in",
        "state",
        "service",
    )
    for row, (
        start,
        took,
        protocol,
        source,
        sport,
        target,
        dport,
        out,
        bout,
        back,
        bback,
        state,
        service,
    ) in enumerate(zip(*(columns[name].tolist() for name in order), strict=True)):
        word, app = STATES[state], SERVICES[service]
        header = 66 if protocol == TCP else 42
        told = start + took + (5 if protocol == TCP else 60)
        ends = {
            "src_ip": names[source],
            "src_port": sport,
            "dest_ip": names[target],
            "dest_port": dport,
            "proto": kinds[protocol],
        }
        if protocol in (ICMP, ICMP6):
            ends = {
                "src_ip": names[source],
                "dest_ip": names[target],
                "proto": kinds[protocol],
                "icmp_type": sport,
                "icmp_code": dport,
            }
        if not out and back:  # the first packet that the sensor saw was the other's
            ends |= {"src_ip": names[target], "src_port": dport, "dest_ip": names[source], "dest_port": sport}
            out, bout, back, bback = back, bback, 0, 0
        head = {"timestamp": stamp(told), "flow_id": 10**15 + row, "in_iface": "ens5"}
        event = head | {"event_type": "flow"} | ends
        if app in apps and back:
            event["app_proto"] = apps[app]
        event["flow"] = {
            "pkts_toserver": out,
            "pkts_toclient": back,
            "bytes_toserver": bout + header * out,
            "bytes_toclient": bback + header * back,
            "start": stamp(start),
            "end": stamp(start + took),
            "age": int(took),
            "state": "new" if not back else "closed" if protocol == TCP and word != "S1" else "established",
            "reason": "timeout",
            "alerted": False,
        }
        if protocol == TCP:
            client, server = flags_of(word, client=True), flags_of(word, client=False)
            event["tcp"] = {
                "tcp_flags": f"{client | server:02x}",
                "tcp_flags_ts": f"{client:02x}",
                "tcp_flags_tc": f"{server:02x}",
                "syn": True,
                **{
                    name: True
                    for name, bit in (("fin", 1), ("rst", 4), ("psh", 8), ("ack", 16))
                    if (client | server) & bit
                },
                "state": {"SF": "closed", "S0": "syn_sent", "REJ": "closed", "S1": "established"}.get(
                    word, "closed"
                ),
            }
        lines.append((told, json.dumps(event, separators=(",", ":"))))
        beside = head | {"timestamp": stamp(start + 0.01)}
        if app == "dns" and back:
            asked = (
                beside
                | {"event_type": "dns"}
                | ends
                | {
                    "dns": {
                        "type": "query",
                        "id": row % 65536,
                        "rrname": "www.example.com",
                        "rrtype": "A",
                        "tx_id": 0,
                        "opcode": 0,
                    }
                }
            )
            lines.append((start + 0.01, json.dumps(asked, separators=(",", ":"))))
        elif app == "ssl" and back and protocol == TCP:
            tls = {
                "subject": "CN=www.example.com",
                "issuerdn": "C=US, O=Let's Encrypt, CN=R3",
                "sni": "www.example.com",
                "version": "TLS 1.3",
                "notbefore": "2026-01-01T00:00:00",
            }
            lines.append(
                (
                    start + 0.01,
                    json.dumps(beside | {"event_type": "tls"} | ends | {"tls": tls}, separators=(",", ":")),
                )
            )
        if row % 500 == 0:
            alert = {
                "action": "allowed",
                "gid": 1,
                "signature_id": 2210054,
                "rev": 1,
                "signature": "SURICATA STREAM excessive retransmissions",
                "category": "Generic Protocol Command Decode",
                "severity": 3,
            }
            lines.append(
                (
                    start + 0.02,
                    json.dumps(
                        beside
                        | {"event_type": "alert"}
                        | ends
                        | {
                            "alert": alert,
                            "flow": {
                                "pkts_toserver": 3,
                                "pkts_toclient": 2,
                                "bytes_toserver": 300,
                                "bytes_toclient": 200,
                                "start": stamp(start),
                            },
                        },
                        separators=(",", ":"),
                    ),
                )
            )
            stats = {
                "timestamp": stamp(start),
                "event_type": "stats",
                "stats": {
                    "uptime": row,
                    "capture": {"kernel_packets": row * 30, "kernel_drops": 0},
                    "flow": {"memuse": 7_000_000, "tcp": row, "udp": row},
                },
            }
            lines.append((start, json.dumps(stats, separators=(",", ":"))))
    lines.sort(key=lambda line: line[0])
    with path.open("w") as file:
        file.writelines(line + "\n" for _, line in lines)


WRITERS = {
    "zeek": write_zeek,
    "zeek-json": write_zeek_json,
    "nfdump": write_nfdump,
    "vpc": write_vpc,
    "eve": write_eve,
}

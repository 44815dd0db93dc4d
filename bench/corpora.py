"""The logs that benchmarks read: written by `vedette simulate` once, and kept in a temporary directory."""

import hashlib
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from measure import vedette


@dataclass(frozen=True)
class Corpus:
    """One log.

    Attributes:
        name: Part of its file's name.
        arguments: Of `vedette simulate`.
        packed: Whether it is compressed with gzip (level 6).
    """

    name: str
    arguments: tuple[str, ...]
    packed: bool = False

    @classmethod
    def of(cls, name: str, lines: int, *arguments: str, minutes: int = 240, packed: bool = False) -> "Corpus":
        """A log of about so many lines over so many minutes."""
        rate = f"{lines / minutes / 60:.4f}"
        return cls(name, ("--minutes", str(minutes), "--rate", rate, *arguments), packed)

    def path(self) -> Path:
        """The log's file, written if it is not there yet."""
        path = directory() / f"{self.name}-{self._key()}.log{'.gz' if self.packed else ''}"
        if not path.exists():
            print(f"  writing {path} …", file=sys.stderr, flush=True)
            part = path.with_suffix(".part")
            if self.packed:
                plain = Corpus(self.name, self.arguments).path()
                with part.open("wb") as stream:
                    subprocess.run(["gzip", "-6", "-c", str(plain)], stdout=stream, check=True)
            else:
                subprocess.run(vedette("simulate", *self.arguments, "--output", str(part)), check=True)
            part.rename(path)
        return path

    def lines(self) -> int:
        """How many lines the log has."""
        path = self.path()
        known = path.with_name(path.name + ".lines")
        if not known.exists():
            reader = ["gzip", "-dc", str(path)] if self.packed else ["cat", str(path)]
            with subprocess.Popen(reader, stdout=subprocess.PIPE) as process:
                assert process.stdout is not None
                count = sum(block.count(b"\n") for block in iter(lambda: process.stdout.read(1 << 20), b""))
            known.write_text(str(count))
        return int(known.read_text())

    def _key(self) -> str:
        """Changes with the arguments and with the simulator's source, so that no stale log is read."""
        digest = hashlib.sha256(repr(self.arguments).encode())
        source = Path(__file__).parent.parent / "src" / "vedette" / "simulate"
        for file in sorted(source.rglob("*.py")):
            digest.update(file.read_bytes())
        return digest.hexdigest()[:12]


def directory() -> Path:
    """Where logs are kept: `$VEDETTE_BENCH_DIR`, or a directory of the system's temporary ones."""
    path = Path(os.environ.get("VEDETTE_BENCH_DIR") or Path(tempfile.gettempdir()) / "vedette-bench")
    path.mkdir(parents=True, exist_ok=True)
    return path


def combined(scale: float) -> Corpus:
    """Two million Combined lines, 1 % attacks, 0.3 % spoilt."""
    return Corpus.of(
        "combined", round(2_000_000 * scale), "--attack-share", "0.01", "--malformed-share", "0.003"
    )


def many_clients(scale: float) -> Corpus:
    """Ten million lines, five million clients, every user agent different."""
    clients = str(round(5_000_000 * scale))
    return Corpus.of(
        "many-clients", round(10_000_000 * scale), "--clients", clients, "--distinct-user-agents"
    )


def all_attacks(scale: float) -> Corpus:
    """Four hundred thousand lines, each an attack."""
    return Corpus.of("all-attacks", round(400_000 * scale), "--attack-share", "1", minutes=120)


def envoy_json(scale: float) -> Corpus:
    """One million lines of Envoy's JSON from six services, 1 % attacks."""
    return Corpus.of(
        "envoy-json",
        round(1_000_000 * scale),
        "--format",
        "envoy-json",
        "--services",
        "6",
        "--attack-share",
        "0.01",
    )


def untroubled(scale: float) -> Corpus:
    """Two million Combined lines without an attack: models find enough to be trained on."""
    return Corpus.of("untroubled", round(2_000_000 * scale))


def quiet_month(scale: float) -> Corpus:
    """Thirty days of Combined lines, two a minute."""
    return Corpus.of("quiet-month", round(86_400 * scale), minutes=round(43_200 * scale))


def packed(scale: float) -> Corpus:
    """The two million Combined lines, compressed."""
    plain = combined(scale)
    return Corpus(plain.name, plain.arguments, packed=True)

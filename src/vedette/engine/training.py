"""Train models in a process of their own: detection goes on meanwhile, and a training that dies takes nothing along."""

import os
import subprocess
import sys
import threading
from typing import Final

import msgspec

from vedette.detectors.learned.card import Model, ModelError
from vedette.detectors.learned.kinds import read_model, train
from vedette.detectors.learned.training import Job, Refused, Training

LONGEST_S: Final = 300.0
"""Seconds after which a training is given up; it takes about one."""
_NICE: Final = 10
_SAID: Final = 200


class _Answer(msgspec.Struct, frozen=True):
    """What the process says: a model, or why there is none."""

    model: bytes | None
    reason: str = ""


def train_apart(job: Job) -> Training:
    """Begin to fit a model in another process."""
    return _Apart(job)


class _Apart:
    """A training in another process; a thread waits for what it says."""

    def __init__(self, job: Job) -> None:
        self._outcome: Model | Refused = Refused("training has not ended")
        self._thread = threading.Thread(target=self._attend, args=(job,), daemon=True)
        self._thread.start()

    def result(self) -> Model | Refused:
        """The model; waits for it."""
        self._thread.join()
        return self._outcome

    def _attend(self, job: Job) -> None:
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-m", "vedette.engine.training"],
                input=msgspec.msgpack.encode(job),
                capture_output=True,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                timeout=LONGEST_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            self._outcome = Refused(f"training took longer than {LONGEST_S:.0f} s and was given up")
        except OSError as error:
            self._outcome = Refused(f"the training process could not be started: {error.strerror}")
        else:
            self._outcome = outcome_of(job.member, done)


def outcome_of(member: str, done: "subprocess.CompletedProcess[bytes]") -> Model | Refused:
    """What a process that has ended says."""
    if done.returncode != 0:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        said = f": {last[0][:_SAID]}" if last else ""
        return Refused(f"the training process ended with status {done.returncode}{said}")
    try:
        answer = msgspec.msgpack.decode(done.stdout, type=_Answer)
        return Refused(answer.reason) if answer.model is None else read_model(member, answer.model)
    except (msgspec.MsgspecError, ModelError) as error:
        return Refused(f"the training process gave no model: {str(error)[:_SAID]}")


def _main() -> None:
    """Read a job from standard input, write the answer to standard output."""
    os.nice(_NICE)
    job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Job)
    outcome = train(job)
    answer = _Answer(None, outcome.reason) if isinstance(outcome, Refused) else _Answer(outcome.to_bytes())
    sys.stdout.buffer.write(msgspec.msgpack.encode(answer))


if __name__ == "__main__":
    _main()

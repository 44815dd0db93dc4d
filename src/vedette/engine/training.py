"""Train models in processes of their own: detection goes on meanwhile, and a training that dies takes nothing along.

A process serves the trainings by one library, one after the other, because importing PyTorch takes seconds and hundreds
of megabytes. It ends when it has had nothing to do for a while, and with whoever started it: its input ends then. Jobs
and answers cross as MessagePack behind eight bytes of length. What kernels fit in milliseconds gets a thread at most.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from tempfile import TemporaryFile
from typing import IO, Final

import msgspec

from vedette.detectors.learned.card import Model, ModelError
from vedette.detectors.learned.kinds import kind_of, read_model, train, train_here
from vedette.detectors.learned.training import Job, Refused, Training

LONGEST_S: Final = 300.0
"""Seconds after which a training is given up; a transformer takes some seconds."""
IDLE_S: Final = 30.0
"""How long a process is kept that has nothing to do: the services of one log are ready at about the same time."""
_NICE: Final = 10
_SAID: Final = 200
_LENGTH: Final = 8


class _Answer(msgspec.Struct, frozen=True):
    """What a process says: a model, or why there is none."""

    model: bytes | None
    reason: str = ""


def library_of(member: str) -> str | None:
    """What fits a member's models, if it is heavy; see `Kind`."""
    return kind_of(member).library


class TrainingProcesses:
    """A `Trainer`: one process for each library that models are fitted by.

    Args:
        command: What is run; takes jobs from standard input, writes answers to standard output.
        library: Names the library of a member; what has none is fitted in this process, at once.
        longest_s: Seconds that a training may take. idle_s: Seconds that a process without work is kept.
        gives_way: Whether other work of the machine goes first: not where all else waits for the model.
        beside: Whether what has no library is fitted in a thread: kernels leave the interpreter's lock to who asked.
    """

    def __init__(
        self,
        command: tuple[str, ...] = (sys.executable, "-P", "-m", "vedette.engine.training"),
        *,
        library: Callable[[str], str | None] = library_of,
        longest_s: float = LONGEST_S,
        idle_s: float = IDLE_S,
        gives_way: bool = True,
        beside: bool = False,
    ) -> None:
        self._command = command
        self._beside = beside
        self._threads: list[_Beside] = []
        self._library = library
        self._gives_way = gives_way
        self._longest_s = longest_s
        self._idle_s = idle_s
        self._of: dict[str, _Process] = {}

    def __call__(self, job: Job) -> Training:
        """Begin to fit a model."""
        library = self._library(job.member)
        if library is not None:
            return _Apart(self._process(library), job)
        if not self._beside:
            return train_here(job)
        self._threads = [one for one in self._threads if one.runs]
        self._threads.append(_Beside(job))
        return self._threads[-1]

    @property
    def running(self) -> int:
        """Processes there are."""
        return sum(process.pid is not None for process in self._of.values())

    def close(self) -> None:
        """End the processes; what is being trained in one is lost, and in a thread soon over."""
        for one in self._threads:
            one.wait()
        for process in self._of.values():
            process.kill()

    def _process(self, library: str) -> "_Process":
        process = self._of.get(library)
        if process is None:
            process = self._of[library] = _Process(
                self._command, self._longest_s, self._idle_s, self._gives_way
            )
        return process


class _Beside:
    """A training in a thread of this process."""

    def __init__(self, job: Job) -> None:
        self._outcome: Model | Refused | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._train, args=(job,), name="vedette-training", daemon=True)
        self._thread.start()

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._thread.is_alive()

    def wait(self) -> None:
        """Wait for its end."""
        self._thread.join()

    def result(self) -> Model | Refused:
        """The model; waits for it. What went wrong is raised here."""
        self.wait()
        if self._outcome is None:
            raise self._error or RuntimeError("a training ended with nothing")
        return self._outcome

    def _train(self, job: Job) -> None:
        try:
            self._outcome = train(job)
        except BaseException as error:  # noqa: BLE001 - handed to who asks for the model, and raised there
            self._error = error


class _Apart:
    """A training in another process; a thread waits for what it says."""

    def __init__(self, process: "_Process", job: Job) -> None:
        self._outcome: Model | Refused = Refused("training has not ended")
        self._thread = threading.Thread(target=self._attend, args=(process, job), daemon=True)
        self._thread.start()

    def result(self) -> Model | Refused:
        """The model; waits for it."""
        self._thread.join()
        return self._outcome

    def _attend(self, process: "_Process", job: Job) -> None:
        self._outcome = process.train(job)


class _Process:
    """One process, started when it is needed."""

    def __init__(self, command: tuple[str, ...], longest_s: float, idle_s: float, gives_way: bool) -> None:
        self._command = command
        self._gives_way = gives_way
        self._longest_s = longest_s
        self._idle_s = idle_s
        self._turn = threading.Lock()
        self._running: subprocess.Popen[bytes] | None = None
        self._said: IO[bytes] | None = None
        self._idle: threading.Timer | None = None
        self._over = threading.Event()

    @property
    def pid(self) -> int | None:
        """Of the process, None if there is none."""
        return None if self._running is None else self._running.pid

    def train(self, job: Job) -> Model | Refused:
        """Have a model fitted, after those that were asked for before."""
        with self._turn:
            if self._idle is not None:
                self._idle.cancel()
            try:
                running = self._started()
            except OSError as error:
                return Refused(f"the training process could not be started: {error.strerror}")
            if self._over.is_set():
                # It was started while it was being killed.
                running.kill()
                self._ended()
                return Refused("training was ended")
            late = threading.Event()
            patience = threading.Timer(self._longest_s, _give_up, (running, late))
            patience.daemon = True
            patience.start()
            try:
                answer = _ask(running, msgspec.msgpack.encode(job))
            finally:
                patience.cancel()
            if answer is None:
                status, said = self._ended()
                if late.is_set():
                    return Refused(f"training took longer than {self._longest_s:.0f} s and was given up")
                return Refused(f"the training process ended with status {status}{said}")
            self._idle = threading.Timer(self._idle_s, self._retire)
            self._idle.daemon = True
            self._idle.start()
            return _outcome(job.member, answer)

    def kill(self) -> None:
        """End the process now, and start none any more."""
        self._over.set()
        running = self._running
        if running is not None:
            running.kill()
        with self._turn:
            if self._idle is not None:
                self._idle.cancel()
            self._ended()

    def _started(self) -> "subprocess.Popen[bytes]":
        if self._running is not None and self._running.poll() is None:
            return self._running
        self._ended()
        self._said = TemporaryFile()  # noqa: SIM115 - closed when the process has ended
        try:
            self._running = subprocess.Popen(  # noqa: S603 - this Python and this module
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
        except OSError:
            self._said.close()
            self._said = None
            raise
        if self._gives_way:
            priority = os.getpriority(os.PRIO_PROCESS, 0) + _NICE
            os.setpriority(os.PRIO_PROCESS, self._running.pid, priority)
        return self._running

    def _retire(self) -> None:
        with self._turn:
            idle = self._idle
            if idle is not None and idle is threading.current_thread():
                self._ended()

    def _ended(self) -> tuple[int, str]:
        """End the process if it has not; its status, and the last that it said."""
        running, said = self._running, self._said
        self._running = self._said = None
        if running is None or said is None:
            return 0, ""
        for pipe in (running.stdin, running.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    # What was still to be sent: nobody is there to take it.
                    continue
        status = running.wait()
        with said:
            said.seek(0)
            last = said.read(1 << 20).decode("utf-8", "replace").strip().splitlines()[-1:]
        return status, f": {last[0][:_SAID]}" if last else ""


def _give_up(running: "subprocess.Popen[bytes]", late: threading.Event) -> None:
    late.set()
    running.kill()


def _ask(running: "subprocess.Popen[bytes]", job: bytes) -> bytes | None:
    """Hand a job over; the answer, or None if the process ended instead."""
    try:
        _write(running.stdin, job)
        return None if running.stdout is None else _read(running.stdout)
    except OSError:
        return None


def _outcome(member: str, answer: bytes) -> Model | Refused:
    try:
        said = msgspec.msgpack.decode(answer, type=_Answer)
        return Refused(said.reason) if said.model is None else read_model(member, said.model)
    except (msgspec.MsgspecError, ModelError) as error:
        return Refused(f"the training process gave no model: {str(error)[:_SAID]}")


def _write(pipe: IO[bytes] | None, content: bytes) -> None:
    if pipe is None:
        return
    pipe.write(len(content).to_bytes(_LENGTH, "big") + content)
    pipe.flush()


def _read(pipe: IO[bytes]) -> bytes | None:
    """What the other side wrote, None if it has ended."""
    head = pipe.read(_LENGTH)
    length = int.from_bytes(head, "big")
    if len(head) < _LENGTH:
        return None
    content = pipe.read(length)
    return content if len(content) == length else None


def _main() -> None:
    """Answer jobs until there are none."""
    while (content := _read(sys.stdin.buffer)) is not None:
        outcome = train(msgspec.msgpack.decode(content, type=Job))
        answer = (
            _Answer(None, outcome.reason) if isinstance(outcome, Refused) else _Answer(outcome.to_bytes())
        )
        _write(sys.stdout.buffer, msgspec.msgpack.encode(answer))


if __name__ == "__main__":
    _main()

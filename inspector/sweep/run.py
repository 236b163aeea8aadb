"""Do what is not done yet: in processes of this machine, one unit at a time in each, or on a Ray cluster."""

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait

import cv2
import torch

from inspector.errors import InspectorError
from inspector.sweep.store import Store
from inspector.sweep.unit import Arrays, Unit

ATTEMPTS = 3
"""How often a unit is tried whose worker dies."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A unit that could not be done.

    Attributes:
        name: Of the unit.
        reason: What went wrong, in a line.
    """

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sweep is.

    Attributes:
        done: Units done, those from before included, and those that failed.
        total: All units; those that are the same piece of work count once.
        name: Of the last one.
    """

    done: int
    total: int
    name: str


Results = Generator[tuple[Unit, Arrays | Failure], None, None]
"""Units with what came of them; closing it ends the work."""

Engine = Callable[[Sequence[Unit]], Results]
"""Does units somewhere, in any order."""


def run_units(
    units: Iterable[Unit],
    store: Store,
    engine: Engine,
    on_progress: Callable[[Progress], None] | None = None,
) -> list[Failure]:
    """Do the units whose results are not there yet.

    Args:
        units: What is to be done.
        store: Where results are kept, and looked for first.
        engine: Who does them.
        on_progress: Called after each.

    Returns:
        The units that failed; the others' results are in the store.

    Raises:
        RecordingError: If a result cannot be written.
    """
    different: dict[str, Unit] = {}
    for unit in units:
        different.setdefault(unit.key, unit)
    waiting = [unit for unit in different.values() if not store.has(unit)]
    total, found = len(different), len(different) - len(waiting)
    failures: list[Failure] = []
    if on_progress and found:
        on_progress(Progress(found, total, "found"))
    if not waiting:
        return failures
    with closing(engine(waiting)) as results:  # whatever happens here, nobody works on
        for done, (unit, result) in enumerate(results, start=found + 1):
            if isinstance(result, Failure):
                failures.append(result)
            else:
                store.save(unit, result)
            if on_progress:
                on_progress(Progress(done, total, unit.name))
    return failures


def core_count() -> int:
    """Cores that this process may use, as a job scheduler gave them."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


class Processes:
    """An engine of processes on this machine, each with one thread and one unit at a time.

    If one dies, it is known over which unit. They end at once when the results are closed or this process is gone.

    Args:
        jobs: How many.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs

    def __call__(self, units: Sequence[Unit]) -> Results:
        """Do all of them, in any order."""
        waiting = deque(units)
        workers: list[_Worker] = []
        try:
            while waiting and len(workers) < self._jobs:
                workers.append(_Worker())
                workers[-1].begin(waiting.popleft())
            while busy := [worker for worker in workers if worker.unit]:
                for worker in _ready(busy):
                    unit, result = worker.unit, worker.result()
                    if unit is None or result is None:
                        continue
                    worker.unit = None
                    if waiting:
                        worker.begin(waiting.popleft())  # before the result is written: nobody waits for the disk
                    yield unit, result
        finally:
            for worker in workers:
                worker.stop()


class _Worker:
    """A process that does one unit at a time; another takes its place if it dies.

    Attributes:
        unit: What it is at; None if nothing.
    """

    def __init__(self) -> None:
        self.unit: Unit | None = None
        self._deaths = 0
        self._start()

    def begin(self, unit: Unit) -> None:
        """Set it to work."""
        self.unit, self._deaths = unit, 0
        if not self._process.is_alive():
            self._start()
        self._send()

    def result(self) -> Arrays | Failure | None:
        """What came of its unit; None if it died over it, and was set to it again."""
        try:
            found: Arrays | Failure = self.connection.recv()
        except (EOFError, OSError):
            return self._died()
        return found

    def stop(self) -> None:
        """End it, whatever it is at: a unit leaves nothing behind."""
        self._process.kill()
        self._process.join()
        self.connection.close()

    def _died(self) -> Failure | None:
        assert self.unit
        self.stop()
        self._deaths += 1
        if self._deaths == ATTEMPTS:
            reason = f"its process died {ATTEMPTS} times, perhaps for want of memory: try fewer --jobs"
            return Failure(self.unit.name, reason)
        self._start()
        self._send()
        return None

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        with theirs, _deaf():  # it has an end of its own: this one closed, its death can be heard
            self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
            self._process.start()

    def _send(self) -> None:
        with suppress(OSError):  # it died already, which `result` will hear
            self.connection.send(self.unit)


def _ready(workers: Sequence[_Worker]) -> list[_Worker]:
    """Those that have a result, or died; waits for the first."""
    heard = wait([worker.connection for worker in workers])
    return [worker for worker in workers if worker.connection in heard]


@contextmanager
def _deaf() -> Iterator[None]:
    """A process that is started in here never hears Ctrl-C, not even while it imports."""
    if sys.platform == "win32":
        yield
        return
    resource_tracker.ensure_running()  # started with the first process, it would lift the block
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection) -> None:
    """What such a process does until it is ended."""
    be_a_worker()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(EOFError, OSError):  # nobody is there to ask any more
        while True:
            connection.send(attempted(connection.recv()))


def _end_with_parent() -> None:
    """A parent that is killed cannot end its processes: they see to it themselves."""
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)


def be_a_worker() -> None:
    """Keep to one thread, and leave Ctrl-C to the process that asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def attempted(unit: Unit) -> Arrays | Failure:
    """What comes of a unit; an error becomes a failure here, as it may mean nothing to another process."""
    try:
        return unit()
    except InspectorError as error:
        return Failure(unit.name, str(error))
    except Exception as error:  # one unit's fault is no reason to lose the others
        return Failure(unit.name, f"{type(error).__name__}: {error}")

"""Do what is not done yet: in processes of this machine, one unit at a time in each, or on a Ray cluster."""

import multiprocessing
import queue
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass

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
        total: All units.
        name: Of the last one.
    """

    done: int
    total: int
    name: str


Engine = Callable[[Sequence[Unit]], Iterator[tuple[Unit, Arrays | Failure]]]
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
    units = list(units)
    waiting = [unit for unit in units if not store.has(unit)]
    failures: list[Failure] = []
    done = len(units) - len(waiting)
    if on_progress and done:
        on_progress(Progress(done, len(units), "found"))
    for number, (unit, result) in enumerate(engine(waiting) if waiting else (), start=done + 1):
        if isinstance(result, Failure):
            failures.append(result)
        else:
            store.save(unit, result)
        if on_progress:
            on_progress(Progress(number, len(units), unit.name))
    return failures


class Processes:
    """An engine of processes on this machine, each with one thread.

    Every process has its own queue of one: if it dies, it is known over which unit.

    Args:
        jobs: How many.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs

    def __call__(self, units: Sequence[Unit]) -> Iterator[tuple[Unit, Arrays | Failure]]:
        """Do all of them, in any order."""
        waiting: queue.SimpleQueue[Unit] = queue.SimpleQueue()
        results: queue.SimpleQueue[tuple[Unit, Arrays | Failure]] = queue.SimpleQueue()
        for unit in units:
            waiting.put(unit)
        stopped = threading.Event()
        lanes = [
            threading.Thread(target=_work, args=(waiting, results, stopped), daemon=True)
            for _ in range(min(self._jobs, len(units)))
        ]
        for lane in lanes:
            lane.start()
        try:
            for _ in units:
                yield results.get()
        finally:
            stopped.set()
            for lane in lanes:
                lane.join()


def _work(
    waiting: "queue.SimpleQueue[Unit]",
    results: "queue.SimpleQueue[tuple[Unit, Arrays | Failure]]",
    stopped: threading.Event,
) -> None:
    """Do unit after unit in a process of its own, which is made anew if it dies."""
    with _process() as process:
        while not stopped.is_set():
            try:
                unit = waiting.get_nowait()
            except queue.Empty:
                return
            results.put((unit, _done(unit, process, stopped)))


def _done(unit: Unit, process: "_Process", stopped: threading.Event) -> Arrays | Failure:
    for _ in range(ATTEMPTS):
        try:
            return process.run(unit)
        except BrokenProcessPool:
            if stopped.is_set():
                break
        except InspectorError as error:
            return Failure(unit.name, str(error))
        except Exception as error:
            return Failure(unit.name, f"{type(error).__name__}: {error}")
    return Failure(unit.name, f"its process died {ATTEMPTS} times, perhaps for want of memory: try fewer --jobs")


class _Process:
    """One process, started when it is needed."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    def run(self, unit: Unit) -> Arrays:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=be_a_worker)
        try:
            return self._pool.submit(unit).result()
        except BrokenProcessPool:
            self.stop()
            raise

    def stop(self) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


@contextmanager
def _process() -> Iterator[_Process]:
    process = _Process()
    try:
        yield process
    finally:
        process.stop()


def be_a_worker() -> None:
    """Keep to one thread, and leave Ctrl-C to the process that asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)

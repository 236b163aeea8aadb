"""Do the work of a track part by part, and remember what failed."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from inspector.sweep import Arrays, Failure, Progress, Store, Unit, run_units
from inspector.sweep.run import Engine


class Work:
    """Does units, remembers what failed, and how long all took.

    Args:
        store: Where results lie.
        engine: Who does what is not done.
        on_progress: Called with the name of a part of the work after each piece of it.

    Attributes:
        failures: What could not be done.
        seconds: How long each part took.
    """

    def __init__(self, store: Store, engine: Engine, on_progress: Callable[[str, Progress], None] | None) -> None:
        self._store, self._engine, self._on_progress = store, engine, on_progress
        self.failures: list[Failure] = []
        self.seconds: dict[str, float] = {}

    def do(self, part: str, units: Sequence[Unit]) -> None:
        """Do what is not done; what fails is among the failures."""
        report, start = self._on_progress, time.perf_counter()
        tell = None if report is None else lambda now: report(part, now)
        self.failures += run_units(units, self._store, self._engine, tell)
        self.seconds[part] = time.perf_counter() - start

    def has(self, unit: Unit) -> bool:
        """Whether it is done."""
        return self._store.has(unit)

    def reason(self, units: Iterable[Unit]) -> str:
        """Why the first of them failed that did."""
        names = {unit.name for unit in units}
        return next((failure.reason for failure in self.failures if failure.name in names), "there are none")

    def results(self, units: Iterable[Unit]) -> Iterator[Arrays]:
        """Of those that are done, read one by one: all at once may be too many."""
        return (self._store.load(unit) for unit in units if self._store.has(unit))

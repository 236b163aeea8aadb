"""The same units of work on a Ray cluster: this machine's own, or one at an address."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from inspector.errors import UsageError
from inspector.sweep.run import ATTEMPTS, Failure, Results, attempted, be_a_worker
from inspector.sweep.unit import Arrays, Unit


class Cluster:
    """An engine of Ray workers, each with one thread.

    The files that units name, checkpoints and probe set, have to be at the same place on every machine; results come
    back to the one that asks.

    Args:
        address: Of a running cluster, as Ray has it: `auto`, `ray://host:10001`; None starts one on this machine.
        jobs: Units at a time, where one is started; None for one a core.

    Raises:
        UsageError: If Ray is not installed.
    """

    def __init__(self, address: str | None = None, jobs: int | None = None) -> None:
        try:
            import ray
        except ImportError as error:
            raise UsageError("Ray is not installed: pip install 'relevance-inspector[ray]'") from error
        self._ray: Any = ray
        self._address, self._jobs = address, jobs

    def __call__(self, units: Sequence[Unit]) -> Results:
        """Do all of them, in any order."""
        ray = self._ray
        with self._connected():
            # A call after which its worker is gone is tried again; one that raises is not.
            work = ray.remote(num_cpus=1, max_retries=ATTEMPTS - 1, retry_exceptions=False)(_do)
            waiting = {work.remote(unit): unit for unit in units}
            try:
                while waiting:
                    (ready, *_), _ = ray.wait(list(waiting), num_returns=1)
                    unit = waiting.pop(ready)
                    yield unit, self._result(unit, ready)
            finally:
                for left in waiting:
                    ray.cancel(left, force=True)

    def _result(self, unit: Unit, reference: Any) -> Arrays | Failure:
        try:
            found: Arrays | Failure = self._ray.get(reference)
        except self._ray.exceptions.WorkerCrashedError as error:
            return Failure(unit.name, f"its worker died {ATTEMPTS} times: {_first_line(error)}")
        except self._ray.exceptions.RayError as error:
            return Failure(unit.name, f"{type(error).__name__}: {_first_line(error)}")
        return found

    @contextmanager
    def _connected(self) -> Iterator[None]:
        """A connection of our own, or the one that the caller has made."""
        ray = self._ray
        if ray.is_initialized():
            yield
            return
        if self._address:
            _check(self._address)
        source = str(Path(__file__).parents[2])  # where the package lies
        options = {"address": self._address} if self._address else {"num_cpus": self._jobs, "include_dashboard": False}
        try:
            ray.init(**options, log_to_driver=False, runtime_env={"env_vars": {"PYTHONPATH": source}})
        except (ConnectionError, ValueError, RuntimeError) as error:
            where = f"there is no Ray cluster at {self._address}" if self._address else "Ray does not start"
            raise UsageError(f"{where}: {_first_line(error)}") from error
        try:
            yield
        finally:
            ray.shutdown()


def _check(address: str) -> None:
    """Raise UsageError if nobody listens there: Ray would try for minutes."""
    host, _, port = address.rpartition("//")[2].rpartition(":")
    if not (host and port.isdecimal()):
        return  # `auto` and its like: Ray itself says at once whether there is one
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, OverflowError) as error:
        raise UsageError(f"there is no Ray cluster at {address}: {error}; start one with `ray start --head`") from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _do(unit: Unit) -> Arrays | Failure:
    """In a worker."""
    be_a_worker()
    return attempted(unit)

"""A process to decode in: whatever a file does to it, we get messages or one clear error."""

import json
import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.clips.limits import Limits
from inspector.clips.wire import HEADER, Kind, WireError, read_header

_PIPE_BYTES = 1 << 20
_LAST_SECONDS = 5.0
_TICKS = 20  # the watchdog's looks in the time of our patience


class BrokenChildError(Exception):
    """The process died, hung or talked nonsense; the text says which."""


def command_for(path: Path, limits: Limits, *, lenient: bool) -> list[str]:
    """How the process that decodes this file is called: a fresh interpreter, that takes no module from where we are."""
    request = {"path": str(path), "lenient": lenient, "limits": asdict(limits)}
    return [sys.executable, "-P", "-m", "inspector.clips.decoding", json.dumps(request)]


class Child:
    """A process that sends messages, and is not waited for beyond patience.

    It ends when it is closed or we are gone: its standard input closes then. It never hears Ctrl-C.

    Args:
        command: What to run.
        limits: How long to wait.

    Attributes:
        pid: Of the process.
        close: Ends the process, whatever it is at; called by itself when nobody holds this object any more.
    """

    def __init__(self, command: Sequence[str], limits: Limits) -> None:
        self._limits = limits
        self._process = subprocess.Popen(
            command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            start_new_session=True,
        )
        assert self._process.stdout
        self.pid = self._process.pid
        self._pipe: Any = self._process.stdout  # unbuffered: `readinto` takes what is there
        _widen(self._pipe.fileno())
        self._watchdog = _Watchdog(self._process, limits.patience)
        self.close = weakref.finalize(self, _end, self._process, self._watchdog)

    def next_header(self) -> tuple[Kind, int, int]:
        """Kind, time stamp and length of the next message, that of one at work left out.

        Raises:
            BrokenChildError: If none comes.
            WireError: If what comes is none.
        """
        header = np.empty(HEADER.size, np.uint8)
        for _ in range(self._limits.frame_count):  # so often, at most, it may say that it is at work
            self.read_into(header)
            kind, pts, length = read_header(header.tobytes())
            if kind is not Kind.ALIVE:
                return kind, pts, length
        raise WireError

    def read_into(self, target: NDArray[np.uint8]) -> None:
        """Fill an array with the bytes that come next.

        Raises:
            BrokenChildError: If they do not come.
        """
        view = target.data.cast("B")
        with self._watchdog.watching():
            while view:
                count = self._pipe.readinto(view)
                if not count:
                    raise self._broken()
                view = view[count:]

    def _broken(self) -> BrokenChildError:
        """End the process, whose pipe has closed; the error that tells what it died of."""
        with suppress(subprocess.TimeoutExpired):  # it is about to end
            self._process.wait(timeout=min(self._limits.patience, _LAST_SECONDS))
        self.close()
        return BrokenChildError(self._death())

    def _death(self) -> str:
        code = self._process.returncode
        if self._watchdog.has_bitten:
            return f"nothing came for {self._limits.patience:g} s, so it was stopped"
        if code >= 0:
            return f"it ended without a word (exit code {code})"
        name = signal.Signals(-code).name if -code in {*signal.Signals} else f"signal {-code}"
        if name == "SIGXCPU":
            return f"one frame took more than {self._limits.computing_seconds} s of computing"
        if name == "SIGKILL":
            return "it was killed (SIGKILL), perhaps for want of memory"
        return f"it crashed ({name})"


class _Watchdog:
    """Kills a process whose reader waits too long. It counts its looks: a computer that slept has not waited."""

    def __init__(self, process: subprocess.Popen[bytes], patience: float) -> None:
        self.has_bitten = False
        self._process, self._tick = process, patience / _TICKS
        self._number, self._is_waiting = 0, False
        self._stopped = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """While the reader waits for one piece."""
        self._number += 1
        self._is_waiting = True
        try:
            yield
        finally:
            self._is_waiting = False

    def stop(self) -> None:
        """Watch no longer."""
        self._stopped.set()

    def _watch(self) -> None:
        last, looks = 0, 0
        while not self._stopped.wait(self._tick):
            looks = looks + 1 if self._is_waiting and self._number == last else 0
            last = self._number
            if looks >= _TICKS:
                self.has_bitten = True
                self._process.kill()
                return


def _end(process: subprocess.Popen[bytes], watchdog: _Watchdog) -> None:
    watchdog.stop()
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError):
            if pipe:
                pipe.close()


def _environment() -> dict[str, str]:
    """Ours; the package is found where we have it, and no thread pools are made."""
    source = str(Path(__file__).parents[2])
    paths = [source, os.environ.get("PYTHONPATH", "")]
    single = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    return {**os.environ, **single, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _widen(descriptor: int) -> None:
    """Let the pipe hold a frame of common size, so that both sides work at the same time; else it works too, slower."""
    if sys.platform == "linux":
        import fcntl

        with suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

"""Record the play that is being watched, from one key press to the next."""

import os
import re
import time
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from inspector.atari.environment import NATIVE_RATE
from inspector.console import complain
from inspector.errors import RecordingError
from inspector.explaining import Interpreter
from inspector.live.player import Player
from inspector.recorder import Recorder
from inspector.recording import Recording
from inspector.records import Step
from inspector.stopping import undisturbed
from inspector.watching import Watcher

_LONGEST_NAME = 100
"""Letters of an agent's name in that of a folder."""

_BATCH_SIZE = 8
"""Decisions explained at once: so few that a recording is finished soon after it is stopped."""


class Filming:
    """Recordings of a player's play, one after the other; what is recorded is what `inspector record` makes.

    Args:
        player: Who plays.
        folder: Where the recordings' folders land.
        manifest: Facts for their manifests. To its `play` is added how many decisions were played before the film's
            first (`from_step`), and whether `inspector record` with the same seed plays them and the film's likewise
            (`reproducible`).

    Attributes:
        finished: Recordings that are whole.
        failed: Errors of those that are not.
    """

    def __init__(self, player: Player, folder: Path, manifest: Mapping[str, Any]) -> None:
        self._player, self._folder, self._manifest = player, folder, manifest
        self._running: tuple[Recorder, Path] | None = None
        self._closing: deque[Future[Recording]] = deque()
        self._background = ThreadPoolExecutor(1, thread_name_prefix="filming")
        self.finished: list[Recording] = []
        self.failed: list[RecordingError] = []

    @property
    def is_running(self) -> bool:
        """Whether steps are being recorded."""
        return self._running is not None

    @property
    def seconds(self) -> float:
        """Length of the film so far."""
        return self._running[0].seconds if self._running else 0.0

    def start(self) -> Path:
        """Begin a recording with the next step.

        Returns:
            Its folder.

        Raises:
            RecordingError: If it cannot be written.
        """
        player, agent = self._player, self._player.agent
        folder = self._new_folder()
        recorder = Recorder(
            agent,
            folder,
            title=player.title,
            action_names=player.game.action_names,
            screen_size=player.game.native_size,
            native_rate=NATIVE_RATE,
            decision_rate=player.decision_rate,
            interpreter=Interpreter(agent, player.game.action_names, player.composite, player.target, frozen=True),
            watcher=Watcher(player.finder, agent.input_shape[1:]),
            batch_size=_BATCH_SIZE,
            return_so_far=player.return_so_far,
            manifest=self._account(),
        )
        self._running = recorder, folder
        return folder

    def add(self, step: Step) -> None:
        """Record a step, if a recording runs.

        Raises:
            RecordingError: If it cannot be written; the recording has ended then.
        """
        if self._running is None:
            return
        recorder, folder = self._running
        try:
            with _as_recording_error(folder):
                recorder.add(step)
        except RecordingError as error:
            self._running = None
            self.failed.append(error)
            recorder.__exit__(type(error), error, error.__traceback__)
            _remove_if_empty(folder)
            raise

    def stop(self, status: str = "complete") -> None:
        """End the recording; it is finished in the background, see `news`."""
        if self._running is not None:
            running, self._running = self._running, None
            self._closing.append(self._background.submit(_close, *running, status))

    def news(self) -> str | None:
        """What has become of the recordings that were stopped; None if nothing new has."""
        return "; ".join(map(_words, self._outcomes())) or None

    def __enter__(self) -> "Filming":
        """The filming itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Finish what runs: as `interrupted` if an exception ends it. Signals wait until all is whole."""
        with undisturbed():
            if self.is_running or self._closing:
                complain("finishing the film")
            self.stop("complete" if error is None else "interrupted")
            self._background.shutdown()
            deque(self._outcomes(), maxlen=0)  # the caller tells, see `finished` and `failed`

    def _account(self) -> dict[str, Any]:
        """Facts for the manifest of a recording that begins now."""
        player = self._player
        play = {"reproducible": player.follows_seed, "from_step": player.taken}
        return {
            "environment": {"id": player.game.name, "action_names": player.game.action_names},
            **self._manifest,
            "play": self._manifest.get("play", {}) | play,
        }

    def _outcomes(self) -> Iterator[Recording | RecordingError]:
        """What has become of those that were stopped and are not told of yet, the first to be stopped first."""
        while self._closing and self._closing[0].done():
            closing = self._closing.popleft()
            try:
                recording = closing.result()
            except RecordingError as error:
                self.failed.append(error)
                yield error
            else:
                self.finished.append(recording)
                yield recording

    def _new_folder(self) -> Path:
        agent = re.sub(r"[^\w.-]+", "-", self._player.agent.facts.name).strip(".-")[:_LONGEST_NAME] or "agent"
        name = f"{agent}-live-{time.strftime('%Y%m%d-%H%M%S')}"
        taken = (self._folder / (f"{name}-{number}" if number else name) for number in range(1000))
        return next(folder for folder in taken if not os.path.lexists(folder))


def _close(recorder: Recorder, folder: Path, status: str) -> Recording:
    """Finish a recording; an error is a RecordingError."""
    try:
        with _as_recording_error(folder):
            return recorder.close(status)
    except RecordingError:
        _remove_if_empty(folder)
        raise


@contextmanager
def _as_recording_error(folder: Path) -> Iterator[None]:
    """Make a RecordingError of every error."""
    try:
        yield
    except RecordingError:
        raise
    except Exception as error:  # whatever went wrong in the recorder's threads ends the film, not the play, and is said
        raise RecordingError(f"the film in {folder} has ended with {type(error).__name__}: {error}") from error


def _remove_if_empty(folder: Path) -> None:
    """Remove a folder that was made for a recording and holds none."""
    with suppress(OSError):  # it is not empty
        folder.rmdir()


def _words(outcome: Recording | RecordingError) -> str:
    return str(outcome) if isinstance(outcome, RecordingError) else f"recorded: {outcome.video}"

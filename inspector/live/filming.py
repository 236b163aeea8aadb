"""Record the play that is being watched, from one key press to the next."""

import re
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
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
from inspector.watching import Watcher

_BATCH_SIZE = 8
"""Decisions explained at once: so few that a recording is finished soon after it is stopped."""


class Filming:
    """Recordings of a player's play, one after the other; what is recorded is what `inspector record` makes.

    Args:
        player: Who plays.
        folder: Where the recordings' folders land.
        manifest: Facts for their manifests.

    Attributes:
        finished: Recordings that are whole.
    """

    def __init__(self, player: Player, folder: Path, manifest: Mapping[str, Any]) -> None:
        self._player, self._folder, self._manifest = player, folder, manifest
        self._recorder: Recorder | None = None
        self._closing: Future[Recording] | None = None
        self._background = ThreadPoolExecutor(1, thread_name_prefix="filming")
        self.finished: list[Recording] = []

    @property
    def is_running(self) -> bool:
        """Whether steps are being recorded."""
        return self._recorder is not None

    @property
    def seconds(self) -> float:
        """Length of the film so far."""
        return self._recorder.seconds if self._recorder else 0.0

    def start(self) -> Path:
        """Begin a recording with the next step.

        Returns:
            Its folder.

        Raises:
            RecordingError: If it cannot be written.
        """
        player, agent = self._player, self._player.agent
        folder = self._new_folder()
        self._recorder = Recorder(
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
            manifest={
                "environment": {"id": player.game.name, "action_names": player.game.action_names},
                **self._manifest,
            },
        )
        return folder

    def add(self, step: Step) -> None:
        """Record a step, if a recording runs.

        Raises:
            RecordingError: If it cannot be written; the recording has ended then.
        """
        if self._recorder is None:
            return
        try:
            self._recorder.add(step)
        except RecordingError as error:
            recorder, self._recorder = self._recorder, None
            recorder.__exit__(type(error), error, error.__traceback__)
            raise

    def stop(self, status: str = "complete") -> None:
        """End the recording; it is finished in the background, see `news`."""
        if self._recorder is not None:
            self.wait()
            self._closing, self._recorder = self._background.submit(self._recorder.close, status), None

    def news(self) -> str | None:
        """What has become of the recording that was stopped; None if nothing new has."""
        if self._closing is None or not self._closing.done():
            return None
        closing, self._closing = self._closing, None
        try:
            recording = closing.result()
        except RecordingError as error:
            return str(error)
        self.finished.append(recording)
        return f"recorded: {recording.video}"

    def wait(self) -> str | None:
        """Wait until the recording that was stopped is whole.

        Returns:
            As `news`.
        """
        if self._closing is not None:
            self._closing.exception()
        return self.news()

    def __enter__(self) -> "Filming":
        """The filming itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Finish what runs: as `interrupted` if an exception ends it."""
        if self.is_running:
            complain("finishing the film")
        self.stop("complete" if error is None else "interrupted")
        words = self.wait()
        if words and error is not None:  # else the caller tells
            complain(words)
        self._background.shutdown()

    def _new_folder(self) -> Path:
        agent = re.sub(r"[^\w.-]+", "-", self._player.agent.facts.name).strip(".-") or "agent"
        name = f"{agent}-live-{time.strftime('%Y%m%d-%H%M%S')}"
        taken = (self._folder / (f"{name}-{number}" if number else name) for number in range(1000))
        return next(folder for folder in taken if not folder.exists())

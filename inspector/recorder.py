"""Take steps one by one; explain them in batches, draw them, and write the recording as a stream."""

import math
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from inspector.agent import Agent
from inspector.attention import NOTHING, Attention, RegionShares, attend, share_out
from inspector.draw.layout import PAGE_HEIGHT, PAGE_WIDTH
from inspector.draw.page import Moment, Page
from inspector.explaining import Interpreter
from inspector.lane import Lane
from inspector.pacing import Pacer
from inspector.provenance import account_of, page_facts
from inspector.recording import Recording, RecordingWriter
from inspector.records import Relevance, Step
from inspector.regions import BACKGROUND
from inspector.rows import row_of
from inspector.watching import Watcher

WAITING_BATCHES = 2
"""Batches that may wait to be written; playing stops meanwhile, so that memory stays flat."""


class Explained(NamedTuple):
    """What is known of one decision beside the decision itself.

    Attributes:
        relevance: Its explanation; None if nothing explains.
        attention: Summary of that relevance.
        regions: Where it lies, by region; None without regions, or without relevance.
    """

    relevance: Relevance | None = None
    attention: Attention = NOTHING
    regions: RegionShares | None = None


class Recorder:
    """Records steps as an explained film.

    Playing goes on in the caller's thread; beside it one thread explains and one draws and encodes, batch by batch.

    Args:
        agent: Whose decisions are explained.
        folder: Where the recording lands; made if it is not there.
        title: Large on the page: the game's name.
        action_names: Name of every action.
        screen_size: Height and width of the native screens, in pixels.
        native_rate: Screens a second of the game, as steps bring them.
        decision_rate: Decisions a second of the game.
        fps: Frames a second of the film, a divisor of `native_rate`.
        interpreter: What explains the steps; None records without explanation.
        watcher: Finds the regions of the steps, for shares and outlines; None keeps to the stacked frames.
        outlines: Outline the regions on the overlay.
        save_relevance: Keep every relevance map in `relevance.h5`.
        batch_size: Decisions explained at once.
        threads: Threads of the encoder.
        overwrite: Replace a recording that is there.
        return_so_far: Return of the game before the first step taken, should it start in the middle.
        manifest: Facts to keep in `manifest.json`, beside those that the recorder knows.

    Raises:
        RecordingError: If the folder cannot be written, or holds something and `overwrite` is not given.
        UsageError: If `fps` does not divide `native_rate`.
    """

    def __init__(
        self,
        agent: Agent,
        folder: Path,
        *,
        title: str,
        action_names: tuple[str, ...],
        screen_size: tuple[int, int],
        native_rate: int = 60,
        decision_rate: float = 15.0,
        fps: int = 30,
        interpreter: Interpreter | None = None,
        watcher: Watcher | None = None,
        outlines: bool = True,
        save_relevance: bool = False,
        batch_size: int = 32,
        threads: int = 2,
        overwrite: bool = False,
        return_so_far: float = 0.0,
        manifest: Mapping[str, Any] | None = None,
    ):
        self._agent, self._names, self._fps, self._batch_size = agent, action_names, fps, batch_size
        self._interpreter, self._outlined = interpreter, outlines
        self._watcher = watcher if interpreter else None
        self._pacer = Pacer(native_rate, fps)
        regions = (*self._watcher.finder.names, BACKGROUND) if self._watcher else None
        facts = page_facts(agent, interpreter, title, action_names, decision_rate, regions or ())
        self._page = Page(facts, *screen_size)
        self._writer = RecordingWriter(
            folder,
            {
                "title": title,
                **account_of(agent, interpreter),
                "batch_size": batch_size,
                "regions": regions,
                "page": self._page.layout.account(),
                "threads": threads,
                **(manifest or {}),
            },
            width=PAGE_WIDTH,
            height=PAGE_HEIGHT,
            fps=fps,
            overwrite=overwrite,
            save_relevance=save_relevance and interpreter is not None,
            threads=threads,
        )
        self._save_relevance = save_relevance
        self._explaining = ThreadPoolExecutor(1, thread_name_prefix="explaining")
        self._writing = Lane("writing")
        self._pending: list[Step] = []
        self._return_so_far = return_so_far
        self._loudest = -math.inf
        self._shown: NDArray[np.uint8] | None = None
        self._lives: int | None = None
        self._film_frames = 0

    @property
    def seconds(self) -> float:
        """Length of the film written so far."""
        return self._film_frames / self._fps

    def add(self, step: Step) -> None:
        """Take one step. Errors of earlier steps surface here.

        Raises:
            RecordingError: If the recording cannot be written.
        """
        self._pending.append(step)
        if len(self._pending) >= self._batch_size:
            self._hand_over()
        self._writing.wait_for_all_but(WAITING_BATCHES)

    def close(self, status: str = "complete") -> Recording:
        """Write what is left and finish the recording.

        Args:
            status: `complete`, `interrupted` or `failed`; goes into the manifest.
        """
        try:
            self._hand_over()
            self._writing.wait_for_all_but(0)
            self._write_frames(self._pacer.rest())
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        self._stop()
        return self._writer.close(status)

    def __enter__(self) -> "Recorder":
        """The recorder itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Finish the recording: as `interrupted` by Ctrl-C, as `failed` by any other exception."""
        if self._writer.closed:
            return
        if error is None:
            self.close()
            return
        if not self._writing.broken:  # what was played before the error is still worth keeping
            with suppress(Exception):
                self._hand_over()
                self._writing.wait_for_all_but(0)
        self._stop()
        self._writer.__exit__(kind, error, traceback)

    def _hand_over(self) -> None:
        if self._pending:
            explained = self._explaining.submit(self._explain, self._pending)
            self._writing.submit(partial(self._write, self._pending, explained))
            self._pending = []

    def _stop(self) -> None:
        """End both threads; what they have not begun is dropped."""
        self._explaining.shutdown(cancel_futures=True)
        self._writing.stop()

    def _explain(self, steps: list[Step]) -> list[Explained]:
        if self._interpreter is None:
            return [Explained()] * len(steps)
        explained = zip(steps, self._interpreter.explain(steps), strict=True)
        return [Explained(each, attend(each.values), self._shares(step, each)) for step, each in explained]

    def _shares(self, step: Step, relevance: Relevance) -> RegionShares | None:
        if self._watcher is None:
            return None
        watched = self._watcher.watch(step)
        return share_out(relevance.values, watched.covers, watched.newest)

    def _write(self, steps: list[Step], explained: Future[list[Explained]]) -> None:
        for step, each in zip(steps, explained.result(), strict=True):
            self._write_step(step, each)

    def _write_step(self, step: Step, explained: Explained) -> None:
        if step.index == 0:
            self._return_so_far, self._lives = 0.0, None
        self._return_so_far += step.reward
        self._page.begin(self._moment(step, explained))
        self._lives = step.lives
        name = self._names[step.decision.action]
        self._writer.add_row(row_of(step, *explained, name, self.seconds, self._return_so_far))
        self._write_frames(self._pacer.merge(step.screens))
        if step.terminated or step.truncated:  # a run of frames never spans two games
            self._write_frames(self._pacer.rest())
        self._keep_loudest(step, explained.attention)
        if explained.relevance is not None and self._save_relevance:
            self._writer.add_relevance(explained.relevance.values)

    def _moment(self, step: Step, explained: Explained) -> Moment:
        """What the page shows of a step."""
        decision = step.decision
        relevance, attention, regions = explained
        about = self._interpreter.target_action(decision.action) if self._interpreter else None
        return Moment(
            screen=step.screen,
            network_input=step.network_input,
            scores=decision.scores,
            action=decision.action,
            tracked=float(decision.scores[decision.action]) if relevance is None else relevance.score,
            target_name="" if self._interpreter is None else self._interpreter.target_text(decision),
            target_action=about,
            relevance=None if relevance is None else relevance.values,
            finite=relevance is None or relevance.finite,
            in_picture=None if relevance is None else share_in_picture(relevance),
            brightness=1.0 if relevance is None else brightness(relevance),
            frame_shares=attention.frame_shares,
            region_shares=None if regions is None else regions.absolute,
            outlines=regions.regions if regions and self._outlined else (),
            reward=step.reward,
            return_so_far=self._return_so_far,
            lives=step.lives,
            life_lost=self._lives is not None and step.lives is not None and step.lives < self._lives,
            game_begins=step.index == 0,
        )

    def _keep_loudest(self, step: Step, attention: Attention) -> None:
        """The thumbnail is the page with the most relevance; without explanation, with the highest reward."""
        loudness = step.reward if attention.positive is None else attention.positive - (attention.negative or 0.0)
        if self._shown is not None and loudness > self._loudest:
            self._loudest = loudness
            self._writer.set_thumbnail(self._shown)

    def _write_frames(self, screens: Iterator[NDArray[np.uint8]]) -> None:
        for screen in screens:
            self._shown = self._page.frame(screen, self.seconds)
            self._writer.add_frame(self._shown)
            self._film_frames += 1


def brightness(relevance: Relevance) -> float:
    """How bright a map may be: full, unless less than a tenth of what the ledger moves lies in the picture."""
    shown = float(np.abs(relevance.values).sum())
    elsewhere = sum(abs(amount) for part, amount in relevance.ledger.items() if part != "input")
    return min(1.0, 10 * shown / (shown + elsewhere)) if shown else 1.0


def share_in_picture(relevance: Relevance) -> float | None:
    """Part of the explained score that reaches the network input; None for a score of 0, and without a ledger."""
    return relevance.ledger["input"] / relevance.score if relevance.score and relevance.ledger else None

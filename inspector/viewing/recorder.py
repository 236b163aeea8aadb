"""Take windows one by one; explain them in batches, bring them together, draw every frame, write it as a stream."""

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from inspector.clips.agent import ClipAgent
from inspector.clips.wire import Facts
from inspector.draw.bars import probabilities
from inspector.draw.clip_layout import ClipLayout, lay_out_clip
from inspector.draw.clip_moment import ClipFacts, ClipMoment
from inspector.draw.clip_page import ClipPage
from inspector.draw.layout import PAGE_HEIGHT, PAGE_WIDTH
from inspector.lane import Lane
from inspector.recorder import brightness
from inspector.recording import Recording, RecordingWriter
from inspector.viewing.assembly import Assembly, Seen, Verdict
from inspector.viewing.filming import length_shown, mean_rate
from inspector.viewing.interpreter import ClipInterpreter, Explained
from inspector.viewing.rows import row_of_window
from inspector.viewing.watching import Window, clips_of

WAITING_BATCHES = 2
"""Batches that may wait to be drawn; explaining stops meanwhile, so that memory stays flat."""


class Subject(NamedTuple):
    """A video that is to be recorded.

    Attributes:
        path: The file.
        facts: What is known of it.
        target: The class that is explained; None for each window's own.
    """

    path: Path
    facts: Facts
    target: int | None

    @property
    def title(self) -> str:
        """The file's name as one line."""
        return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in self.path.stem)


class ClipRecorder:
    """Records videos, one after another, as one explained film in which every frame keeps its own time.

    The network runs in the caller's thread; one thread beside it draws and encodes, batch by batch.

    Args:
        agent: Whose decisions are explained.
        folder: Where the recording lands; made if it is not there.
        subjects: The videos, in the order in which they are begun.
        interpreter: What explains; None records without explanation.
        subtitle: Facts that stand beside the title.
        save_relevance: Keep the map of every window in `relevance.h5`.
        batch_size: Windows explained at once.
        threads: Threads of the encoder.
        overwrite: Replace a recording that is there.
        manifest: Facts to keep in `manifest.json`.

    Raises:
        RecordingError: If the folder cannot be written, or holds something and `overwrite` is not given.
    """

    def __init__(
        self,
        agent: ClipAgent,
        folder: Path,
        subjects: Sequence[Subject],
        *,
        interpreter: ClipInterpreter | None,
        subtitle: tuple[str, ...] = (),
        save_relevance: bool = False,
        batch_size: int = 8,
        threads: int = 2,
        overwrite: bool = False,
        manifest: Mapping[str, Any] | None = None,
    ) -> None:
        self._agent, self._subjects, self._interpreter = agent, tuple(subjects), interpreter
        self._subtitle, self._batch_size = subtitle, batch_size
        self._save_relevance = save_relevance
        self._number, self._offset = -1, 0.0
        self._writer = RecordingWriter(
            folder,
            {**(manifest or {}), "pages": [self._layout_of(subject).account() for subject in self._subjects]},
            width=PAGE_WIDTH,
            height=PAGE_HEIGHT,
            fps=mean_rate([subject.facts for subject in self._subjects]),
            overwrite=overwrite,
            save_relevance=save_relevance and interpreter is not None,
            threads=threads,
            timed=True,
        )
        self._writing = Lane("writing")
        self._pending: list[Window] = []
        self._loudest = -math.inf
        self._last = -1, 0.0  # number and time of the frame that was drawn last

    def begin(self) -> None:
        """Begin the next of the videos."""
        self._end_video()
        if self._number >= 0:
            self._offset += length_shown(self._subjects[self._number].facts, *self._last)
        self._number += 1
        self._assembly, self._last = Assembly(self._agent.recipe.crop), (-1, 0.0)
        self._page = self._page_of(self._subjects[self._number])  # of this video alone: a page takes megabytes

    def add(self, window: Window) -> None:
        """Take a window of the video that was begun. Errors of earlier ones surface here.

        Args:
            window: Its frames are best no larger than the page shows them (`page_sized`): some of them wait.

        Raises:
            RecordingError: If the recording cannot be written.
            UnsupportedError: If the network cannot be explained.
        """
        self._pending.append(window)
        if len(self._pending) >= self._batch_size:
            self._hand_over()
        self._writing.wait_for_all_but(WAITING_BATCHES)

    def close(self, status: str = "complete") -> Recording:
        """Write what is left and finish the recording.

        Args:
            status: `complete`, `interrupted` or `failed`; goes into the manifest.
        """
        try:
            self._end_video()
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        self._writing.stop()
        return self._writer.close(status)

    def __enter__(self) -> "ClipRecorder":
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
        if not self._writing.broken:  # what was seen before the error is still worth keeping
            with suppress(Exception):
                self._end_video()
        self._writing.stop()
        self._writer.__exit__(kind, error, traceback)

    def _end_video(self) -> None:
        """Write all that is left of the video that was begun last."""
        if self._number >= 0:
            self._hand_over()
            self._writing.submit(self._write_rest)
            self._writing.wait_for_all_but(0)

    def _hand_over(self) -> None:
        if self._pending:
            windows, self._pending = self._pending, []
            self._writing.submit(partial(self._write, windows, self._explain(windows)))

    def _explain(self, windows: list[Window]) -> list[Explained]:
        clips = clips_of(windows)
        if self._interpreter is None:
            return [Explained(scores, None) for scores in self._agent.scores(clips)]
        target = self._subjects[self._number].target
        return self._interpreter.explain(clips, None if target is None else [target] * len(windows))

    def _write(self, windows: list[Window], explained: list[Explained]) -> None:
        for window, each in zip(windows, explained, strict=True):
            self._write_window(window, each)

    def _write_window(self, window: Window, explained: Explained) -> None:
        relevance = explained.relevance
        shown = self._offset + window.seconds
        self._writer.add_row(row_of_window(self._number, window, explained, self._agent.class_names, shown))
        if relevance is not None and self._save_relevance:
            self._writer.add_relevance(relevance.values)
        self._draw(self._assembly.add(window, self._verdict(explained)))

    def _verdict(self, explained: Explained) -> Verdict:
        scores, relevance = explained
        if relevance is None:
            return Verdict(probabilities(scores))
        own = self._subjects[self._number].target
        return Verdict(
            probabilities(scores),
            int(scores.argmax()) if own is None else own,
            relevance.values,
            (relevance.ledger["input"], relevance.score) if relevance.finite and relevance.ledger else None,
            brightness(relevance) if relevance.finite else 1.0,
        )

    def _write_rest(self) -> None:
        self._draw(self._assembly.rest())

    def _draw(self, frames: Iterable[Seen]) -> None:
        for seen in frames:
            picture = self._page.draw(self._moment(seen))
            self._last = seen.frame.number, seen.frame.seconds
            self._writer.add_frame(picture, self._offset + seen.frame.seconds)
            self._keep_loudest(seen, picture)

    def _moment(self, seen: Seen) -> ClipMoment:
        """What the page shows of a frame."""
        (target,) = seen.targets if len(seen.targets) == 1 else (None,)
        relevance = seen.relevance
        return ClipMoment(
            screen=seen.frame.image,
            number=seen.frame.number,
            seconds=seen.frame.seconds,
            probabilities=seen.probabilities,
            recognised=int(seen.probabilities.argmax()),
            target=target,
            target_name=self._agent.class_names[target] if target is not None else "each window's own class",
            relevance=None if relevance is None else relevance.mean,
            finite=relevance is None or relevance.windows > 0 or seen.holders == 0,
            windows=seen.holders if relevance is None else relevance.windows,
            spread=0.0 if relevance is None else relevance.spread,
            in_picture=seen.in_picture,
            brightness=seen.brightness,
            positions=seen.positions,
        )

    def _keep_loudest(self, seen: Seen, picture: NDArray[np.uint8]) -> None:
        """The thumbnail is the page of the frame with the most relevance; without explanation, the film's middle."""
        if seen.relevance is None or seen.relevance.mean is None:
            return
        loudness = float(np.abs(seen.relevance.mean).sum(dtype=np.float64))
        if loudness > self._loudest:
            self._loudest = loudness
            self._writer.set_thumbnail(picture)

    def _layout_of(self, subject: Subject) -> ClipLayout:
        return lay_out_clip((subject.facts.height, subject.facts.width), explain=self._interpreter is not None)

    def _page_of(self, subject: Subject) -> ClipPage:
        facts = subject.facts
        return ClipPage(
            ClipFacts(
                title=subject.title,
                subtitle=self._subtitle,
                class_names=self._agent.class_names,
                frame_count=facts.frame_count,
                seconds=facts.seconds,
                frames=self._agent.recipe.frames,
                box=self._agent.recipe.box(facts.height, facts.width),
                screen_size=(facts.height, facts.width),
                explain=self._interpreter is not None,
                measure=self._interpreter.measure if self._interpreter else "relevance",
            )
        )

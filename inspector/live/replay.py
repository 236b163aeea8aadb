"""A recording played back: forwards at its own pace, and to any decision at once."""

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.draw.overlay import quiet
from inspector.draw.text import clock, count_text
from inspector.errors import RecordingError
from inspector.live.history import History, tells_frames_apart
from inspector.live.scene import LONGEST_PAST, Scene
from inspector.live.tape import Tape
from inspector.recording import Recording
from inspector.records import Decision

_LEAP_SECONDS = 5.0
_DECISION_RATE = 15.0
"""Of a recording too short to tell."""


class Replay:
    """A stage that plays a recording.

    All that it shows was recorded: the pictures are cut out of the film, the rest stands in the rows, where return and
    lives are those after the decision, as on the film. The relevance lies on the very screen that was decided on; the
    bare screen is the player's in the film's last frame before the decision took effect (see `Tape.pictures`).

    A decision that has no picture, because the film is too slow to show each or is damaged, is shown by its numbers,
    and the scene says so.

    Args:
        recording: A finished one.

    Attributes:
        scene: What is to be drawn; changed in place.
        keys: Its keys, with what they do.
        place: Number of the decision that is shown, from 0.
        missing: Decisions that were to be shown where the film is damaged.

    Raises:
        RecordingError: If the recording cannot be read, does not fit together, or holds no decision.
    """

    keys: tuple[tuple[str, str], ...] = (("← →", "one step"), ("PgUp PgDn", "5 seconds"), ("Home End", "first, last"))

    def __init__(self, recording: Recording) -> None:
        self._tape = Tape(recording)
        try:
            self._names = _action_names(recording, self._tape)
            regions = _listed(recording, "regions")
            self._history = _history(recording, self._tape, len(self._names), len(regions))
            self._has_frame_shares = _tells_frames_apart(recording, self._tape)
            self._who, self.place = _who(recording), 0
            self.missing: set[int] = set()
            self._passed, self._reason = 0, ""
            self._news: str | None = None
            self.scene = self._first_scene(recording, regions)
            self._show_pictures()
            self._fill()
        except BaseException:
            self.close()
            raise
        self._targets = self._seeking()

    def advance(self) -> bool:
        """Go on to the next decision; False after the last.

        While it plays, one without a frame of its own passes unseen, in its time: the picture would flicker.
        """
        following = self.place + 1
        if following >= len(self._tape):
            return False
        if not self.scene.paused:
            following += int(self._tape.own[following:].argmax())
        self._passed += 1
        if self.scene.paused or self.place + self._passed >= following:
            self.go(following)
        return True

    def press(self, key: str) -> str | None:
        """Seek, if the key asks for it; a word to the user where there is nowhere to go."""
        if key not in self._targets:
            return None
        wanted = self._targets[key]()
        place = min(max(wanted, 0), len(self._tape) - 1)
        if place == self.place:
            return "this is the last decision" if key in ("right", "page down", "end") else "this is the first decision"
        self.go(place)
        return None

    def go(self, place: int) -> None:
        """Show a decision, wherever it is.

        Raises:
            IndexError: If there is none of this number.
        """
        if not 0 <= place < len(self._tape):
            raise IndexError(f"decision {place} of {len(self._tape)}")
        before, self.place, self._passed = self.place, place, 0
        self._show_pictures()
        if place < before:
            self.scene.past.clear()
            before = 0
        self.scene.past.extend(self._history[one] for one in range(max(before, place - LONGEST_PAST), place))
        self._fill()

    def news(self) -> str | None:
        """That there is no picture, and why, once where one comes upon it."""
        news, self._news = self._news, None
        return news

    def close(self) -> None:
        """Close the film."""
        self._tape.close()

    def __enter__(self) -> "Replay":
        """The replay itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the film."""
        self.close()

    def _seeking(self) -> dict[str, Callable[[], int]]:
        """Where each key goes."""
        last = len(self._tape) - 1
        return {
            "left": lambda: self.place - 1,
            "right": lambda: self.place + 1,
            "page up": lambda: self._leap(-_LEAP_SECONDS),
            "page down": lambda: self._leap(_LEAP_SECONDS),
            "home": lambda: 0,
            "end": lambda: last,
        }

    def _leap(self, seconds: float) -> int:
        """The decision that the film shows so many seconds from here, at least one away."""
        frames = self._tape.frames
        time = frames[self.place] + round(seconds * self._tape.fps)
        place = int(np.searchsorted(frames, time, side="right")) - 1
        return max(place, self.place + 1) if seconds > 0 else min(place, self.place - 1)

    def _first_scene(self, recording: Recording, regions: tuple[str, ...]) -> Scene:
        manifest, explained = recording.manifest, self._tape.has_overlay
        return Scene(
            title=str(manifest.get("title") or _said(manifest, "environment", "id") or recording.path.name),
            explained=_explained(manifest),
            action_names=self._names,
            output=str(_said(manifest, "agent", "output") or "q_values"),  # which shows scores as they are
            region_names=regions,
            screen=self._blank(),
            decision=self._history.decision(0),
            decision_rate=_decision_rate(self._tape),
            measure=_measure(manifest),
            overlays=("relevance", "off") if explained else ("off",),
            overlay="relevance" if explained else "off",
        )

    def _show_pictures(self) -> None:
        """Bring the pictures to the decision that is shown; where it has none, that is news."""
        scene, before = self.scene, self._reason
        try:
            scene.screen, scene.painted = self._tape.pictures(self.place)
            self._reason = "" if self._tape.own[self.place] else "no frame of its own in the film"
            if self._reason:
                scene.screen = quiet(scene.screen)
        except RecordingError:
            scene.screen, scene.painted = self._blank(), None
            self._reason = "the film is damaged here"
            self.missing.add(self.place)
        if self._reason != before:
            self._news = self._reason or None

    def _blank(self) -> NDArray[np.uint8]:
        return np.zeros((*self._tape.size, 3), np.uint8)

    def _fill(self) -> None:
        """Bring all but the pictures and the past to the decision that is shown."""
        scene, place = self.scene, self.place
        row, decision, past = self._tape.row(place), self._history.decision(place), self._history[place]
        minutes, _ = clock(self._tape.frames[place] / self._tape.fps).split(".")
        where = f"step {place + 1} of {len(self._tape)}, {minutes}"
        scene.agent = " · ".join(filter(None, (self._who, where, self._reason)))
        scene.decision = decision
        scene.target_action, scene.target_name = target_of(row.get("target"), decision, self._names)
        shares = row.get("frame_shares") if self._has_frame_shares else None
        scene.frame_shares = None if shares is None else np.array(shares, np.float32)
        scene.region_shares, scene.tracked = past.region_shares, past.tracked
        scene.return_so_far, scene.lives = row["return_so_far"], row.get("lives")


def target_of(target: str | None, decision: Decision, names: tuple[str, ...]) -> tuple[int | None, str]:
    """What was explained of a decision.

    The words are those of `inspector.explaining.Interpreter`, which needs torch; a replay does not.

    Args:
        target: Name of the target, as a row has it; None if nothing was explained.
        decision: The decision.
        names: Of every action.

    Returns:
        The action that it is about, or None, and its name as a person reads it after «relevance for».
    """
    if target is None or target == "value":
        return None, "the value" if target else ""
    about = names.index(target) if target in names else decision.action
    if target == "contrast":
        others = decision.scores.astype(np.float64)
        others[about] = -np.inf
        return about, f"{names[about]} over {names[int(others.argmax())]}"
    return about, f"{names[about]} over the mean" if target == "advantage" else names[about]


def _action_names(recording: Recording, tape: Tape) -> tuple[str, ...]:
    """Of every action: by the manifest, or by the rows, where one never taken has its number only."""
    said = _listed(recording, "environment", "action_names")
    if said:
        return said
    taken = tape.rows.select(["action", "action_name"]).group_by(["action", "action_name"]).aggregate([]).to_pylist()
    known = {row["action"]: row["action_name"] for row in taken}
    return tuple(known.get(action, str(action)) for action in range(len(tape.row(0)["scores"])))


def _history(recording: Recording, tape: Tape, action_count: int, region_count: int) -> History:
    try:
        return History(tape.rows, action_count, region_count)
    except ValueError as error:
        raise RecordingError(f"{recording.path} does not fit together: {error}; record it again") from error


def _who(recording: Recording) -> str:
    """The agent, what it was trained for, and how the recording ended if not well."""
    manifest = recording.manifest
    frames = _said(manifest, "agent", "checkpoint", "frames")
    trained = f"{count_text(frames)} frames" if isinstance(frames, int) else None
    ended = None if recording.status == "complete" else recording.status
    return " · ".join(str(part) for part in (_said(manifest, "agent", "name"), trained, ended) if part) or "recording"


def _explained(manifest: Mapping[str, Any]) -> str:
    composite, target = (_said(manifest, "explanation", part) for part in ("composite", "target"))
    return f"{composite} · {target}" if composite and target else "not explained"


def _measure(manifest: Mapping[str, Any]) -> str:
    """What maps hold; older recordings tell by the composite alone."""
    composite = _said(manifest, "explanation", "composite")
    return str(_said(manifest, "explanation", "measure") or (composite if composite == "sensitivity" else "relevance"))


def _tells_frames_apart(recording: Recording, tape: Tape) -> bool:
    """Whether stacked frames have shares of their own; older recordings tell by the shares alone."""
    said = _said(recording.manifest, "explanation", "frames_told_apart")
    return tells_frames_apart(tape.rows) if said is None else bool(said)


def _decision_rate(tape: Tape) -> float:
    """Decisions a second, by the film: its time is the game's own, also where that is not the console's."""
    frames = int(tape.frames[-1] - tape.frames[0])
    return (len(tape) - 1) * tape.fps / frames if frames else _DECISION_RATE


def _listed(recording: Recording, *names: str) -> tuple[str, ...]:
    """The names that the manifest lists; none where it has no list."""
    found = _said(recording.manifest, *names)
    return tuple(map(str, found)) if isinstance(found, list | tuple) else ()


def _said(manifest: Mapping[str, Any], *names: str) -> Any:
    """What stands in the manifest under these names, each within the one before; None if nothing does."""
    found: Any = manifest
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found

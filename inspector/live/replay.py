"""A recording played back: forwards at its own pace, and to any decision at once."""

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

import numpy as np

from inspector.draw.text import clock, count_text
from inspector.errors import RecordingError
from inspector.live.history import History
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
    lives are those after the decision, as on the film.

    Args:
        recording: A finished one.

    Attributes:
        scene: What is to be drawn; changed in place.
        keys: Its keys, with what they do.
        place: Number of the decision that is shown, from 0.

    Raises:
        RecordingError: If the recording cannot be read, does not fit together, or holds no decision.
    """

    keys: tuple[tuple[str, str], ...] = (("← →", "one step"), ("PgUp PgDn", "5 seconds"), ("Home End", "first, last"))

    def __init__(self, recording: Recording) -> None:
        self._tape = Tape(recording)
        try:
            self._names = _action_names(recording, self._tape)
            regions = tuple(recording.manifest.get("regions") or ())
            self._history = _history(recording, self._tape, len(self._names), len(regions))
            self._who, self.place = _who(recording), 0
            self.scene = self._first_scene(recording, regions)
            self._fill()
        except BaseException:
            self.close()
            raise
        last = len(self._tape) - 1
        self._targets: dict[str, Callable[[], int]] = {
            "left": lambda: self.place - 1,
            "right": lambda: self.place + 1,
            "page up": lambda: self._leap(-_LEAP_SECONDS),
            "page down": lambda: self._leap(_LEAP_SECONDS),
            "home": lambda: 0,
            "end": lambda: last,
        }

    def advance(self) -> bool:
        """Go on to the next decision; False after the last.

        Raises:
            RecordingError: If the film is damaged there; the scene then stays as it was.
        """
        if self.place + 1 >= len(self._tape):
            return False
        self.go(self.place + 1)
        return True

    def press(self, key: str) -> str | None:
        """Seek, if the key asks for it; a word to the user where there is nowhere to go.

        Raises:
            RecordingError: If the film is damaged there; the scene then stays as it was.
        """
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
            RecordingError: If the film is damaged there; the scene then stays as it was.
        """
        before = self.place
        self.scene.screen, self.scene.painted = self._tape.pictures(place)
        self.place = place
        if place == before + 1:
            self.scene.past.append(self._history[before])
        else:
            self.scene.past.clear()
            self.scene.past.extend(self._history[one] for one in range(max(place - LONGEST_PAST, 0), place))
        self._fill()

    def news(self) -> str | None:
        """Nothing ever happens in the background."""
        return None

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

    def _leap(self, seconds: float) -> int:
        """The decision that the film shows so many seconds from here, at least one away."""
        frames = self._tape.frames
        time = frames[self.place] + round(seconds * self._tape.fps)
        place = int(np.searchsorted(frames, time, side="right")) - 1
        return max(place, self.place + 1) if seconds > 0 else min(place, self.place - 1)

    def _first_scene(self, recording: Recording, regions: tuple[str, ...]) -> Scene:
        manifest = recording.manifest
        screen, painted = self._tape.pictures(0)
        return Scene(
            title=str(manifest.get("title") or _said(manifest, "environment", "id") or recording.path.name),
            explained=_explained(manifest),
            action_names=self._names,
            output=str(_said(manifest, "agent", "output") or "q_values"),  # which shows scores as they are
            region_names=regions,
            screen=screen,
            decision=self._history.decision(0),
            decision_rate=_decision_rate(self._tape),
            painted=painted,
            overlays=("off",) if painted is None else ("relevance", "off"),
            overlay="off" if painted is None else "relevance",
        )

    def _fill(self) -> None:
        """Bring all but the pictures and the past to the decision that is shown."""
        scene, place = self.scene, self.place
        row, decision, past = self._tape.row(place), self._history.decision(place), self._history[place]
        minutes, _ = clock(self._tape.frames[place] / self._tape.fps).split(".")
        scene.agent = f"{self._who} · step {place + 1} of {len(self._tape)}, {minutes}"
        scene.decision = decision
        scene.target_action, scene.target_name = target_of(row.get("target"), decision, self._names)
        shares = row.get("frame_shares")
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
    said = _said(recording.manifest, "environment", "action_names")
    if said:
        return tuple(map(str, said))
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


def _decision_rate(tape: Tape) -> float:
    """Decisions a second, by the film: its time is the game's own, also where that is not the console's."""
    frames = int(tape.frames[-1] - tape.frames[0])
    return (len(tape) - 1) * tape.fps / frames if frames else _DECISION_RATE


def _said(manifest: Mapping[str, Any], *names: str) -> Any:
    """What stands in the manifest under these names, each within the one before; None if nothing does."""
    found: Any = manifest
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found

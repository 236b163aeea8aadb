"""Probe sets: saved states on which every checkpoint is explained, so that checkpoints compare."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.errors import UsageError
from inspector.records import Preprocessing, Region
from inspector.regions import Cover, Size, cover_frame, cover_nothing

FORMAT = 1
EPISODES = 1000
"""Episodes of the first source are numbered below this, of the next from this on, and so forth: frames alone do not
tell sources apart, for those of two training runs may be the same."""

_INPUT = ("height", "width", "stack", "frame_skip", "max_pool", "grey", "padding")
"""What of a recipe makes network inputs what they are."""

Stack = tuple[tuple[Region, ...] | None, ...]
"""Regions of every stacked frame, oldest first; None for one that shows nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """One moment of a game, as it was decided on.

    Attributes:
        observation: The network input before it is divided, uint8 (stack, height, width).
        screen: The native screen decided on, uint8 (height, width, 3).
        regions: Where the objects were.
        source: Frames that the checkpoint was trained for which played up to here; -1 if not known.
        episode: Number of the episode, different for each of all sources: every source has `EPISODES` numbers.
        step: Number of the step within it.
        phase: Part of the game.
    """

    observation: NDArray[np.uint8]
    screen: NDArray[np.uint8]
    regions: Stack
    source: int
    episode: int
    step: int
    phase: str


@dataclass(frozen=True, eq=False)
class ProbeSet:
    """States of one game, with where its objects are.

    Attributes:
        environment: Environment id.
        preprocessing: How the observations were made.
        names: Names of the regions, without the background.
        states: The states.
        facts: Where they come from: seed, versions, sources.
    """

    environment: str
    preprocessing: Preprocessing
    names: tuple[str, ...]
    states: tuple[State, ...]
    facts: Mapping[str, Any]

    def __len__(self) -> int:
        """Number of states."""
        return len(self.states)

    @cached_property
    def observations(self) -> NDArray[np.uint8]:
        """All network inputs before they are divided, (states, stack, height, width)."""
        return np.stack([state.observation for state in self.states])

    @property
    def groups(self) -> NDArray[np.int64]:
        """For each state the number of its episode among all sources: states of one are not independent."""
        keys = [(state.source, state.episode) for state in self.states]
        numbers = {key: number for number, key in enumerate(sorted(set(keys)))}
        return np.array([numbers[key] for key in keys])

    @cached_property
    def covers(self) -> list[list[Cover]]:
        """What the regions cover of every stacked frame of every state."""
        screen, size = self.screen_size, self.observations.shape[2:]
        made: dict[int, Cover] = {}

        def cover(regions: tuple[Region, ...] | None) -> Cover:
            if regions is None:
                return cover_nothing(len(self.names))
            if id(regions) not in made:
                made[id(regions)] = cover_frame(regions, screen, (size[0], size[1]))
            return made[id(regions)]

        return [[cover(regions) for regions in state.regions] for state in self.states]

    @property
    def screen_size(self) -> Size:
        """Height and width of the native screen."""
        height, width = self.states[0].screen.shape[:2]
        return height, width

    @cached_property
    def digest(self) -> str:
        """Hexadecimal digest of all that is in it."""
        hashed = hashlib.sha256(json.dumps(self.header, sort_keys=True).encode())
        for state in self.states:
            hashed.update(state.observation.tobytes() + state.screen.tobytes())
            regions = [stack and [_plain(region) for region in stack] for stack in state.regions]
            hashed.update(json.dumps([regions, state.source, state.episode, state.step, state.phase]).encode())
        return hashed.hexdigest()

    def check(self, environment: str, recipe: Preprocessing, cure: str = "leave --probe out") -> None:
        """Compare with the agents that are to be explained on it.

        Args:
            environment: Environment id.
            recipe: How they see it.
            cure: What to do, for the message.

        Raises:
            UsageError: If they play another game, or see it otherwise.
        """
        ours, theirs = (_game(name) for name in (self.environment, environment))
        if ours != theirs:
            raise UsageError(f"the probe set is of {self.environment}, and the agents play {environment}: {cure}")
        wrong = [name for name in _INPUT if getattr(self.preprocessing, name) != getattr(recipe, name)]
        if wrong:
            found = ", ".join(f"{name} {getattr(self.preprocessing, name)}" for name in wrong)
            wanted = ", ".join(str(getattr(recipe, name)) for name in wrong)
            raise UsageError(f"the probe set was made with {found}, and the agents want {wanted}: {cure}")

    @property
    def header(self) -> dict[str, Any]:
        """All of it but the states."""
        return {
            "format": FORMAT,
            "environment": self.environment,
            "preprocessing": asdict(self.preprocessing),
            "regions": list(self.names),
            "facts": dict(self.facts),
        }


def stratified(states: Iterable[State], count: int, seed: int) -> tuple[State, ...]:
    """Choose states, as many from every source and phase as there are, evenly; the rest from where more are left.

    Args:
        states: To choose from.
        count: How many.
        seed: The same seed chooses the same.

    Returns:
        The chosen, in the order of source, episode and step; all if there are not so many.
    """
    generator = np.random.default_rng(seed)
    strata: dict[tuple[int, int, str], list[State]] = {}
    for state in states:
        strata.setdefault((state.source, state.episode // EPISODES, state.phase), []).append(state)
    piles = [[pile[i] for i in generator.permutation(len(pile))] for _, pile in sorted(strata.items())]
    chosen: list[State] = []
    while len(chosen) < count and any(piles):
        for pile in piles:
            if pile and len(chosen) < count:
                chosen.append(pile.pop())
    return tuple(sorted(chosen, key=lambda state: (state.source, state.episode, state.step)))


def without_repeats(states: Iterable[State]) -> Iterator[State]:
    """The states of each episode once: where nothing is left to chance, games repeat, and three say what one does.

    Args:
        states: Those of one episode follow each other; no more than one is held.
    """
    known = set()
    for _, states_of_one in groupby(states, key=lambda state: (state.source, state.episode)):
        episode = list(states_of_one)
        digest = hashlib.sha256(b"".join(state.observation.tobytes() for state in episode)).digest()
        if digest not in known:
            known.add(digest)
            yield from episode


def _plain(region: Region) -> tuple[str, list[list[float]], bool]:
    return region.name, [list(map(float, box)) for box in region.boxes], region.sure


def _game(environment: str) -> str:
    name = environment.rpartition("/")[2].partition("-")[0]
    return name.removesuffix("NoFrameskip").removesuffix("Deterministic")

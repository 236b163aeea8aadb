"""What the view shows: everything that is known at one moment, and the last seconds."""

from collections import deque
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from inspector.records import Decision, Region

Overlay = Literal["relevance", "positive", "regions", "off"]
OVERLAYS: tuple[Overlay, ...] = ("relevance", "positive", "regions", "off")
"""Relevance of both signs; that above zero alone; both signs and the regions' outlines; the bare screen."""

Keys = tuple[tuple[str, str], ...]
"""Keys, and what they do in a word or two."""

ACTION_KEYS = "0123456789defghijk"
"""Keys of the actions, in their order: the console has no more than 18."""

LONGEST_PAST = 1000
"""Decisions that a timeline can show: more than any terminal has columns."""


class Past(NamedTuple):
    """One decision on the timeline.

    Attributes:
        tracked: The explained score.
        region_shares: Share of the relevance of each region, the background last; None where there is none.
        reward: Unclipped.
        life_lost: Whether it cost a life.
        game_begins: Whether it was the first of a game.
        unit: Whose score of what it is; only scores of one unit stand on one line.
    """

    tracked: float
    region_shares: NDArray[np.float32] | None
    reward: float
    life_lost: bool
    game_begins: bool
    unit: str = ""


@dataclass(slots=True)
class Scene:
    """What the view shows.

    Attributes:
        title: The game.
        agent: Name of the agent and what it was trained for.
        explained: Composite and target.
        action_names: Of every action.
        output: What the scores are: `logits` or `q_values`.
        region_names: The background last.
        screen: The screen that was decided on, uint8 (height, width, 3).
        on_screen: Relevance of each of its pixels, (height, width); None where there is none to show.
        full_strength: Relevance painted at full strength.
        decision: What was decided.
        target_action: The action that is explained; None for the value.
        target_name: What is explained, as a person reads it.
        frame_shares: Share of the relevance of each stacked frame, oldest first.
        region_shares: Of each region, the background last.
        regions: Where they are.
        tracked: The explained score.
        return_so_far: Of this game.
        lives: Left; None where there are none.
        measure: What the picture shows: `relevance` for and against, or `sensitivity`.
        unit: Whose score of what is explained.
        network: Whose scores they are, whatever is explained.
        decision_rate: Decisions a second at the game's own speed.
        past: Decisions, the newest last.
        painted: The screen with relevance as a film shows it, in place of `on_screen`; None where it is painted here.
        overlays: What can lie on the screen.
        overlay: What does.
        keys: Keys with what they do, the most wanted first.
        action_keys: Keys that explain an action, in the actions' order; empty where none do.
        pace: How fast it goes, in words.
        paused: Whether it stands still.
        filming: Length of the film that is being recorded, in words; empty for none.
        notice: A word to the user; empty for none.
        help: Whether the keys are explained.
    """

    title: str
    action_names: tuple[str, ...]
    output: str
    region_names: tuple[str, ...]
    screen: NDArray[np.uint8]
    decision: Decision
    agent: str = ""
    explained: str = ""
    on_screen: NDArray[np.float32] | None = None
    full_strength: float = 1.0
    target_action: int | None = None
    target_name: str = ""
    frame_shares: NDArray[np.float32] | None = None
    region_shares: NDArray[np.float32] | None = None
    regions: tuple[Region, ...] = ()
    tracked: float = 0.0
    return_so_far: float = 0.0
    lives: int | None = None
    measure: str = "relevance"
    unit: str = ""
    network: str = ""
    decision_rate: float = 15.0
    past: deque[Past] = field(default_factory=lambda: deque(maxlen=LONGEST_PAST))
    painted: NDArray[np.uint8] | None = None
    overlays: tuple[Overlay, ...] = OVERLAYS
    overlay: Overlay = "relevance"
    keys: Keys = ()
    action_keys: str = ""
    pace: str = ""
    paused: bool = False
    filming: str = ""
    notice: str = ""
    help: bool = False

"""What the page is told: the facts of a recording once, and a moment for every decision."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from inspector.draw.palette import Colour
from inspector.records import Region

Picture = NDArray[np.uint8]
Measure = Literal["relevance", "sensitivity"]


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What stays the same for a whole recording.

    Attributes:
        title: Large at the top left: the game's or agent's name.
        subtitle: Facts beside it, in order: algorithm, architecture, frames trained, composite, target ...
        action_names: Name of each action.
        output: What the scores are: `logits` of a policy, shown as probabilities, or `q_values`.
        stack: Stacked frames of the network input.
        input_size: (height, width) of the network input.
        input_upper: Largest value of the network input.
        decisions_per_second: How many decisions make a second of play: 15 for a frame skip of 4 at 60 frames.
        line_name: What the timeline's line follows, as `score of the action taken`.
        explain: Show relevance; else the player's screen takes its room.
        regions: Name and colour of each region on the timeline, bottom first; none shows the stacked frames there.
        frames_told_apart: False for a composite whose first layer gives every stacked frame the same relevance; then
            no shares of frames are shown, and the reason is.
        measure: What maps hold: `relevance` for and against, or `sensitivity`, which has a size alone.
    """

    title: str
    subtitle: tuple[str, ...]
    action_names: tuple[str, ...]
    output: Literal["logits", "q_values"]
    stack: int = 4
    input_size: tuple[int, int] = (84, 84)
    input_upper: float = 1.0
    decisions_per_second: float = 15.0
    line_name: str = "score of the action taken"
    explain: bool = True
    regions: tuple[tuple[str, Colour], ...] = ()
    frames_told_apart: bool = True
    measure: Measure = "relevance"


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """What the page shows of one decision, for as long as its action plays.

    Attributes:
        screen: The screen decided on, uint8 (height, width, 3), RGB.
        network_input: What the network saw, float32 (stack, height, width), 0 to `PageFacts.input_upper`.
        scores: Score of every action, (actions,).
        action: Index of the action taken.
        tracked: What the timeline's line follows: the explained score, or the value.
        target_name: What is explained, as the viewer reads it after «relevance for / against»: `LEFT`, `the value`,
            `LEFT over FIRE`; too long a name is cut.
        target_action: Index of the action that is explained; None for a target that is no action's score.
        relevance: Signed relevance in the shape of `network_input`; None if it was not explained.
        in_picture: Sum of `relevance` divided by the explained score: what of the score reaches the network input, the
            rest being in biases and the like. May be below 0 or above 1; None shows nothing.
        finite: False if input or relevance held NaN or infinity.
        brightness: Dims the map, 0 to 1: less than 1 where hardly any of the account lies in the picture.
        frame_shares: Each stacked frame's share of |relevance|, (stack,); None where there is none.
        region_shares: Share of each of `PageFacts.regions`; None where there is none.
        outlines: Regions to be outlined on the screen decided on, in the order of `PageFacts.regions`; none draws none.
        reward: Reward that the action brings.
        return_so_far: Return of the game, this reward included; None where its beginning was not seen.
        lives: Lives left; None where the game has none.
        life_lost: The action costs a life.
        game_begins: It is the first decision of a game.
    """

    screen: Picture
    network_input: NDArray[np.float32]
    scores: NDArray[np.float32]
    action: int
    tracked: float
    target_name: str = ""
    target_action: int | None = None
    relevance: NDArray[np.float32] | None = None
    in_picture: float | None = None
    brightness: float = 1.0
    finite: bool = True
    frame_shares: NDArray[np.floating] | None = None
    region_shares: NDArray[np.floating] | None = None
    outlines: tuple[Region, ...] = ()
    reward: float = 0.0
    return_so_far: float | None = 0.0
    lives: int | None = None
    life_lost: bool = False
    game_begins: bool = False

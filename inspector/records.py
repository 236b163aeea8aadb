"""Plain frozen data that the parts hand to each other. Numpy only; no torch, no behaviour."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

LEDGER_PARTS = ("input", "bias", "stabiliser", "dropped")
"""Where every part of an explained score went; per decision the four add up to the score."""


Box = tuple[float, float, float, float]
"""Left, top, width and height in pixels of the native screen, x to the right and y down."""


@dataclass(frozen=True, slots=True)
class Region:
    """A named part of a screen.

    Attributes:
        name: What it is: `ball`, `paddle`, `tunnel` ...
        boxes: Where it is, within the screen; none where it is hidden or not there.
        sure: False where the boxes are a guess.
    """

    name: str
    boxes: tuple[Box, ...] = ()
    sure: bool = True


class Seen(NamedTuple):
    """What one stacked frame of a network input was made from: one native screen, or the maximum of two.

    Attributes:
        screens: Native screens, uint8 (1 or 2, height, width, 3), RGB, oldest first.
        rams: The console's memory of each, uint8 (1 or 2, 128); None where there is none.
    """

    screens: NDArray[np.uint8]
    rams: NDArray[np.uint8] | None


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """What an agent decided for one network input.

    Attributes:
        action: Index of the action taken.
        scores: Score of every action, float32 (actions,): logits of a policy, or Q-values.
        value: The critic's estimate of the state, in units of the (discounted, clipped) reward; None without a critic.
    """

    action: int
    scores: NDArray[np.float32]
    value: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One decision and what came of it: `frame_skip` emulator frames.

    Attributes:
        episode: Number of the episode, from 0.
        index: Number of the step within its episode, from 0.
        frame: Emulator frames played in this episode when the decision was made.
        screen: The screen decided on, uint8 (height, width, 3), RGB.
        screens: The native screens that the action then made, uint8 (frames, height, width, 3).
        rams: The console's memory of each of these screens, uint8 (frames, 128); None where there is none.
        network_input: What the network saw, float32, in the network's own unit: (stack, height, width).
        decision: What it decided.
        reward: Unclipped reward of the whole step.
        lives: Lives left after the step; None where the game has none.
        terminated: The game ended with this step.
        truncated: The episode was cut off after this step.
        seen: What each stacked frame of the network input was made from, oldest first; None for one that stands before
            the episode's first frame. Empty where that is not known.
    """

    episode: int
    index: int
    frame: int
    screen: NDArray[np.uint8]
    screens: NDArray[np.uint8]
    rams: NDArray[np.uint8] | None
    network_input: NDArray[np.float32]
    decision: Decision
    reward: float
    lives: int | None
    terminated: bool
    truncated: bool
    seen: tuple[Seen | None, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Relevance:
    """The explanation of one decision.

    Attributes:
        values: Signed relevance of every input value, float32, in the shape of the network input.
        target: Name of what is explained, as `score`, `contrast`, `advantage`, `value`, or an action's name.
        score: The explained score.
        ledger: Part of the score by `LEDGER_PARTS`; the parts add up to the score. Empty where a method keeps none.
        finite: False if the input or the relevance held NaN or infinity; such a map is never painted as zero.
    """

    values: NDArray[np.float32]
    target: str
    score: float
    ledger: dict[str, float]
    finite: bool


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One set of weights of a training run.

    Attributes:
        path: File the weights came from.
        sha256: Digest of that file, hexadecimal.
        frames: Emulator frames trained, or clips where a network watches these; None if not known.
        mean_return: Mean unclipped return of full games, as evaluated; None if not known.
        games: Number of games behind `mean_return`.
    """

    path: str
    sha256: str
    frames: int | None = None
    mean_return: float | None = None
    games: int | None = None


@dataclass(frozen=True, slots=True)
class ClipCheckpoint(Checkpoint):
    """One set of weights of a video classifier; `frames` counts the clips that it was trained on.

    Attributes:
        accuracy: Share of held-out videos that are recognised, from 0 to 1; None if not known.
        interval: The two ends of its interval.
        videos: Number of videos behind it.
    """

    accuracy: float | None = None
    interval: tuple[float, float] | None = None
    videos: int | None = None


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How an Atari agent's network input is made from native screens, and how its games start and end.

    Attributes:
        frame_skip: Emulator frames an action lasts.
        max_pool: The observation is the maximum of the last two frames of the skip.
        grey: Order of the steps: `ale` (the console's own grey, maximum, resize), `rgb` (maximum of RGB, grey by
            OpenCV, resize: stable-baselines3), `resize_rgb` (maximum of RGB, resize, grey by OpenCV: CleanRL).
        height: Rows of the network input.
        width: Columns of the network input.
        stack: Frames stacked, oldest first.
        padding: What stands before the first frame of an episode: `zeros`, or `first` (that frame repeated).
        divisor: Pixels 0..255 are divided by this before the network; 1 if it divides inside.
        noop_max: Fewer no-ops than this start a game, as ale-py's vector environment draws them: 0 to 29 for 30.
            stable-baselines3 and CleanRL draw 1 to 30, a frame later on average.
        fire_reset: FIRE is pressed at the start of a game that has it.
        episodic_life: As in stable-baselines3's training: a lost life presses FIRE anew and restarts the stack.
        sticky: Probability that the console repeats the last action instead.
        max_frames: Emulator frames after which a game is cut off.
    """

    frame_skip: int = 4
    max_pool: bool = True
    grey: Literal["ale", "rgb", "resize_rgb"] = "ale"
    height: int = 84
    width: int = 84
    stack: int = 4
    padding: Literal["zeros", "first"] = "zeros"
    divisor: float = 255.0
    noop_max: int = 30
    fire_reset: bool = False
    episodic_life: bool = False
    sticky: float = 0.0
    max_frames: int = 108_000


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """All that is known of an agent beside its network; written into every recording.

    Attributes:
        name: What a person calls it: a bundle's name or a file's stem.
        format: Kind of file: `bundle`, `run`, `sb3`, `cleanrl`, `state_dict`, `torchvision`, `factory`.
        algorithm: `ppo`, `a2c`, `dqn`, `c51`, `qr-dqn` ...; None if not known.
        architecture: A line on the network: `nature`, `nips`, ... with its widths.
        environment: Environment id, as `ALE/Breakout-v5`; None until the user names it.
        checkpoint: The weights.
        assumed: Every choice that no file stated, a line each, for the user to check.
        provenance: Free facts of the maker: trainer, seed, commit, versions.
    """

    name: str
    format: str
    architecture: str
    checkpoint: Checkpoint
    algorithm: str | None = None
    environment: str | None = None
    assumed: tuple[str, ...] = ()
    provenance: dict[str, str] = field(default_factory=dict)

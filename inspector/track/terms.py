"""What a track is about, and what its things are called: the same words in curves, film, report and summary."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from inspector.atari.environment import title_of
from inspector.draw.training import PLAY, TrainingWords

TARGETS = {
    "score": "score of the best action",
    "contrast": "best action over the next best",
    "advantage": "best action over the mean of all",
    "value": "value",
}
"""What is explained of a game, by the name of the target."""

SOURCES = {"probe": "the same states for all", "play": "states of its own play"}
"""States of a game that are explained, by their name in `attention.parquet`."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Words; nouns in the singular get an s where there are many.

    Attributes:
        title: What was looked at, as a title: `Breakout`.
        subject: The same by its full name: `ALE/Breakout-v5`.
        decision: What the relevance is of.
        state: What is explained.
        group: What states are of that resemble each other.
        moment: What the film shows.
        axis: What stands along the axis of training.
        saved: Many of what is explained, as they are kept.
        result: Which number says how well a checkpoint does.
        result_line: The same over training, as a line.
        results: What is drawn of it.
        source: What it is found on.
        caption: All of that for the report.
        digits: Decimals of that number.
        sign: What stands behind it.
        stacked: The frames of a network input, by the order they stand in.
        played: How the numbers came about; empty for the games that were played.
        sources: On which states attention is told, by their name in `attention.parquet`.
        targets: What is explained, by target; others are numbers of actions.
        film: Words of the film.
        columns: Columns of the tables that are called otherwise in the files.
    """

    title: str
    subject: str
    decision: str = "decision"
    state: str = "state"
    group: str = "episode"
    moment: str = "moment"
    axis: str = "emulator frames trained"
    saved: str = "saved states"
    result: str = "return"
    result_line: str = "mean return"
    results: str = "mean and single games"
    source: str = "own games"
    caption: tuple[str, str] = ("Return of own games", "the line is the mean, a ring is a game")
    digits: int = 1
    sign: str = ""
    stacked: str = "by stacked frame, oldest first"
    played: str = ""
    sources: Mapping[str, str] = field(default_factory=lambda: SOURCES)
    targets: Mapping[str, str] = field(default_factory=lambda: TARGETS)
    film: TrainingWords = PLAY
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """What training time is counted in."""
        return self.film.unit


def terms_of_game(environment: str) -> Terms:
    """Words for a game.

    Args:
        environment: Environment id.
    """
    return Terms(title=title_of(environment), subject=environment)

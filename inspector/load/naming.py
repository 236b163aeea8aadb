"""What the names of checkpoint files tell: how long each was trained, and which of them are of one kind."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

Unit = Literal["steps", "frames"]

_UNIT = r"(?:(?:global|total|env|environment|agent|time)[ _-]?)*(?P<unit>step|frame)s?"
_OTHER_STEPS = "".join(rf"(?<!{word}[ _-])" for word in ("grad", "gradient", "update", "optimizer", "learner", "train"))
_STATED = (
    re.compile(rf"(?<![a-z0-9.])(?P<count>[0-9]{{1,15}})[ _-]?{_UNIT}$"),  # rl_model_1000_steps: stable-baselines3
    re.compile(rf"{_OTHER_STEPS}(?<![a-z]){_UNIT}[ _=-]*(?P<count>[0-9]{{1,15}})(?![0-9a-z]|\.[0-9])"),  # step_1000
)
_BARE = re.compile(r"(?:^|(?P<word>[a-z]*)[^a-z0-9]+)(?<![0-9]\.)(?P<count>[0-9]{1,15})$")
_GROUPED = re.compile(r"(?<![0-9])[1-9][0-9]{0,2}(?:(?:_[0-9]{3}){2,}|_000)(?![0-9])")
"""1_000_000 and 100_000; but 1_500 may be the seed 1, and then 500."""

_DATE = re.compile(r"(?<![0-9])(?:19|20)[0-9]{2}([-_.])[01][0-9]\1[0-3][0-9]$")
_OWN = re.compile(r"[0-9]{12}\.safetensors")
"""Our own trainer's: frames, and nothing else."""

_OTHER_COUNTS = frozenset(
    "it its iter iters iteration iterations epoch epochs update updates ep eps episode episodes rollout rollouts batch "
    "batches game games gen generation generations grad gradient seed run trial fold v ver version stack "
    "step steps frame frames".split()
)
"""Words before a number that make it another one than of agent steps: steps, too, where `_STATED` did not take them."""

_OF_CLIPS = {
    "epoch": "epochs",
    "ep": "epochs",
    "iteration": "iterations",
    "iter": "iterations",
    "it": "iterations",
    "update": "updates",
    "batch": "batches",
    "clip": "clips",
    "video": "videos",
    "sample": "samples",
    "step": "steps",
}
"""What the training of a video classifier is counted in, by what names of files say."""

_WORD_OF_CLIPS = rf"(?<![a-z])(?P<unit>{'|'.join(_OF_CLIPS)})(?:e?s)?"
_COUNTED = (
    re.compile(rf"{_WORD_OF_CLIPS}[ _=-]*(?P<count>[0-9]{{1,15}})(?![0-9a-z]|\.[0-9])"),  # epoch_20, step=1000
    re.compile(rf"(?<![a-z0-9.])(?P<count>[0-9]{{1,15}})[ _-]?{_WORD_OF_CLIPS}(?![a-z])"),  # 1000_steps
)

ACCEPTED = "agent_400000, agent_400000_steps, step_400000 (agent steps) or agent_1600000_frames"

_TOLD = 4
"""File names in a note."""


class Trained(NamedTuple):
    """Training time, as a name tells it."""

    number: int
    unit: Unit

    def frames(self, frame_skip: int) -> int:
        """The same in emulator frames."""
        return self.number * (frame_skip if self.unit == "steps" else 1)


def trained_by_name(file: Path) -> Trained | None:
    """How long a checkpoint was trained, by the name of its file.

    Returns:
        A number that the name says to be of steps or frames, or that ends it and stands alone, which is of agent steps.
        None where there is none such, as in `agent_iter10`, `best_2e6` or `model_v2`.
    """
    if _OWN.fullmatch(file.name):
        return Trained(int(file.stem), "frames")
    stem = _ungrouped(file.stem.lower())
    for pattern in _STATED:
        stated = pattern.search(stem)
        if stated:
            return Trained(int(stated["count"]), "frames" if stated["unit"] == "frame" else "steps")
    bare = None if _DATE.search(stem) else _BARE.search(stem)
    if bare is None or bare["word"] in _OTHER_COUNTS:
        return None
    return Trained(int(bare["count"]), "steps")


def counted_by_name(file: Path) -> tuple[int, str] | None:
    """How long a checkpoint of a video classifier was trained, by the name of its file.

    Returns:
        A number and what it counts, as (20, "epochs"), if the name says so; the number that ends it and stands alone,
        which is of steps. None where there is none such, as in `best` or `model_v2`.
    """
    stem = _ungrouped(file.stem.lower())
    for pattern in _COUNTED:
        found = pattern.search(stem)
        if found:
            return int(found["count"]), _OF_CLIPS[found["unit"]]
    bare = None if _DATE.search(stem) else _BARE.search(stem)
    if bare is None or bare["word"] in _OTHER_COUNTS:
        return None
    return int(bare["count"]), "steps"


def of_one_kind(files: Sequence[Path]) -> tuple[list[Path], str | None]:
    """The files that a trainer numbered, without what lies beside them, as `best_model.zip` and `final.zip`.

    Returns:
        The files of the pattern that most of the numbered ones follow, unless there are more without a number; and a
        note on what was left out. All of them and None if nothing was.
    """
    kinds = Counter(_kind(file) for file in files)
    numbered = {kind: count for kind, count in kinds.items() if "*" in kind}
    kind = max(numbered, key=lambda one: numbered[one], default="")
    most = numbered.get(kind, 0)
    plain = len(files) - sum(numbered.values())
    if most in (0, 1, len(files)) or 2 * most <= sum(numbered.values()) or most < plain:
        return list(files), None
    others = [file.name for file in files if _kind(file) != kind]
    more = f" and {len(others) - _TOLD} more" if len(others) > _TOLD else ""
    note = f"left out: {', '.join(others[:_TOLD])}{more}, not named as the {most} {kind}"
    return [file for file in files if _kind(file) == kind], note


def _kind(file: Path) -> str:
    return re.sub(r"[0-9]+", "*", _ungrouped(file.name))


def _ungrouped(name: str) -> str:
    """The name with 1_000_000 written as 1000000."""
    return _GROUPED.sub(lambda found: found[0].replace("_", ""), name)

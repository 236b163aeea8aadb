"""How an agent's input is made: from what the user says, what the file states, and what its format usually means.

Said by the user > stated by the file > usual for the format. What is only usual is reported as assumed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from inspector.errors import CheckpointError, InspectorError, UsageError
from inspector.records import Preprocessing

NUMBERS: dict[str, tuple[type, float, float]] = {
    "frame_skip": (int, 1, 64),
    "height": (int, 1, 4096),
    "width": (int, 1, 4096),
    "stack": (int, 1, 64),
    "divisor": (float, 1e-6, 1e6),
    "noop_max": (int, 0, 10_000),
    "sticky": (float, 0, 1),
    "max_frames": (int, 1, 10**9),
}
"""Type, smallest and largest value of the fields of `Preprocessing` that are numbers."""

CHOICES: dict[str, tuple[object, ...]] = {
    "grey": ("ale", "rgb", "resize_rgb"),
    "padding": ("zeros", "first"),
    "max_pool": (False, True),
    "fire_reset": (False, True),
    "episodic_life": (False, True),
}
"""Values of the other fields."""

STABLE_BASELINES3: dict[str, object] = {
    "grey": "rgb",
    "padding": "zeros",
    "noop_max": 30,
    "fire_reset": True,
    "episodic_life": True,
}
"""The wrappers of stable-baselines3's `make_atari_env` with frame stacking, where they differ from our defaults."""

CLEANRL: dict[str, object] = {**STABLE_BASELINES3, "grey": "resize_rgb", "padding": "first"}
"""The wrappers of CleanRL's Atari scripts: colour is resized before it turns grey; gymnasium stacks the frames."""


ALONE = ("sticky",)
"""Fields whose assumption is told in a line of its own: they make another game of it."""


@dataclass(slots=True)
class Recipe:
    """A `Preprocessing` in the making.

    Attributes:
        usual: What the format usually means; our defaults for fields that it lacks.
        custom: Whose custom `usual` is, for the lines on what was assumed: `as usual with CleanRL`.
        told: What the user says; wins.
        stated: What the file says.
    """

    usual: Mapping[str, object]
    custom: str
    told: Mapping[str, object]
    stated: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what the user says before anything else."""
        self.told = checked(self.told, "preprocessing", UsageError)

    def state(self, values: Mapping[str, object], what: str) -> None:
        """Note what the file says.

        Raises:
            CheckpointError: If it is no field of `Preprocessing` or has no possible value.
        """
        self.stated.update(checked(values, what, CheckpointError))

    def require(self, name: str, value: object, what: str) -> None:
        """Note what the weights leave no choice about.

        Raises:
            UsageError: If the user says otherwise.
        """
        if self.told.get(name, value) != value:
            said = self.told[name]
            raise UsageError(f"{name} is said to be {said}, but {what} has {value}: leave out {told_by(name)}")
        self.stated[name] = value

    def number(self, name: str) -> int:
        """What a whole number stands at now."""
        value = self._values()[name]
        assert isinstance(value, int)
        return value

    def settle(self) -> tuple[Preprocessing, list[str]]:
        """The finished recipe, and lines on those of its fields that are only assumed."""
        values: dict[str, Any] = self._values()
        assumed = [name for name in values if name not in self.told and name not in self.stated]
        alone = [name for name in assumed if name in ALONE]
        groups = [[name] for name in alone] + [[name for name in assumed if name not in ALONE]]
        return Preprocessing(**values), [self._line(values, names) for names in groups if names]

    def _line(self, values: Mapping[str, object], names: list[str]) -> str:
        settings = ", ".join(f"{name} {_word(values[name])}" for name in names)
        return f"preprocessing {self.custom}, the file does not say: {settings}"

    def _values(self) -> dict[str, Any]:
        defaults = {field.name: field.default for field in fields(Preprocessing)}
        return {**defaults, **self.usual, **self.stated, **self.told}


def checked(values: Mapping[str, object], what: str, error: type[InspectorError]) -> dict[str, object]:
    """Check names, types and ranges of fields of `Preprocessing`; whole numbers serve as floats.

    Raises:
        InspectorError: Of the class given, naming the first field that is wrong.
    """
    good: dict[str, object] = {}
    for name, value in values.items():
        if name in CHOICES:
            if value not in CHOICES[name] or isinstance(value, bool) != isinstance(CHOICES[name][0], bool):
                raise error(f"{what}: {name} = {value!r}, where {_either(CHOICES[name])} is possible")
            good[name] = value
        elif name in NUMBERS:
            good[name] = _number(name, value, what, error)
        else:
            known = ", ".join(sorted({*CHOICES, *NUMBERS}))
            raise error(f"{what}: there is no {str(name)[:40]!r}; there are {known}")
    return good


def _number(name: str, value: object, what: str, error: type[InspectorError]) -> int | float:
    kind, low, high = NUMBERS[name]
    fits = isinstance(value, int if kind is int else (int, float)) and not isinstance(value, bool)
    if not fits or not isinstance(value, (int, float)) or not low <= value <= high:
        word = "a whole number" if kind is int else "a number"
        raise error(f"{what}: {name} = {value!r}, where {word} from {low:g} to {high:g} is possible")
    return int(value) if kind is int else float(value)


def told_by(*names: str) -> str:
    """How a person says fields of `Preprocessing`: the flags of the command line, and the argument in Python."""
    return f"{', '.join('--' + name.replace('_', '-') for name in names)} (preprocessing= in Python)"


def _word(value: object) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def _either(values: tuple[object, ...]) -> str:
    return " or ".join(map(str, values))

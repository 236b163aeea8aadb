"""How clips are made: what a user or a manifest says of it, checked, and what nobody says."""

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from inspector.clips.recipe import ClipRecipe
from inspector.errors import CheckpointError, InspectorError, UsageError
from inspector.load.safe import plain_text

KINETICS = ClipRecipe(
    frames=16,
    resize=(128, 171),
    crop=(112, 112),
    mean=(0.43216, 0.394666, 0.37645),
    std=(0.22803, 0.22145, 0.216989),
)
"""As torchvision prepares clips for its residual networks, trained on Kinetics-400. Source: its `R3D_18_Weights`."""

_MOST = 4096
_FIELDS = tuple(field.name for field in fields(ClipRecipe))


def read_recipe(values: Mapping[str, object], what: str) -> ClipRecipe:
    """A recipe out of a manifest, which has to say all of it.

    Args:
        values: By the names of the fields.
        what: Where they stand, for error messages.

    Raises:
        CheckpointError: If a field is missing, unknown, or has no possible value.
    """
    good = _checked(values, what, CheckpointError)
    missing = [name for name in _FIELDS if name not in good]
    if missing:
        raise CheckpointError(f"{what} does not say {' and '.join(missing)}")
    try:
        return ClipRecipe(**good)
    except UsageError as error:
        raise CheckpointError(f"{what}: {error}") from error


def change(recipe: ClipRecipe, told: Mapping[str, object]) -> ClipRecipe:
    """The recipe with what the user says in its place.

    Raises:
        UsageError: If that is unknown, has no possible value, or does not fit the rest.
    """
    return replace(recipe, **_checked(told, "recipe", UsageError))


def assume(recipe: ClipRecipe, told: Mapping[str, object], custom: str) -> tuple[str, ...]:
    """A line on the fields that nobody said, if there are any.

    Args:
        recipe: As settled.
        told: What the user says.
        custom: Whose custom the rest is, as `as torchvision's own weights have it`.
    """
    left = [name for name in _FIELDS if name not in told]
    settings = ", ".join(f"{name} {_word(getattr(recipe, name))}" for name in left)
    return (f"clips {custom}: {settings}",) if left else ()


def plain_recipe(recipe: ClipRecipe) -> dict[str, object]:
    """A recipe as values that JSON can hold, by the names of its fields."""
    values = {name: getattr(recipe, name) for name in _FIELDS}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _checked(values: Mapping[str, object], what: str, error: type[InspectorError]) -> dict[str, Any]:
    good: dict[str, Any] = {}
    for name, value in values.items():
        if name not in _FIELDS:
            raise error(f"{what}: there is no {plain_text(name, 40)!r}; there are {', '.join(_FIELDS)}")
        good[name] = _value(name, value)
        if good[name] is None:
            raise error(f"{what}: {name} = {plain_text(value, 60)}, where {_wanted(name)} possible")
    return good


def _value(name: str, value: object) -> int | tuple[float, ...] | None:
    """The value in the form that a recipe has; None if it makes no sense."""
    if name == "frames":
        return value if _whole(value) and isinstance(value, int) else None
    if not isinstance(value, (list, tuple)) or len(value) != (2 if name in ("resize", "crop") else 3):
        return None
    if name in ("resize", "crop"):
        return tuple(value) if all(map(_whole, value)) else None
    return tuple(map(float, value)) if all(_real(one, above=0.0 if name == "std" else -10.0) for one in value) else None


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST


def _real(value: object, above: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value) and above < value < 10.0


def _wanted(name: str) -> str:
    if name == "frames":
        return f"a whole number from 1 to {_MOST} is"
    if name in ("resize", "crop"):
        return f"rows and columns, two whole numbers from 1 to {_MOST}, are"
    return f"three numbers {'above 0' if name == 'std' else 'above -10'} and below 10, for red, green and blue, are"


def _word(value: object) -> str:
    if not isinstance(value, tuple):
        return str(value)
    return ("x" if len(value) == 2 else " ").join(f"{one:g}" for one in value)

"""What a word on the command line may be: counts, seeds, probabilities, composites."""

import argparse
import math
import os

COMPOSITES = (
    *("epsilon", "epsilon_plus", "epsilon_plus_flat", "epsilon_gamma_box"),
    *("epsilon_alpha2_beta1", "epsilon_alpha2_beta1_flat", "deep_taylor", "argmax"),
)
METHODS = ("sensitivity", "taylor")
TARGETS = ("score", "contrast", "advantage", "value")
OVERLAYS = ("relevance", "positive", "regions", "off")
COLOURS = ("auto", "truecolor", "256", "16", "none")
"""As in `inspector.lrp` and `inspector.live`, which take too long to import for a help text."""

TORCHVISION = "torchvision:"
"""Begins the name of a video network of torchvision."""


def count(text: str) -> int:
    """A whole number of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not at least 1")
    return value


def whole(text: str) -> int:
    """A whole number of at least 0."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{value} is negative")
    return value


def seeds(text: str) -> tuple[int, ...]:
    """Whole numbers of at least 0 with commas between, each once."""
    values = tuple(whole(part) for part in text.split(","))
    if len(set(values)) < len(values):
        raise argparse.ArgumentTypeError(f"{text} names a seed twice")
    return values


def strides(text: str) -> tuple[int, ...]:
    """Whole numbers of at least 1 with commas between, each once; ascending."""
    values = tuple(sorted(count(part) for part in text.split(",")))
    if len(set(values)) < len(values):
        raise argparse.ArgumentTypeError(f"{text} names a stride twice")
    return values


def composite(text: str) -> str:
    """A composite or a method by its name, or a file with rules: `mine.toml`, or any path."""
    if text in (*COMPOSITES, *METHODS) or text.endswith(".toml") or os.path.basename(text) != text:
        return text
    raise argparse.ArgumentTypeError(
        f"there is no {text!r}: choose one of {', '.join((*COMPOSITES, *METHODS))}, or give a TOML file"
    )


def probability(text: str) -> float:
    """A number from 0 to 1."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{value} is not a probability: give a number from 0 to 1")
    return value


def speed(text: str) -> float:
    """Times the game's own speed: a number above 0, or `max`."""
    value = math.inf if text == "max" else float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text} is no speed: give a number above 0, as 0.5, or max")
    return value


def size(text: str) -> tuple[int, int]:
    """Rows and columns, as `112x112`; one number is both."""
    rows, _, columns = text.lower().replace("\N{MULTIPLICATION SIGN}", "x").partition("x")
    return count(rows), count(columns or rows)


def colours(text: str) -> tuple[float, float, float]:
    """A number for red, green and blue each, with commas between; one number is all three."""
    values = tuple(float(part) for part in text.split(","))
    if len(values) not in (1, 3):
        raise argparse.ArgumentTypeError(
            f"{text} is {len(values)} numbers: give one, or one each for red, green and blue"
        )
    return (values[0], values[0], values[0]) if len(values) == 1 else (values[0], values[1], values[2])

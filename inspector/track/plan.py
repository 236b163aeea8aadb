"""Which pieces of work a track is made of."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from inspector.load import CheckpointSeries, Member
from inspector.lrp import METHODS, composite_of, composite_table
from inspector.probe import ProbeSet
from inspector.provenance import versions
from inspector.sweep import Arrays, Unit
from inspector.track.work import Explaining, collect_states, explain_probe, measure_atoms, play_game

VERSION = 2
"""Of what the pieces of work do: a change here makes all of them new."""

SOURCES = 5
"""Checkpoints that play for the states of a probe set."""

EVERY_STATE = 8
"""Decisions from one candidate for a probe set to the next: stacks of four then share no frame."""

EVERY_PLAYED = 4
"""Decisions of own play from one that is explained to the next."""

RANDOM_ATOMS = 5
"""Untrained networks whose ATOMs are measured: for their mean, not for a null line."""

PROBE_STATES = 400
"""States in a probe set, unless another number is asked for."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user chooses of a track; all of it but `device` decides the numbers.

    Attributes:
        explanations: Composites and targets, the main one first.
        probe_states: Number of states in a probe set that is made.
        seeds: Of the games that each checkpoint plays, one a game.
        max_steps: Decisions of a game after which it is left.
        random_networks: Untrained networks that the null line is made of.
        seed: Of all that is drawn.
        regions: A TOML file with regions of the user's own; None for those of the game.
        device: Where networks run.
        probe_games: Games that each of the checkpoints plays whose states are taken.
        atoms: Measure ATOMs too, which takes tens of explanations a state.
    """

    explanations: tuple[Explaining, ...]
    probe_states: int = PROBE_STATES
    seeds: tuple[int, ...] = (0, 1, 2)
    max_steps: int = 5000
    random_networks: int = 40
    seed: int = 0
    regions: Path | None = None
    device: str = "cpu"
    probe_games: int = 3
    atoms: bool = False


def collecting(series: Sequence[CheckpointSeries], settings: Settings) -> list[Unit]:
    """Play for the states of a probe set: by checkpoints evenly spaced over every series."""
    units = []
    for number, one in enumerate(series):
        chosen = np.unique(np.linspace(0, len(one.members) - 1, SOURCES).round().astype(int)).tolist()
        for place, index in enumerate(chosen):
            member = one.members[index]
            play = {
                "seed": settings.seed + 1000 * (SOURCES * number + place + 1),
                "episodes": settings.probe_games,
                "max_steps": settings.max_steps,
                "every": EVERY_STATE,
            }
            arguments = {"member": member, "regions": settings.regions, "source": member.frames, **play}
            inputs = _of_member(one, member) | {"regions": _content(settings.regions), "source": member.frames, **play}
            units.append(Unit(f"{one.name} {text_of(member.frames)}: states", collect_states, arguments, inputs))
    return units


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The pieces of work of one series.

    Attributes:
        source: The series.
        explanations: What is asked of it.
        probing: Explain a probe set under each checkpoint: checkpoints, explanations.
        random: And under random weights of its last: explanations, networks.
        atoms: ATOMs under each checkpoint; nothing unless they are asked for.
        random_atoms: And under untrained networks.
        playing: Own games: checkpoints, seeds.
    """

    source: CheckpointSeries
    explanations: tuple[Explaining, ...]
    probing: tuple[tuple[Unit, ...], ...]
    random: tuple[tuple[Unit, ...], ...]
    atoms: tuple[Unit, ...]
    random_atoms: tuple[Unit, ...]
    playing: tuple[tuple[Unit, ...], ...]

    @property
    def probing_units(self) -> list[Unit]:
        """All that explain the probe set."""
        explaining = [unit for units in (*self.probing, *self.random) for unit in units]
        return [*explaining, *self.atoms, *self.random_atoms]

    @property
    def playing_units(self) -> list[Unit]:
        """All that play."""
        return [unit for units in self.playing for unit in units]


def plan_of(one: CheckpointSeries, probe: ProbeSet, file: Path, settings: Settings) -> Plan:
    """What is to be done for a series.

    Args:
        one: The series.
        probe: The states that all checkpoints are explained on.
        file: Where they lie.
        settings: What is asked.
    """
    explanations, last = settings.explanations, one.members[-1]

    def on_probe(
        function: Callable[..., Arrays],
        what: str,
        member: Member,
        random_seed: int | None,
        explaining: Explaining | None = None,
    ) -> Unit:
        who = text_of(member.frames) if random_seed is None else f"untrained network {random_seed}"
        asked = {"random_seed": random_seed, "device": settings.device}
        arguments: dict[str, Any] = {"member": member, "probe": file, **asked}
        inputs = _of_member(one, member) | asked | {"probe": probe.digest}
        if explaining is not None:
            arguments, inputs = arguments | {"explaining": explaining}, inputs | _of_explaining(explaining)
        return Unit(f"{one.name} {who}: {what}", function, arguments, inputs)

    def probing(member: Member, explaining: Explaining, random_seed: int | None = None) -> Unit:
        what = f"same states, {explaining.composite} of {explaining.target}"
        return on_probe(explain_probe, what, member, random_seed, explaining)

    def atoms(member: Member, random_seed: int | None = None) -> Unit:
        return on_probe(measure_atoms, "ATOMs", member, random_seed)

    def playing(member: Member, seed: int) -> Unit:
        main = explanations[0]
        play = {"seed": seed, "max_steps": settings.max_steps, "every": EVERY_PLAYED, "device": settings.device}
        arguments = {"member": member, "regions": settings.regions, "explaining": main, **play}
        inputs = _of_member(one, member) | _of_explaining(main) | play | {"regions": _content(settings.regions)}
        return Unit(f"{one.name} {text_of(member.frames)}: own game {seed}", play_game, arguments, inputs)

    seeds = [settings.seed + number for number in range(settings.random_networks)]
    atom_seeds = seeds[:RANDOM_ATOMS] if settings.atoms else ()
    return Plan(
        one,
        explanations,
        tuple(tuple(probing(member, explaining) for explaining in explanations) for member in one.members),
        tuple(tuple(probing(last, explaining, seed) for seed in seeds) for explaining in explanations),
        tuple(atoms(member) for member in one.members) if settings.atoms else (),
        tuple(atoms(last, seed) for seed in atom_seeds),
        tuple(tuple(playing(member, seed) for seed in settings.seeds) for member in one.members),
    )


def text_of(frames: int, unit: str = "frames") -> str:
    """A number of frames as a person reads it, or of what else training time is counted in."""
    for size, letter in ((1_000_000, "M"), (1000, "k")):
        if frames >= size:
            return f"{frames / size:.{0 if frames >= 100 * size else 1}f} {letter} {unit}"
    return f"{frames} {unit}"


def _of_member(one: CheckpointSeries, member: Member) -> dict[str, Any]:
    """What a checkpoint adds to what a result depends on."""
    relevant = ("torch", "ale-py", "numpy", "opencv-python-headless", "relevance-inspector")
    return {
        "version": VERSION,
        "weights": member.checkpoint.sha256,
        "environment": one.environment,
        "preprocessing": asdict(one.preprocessing),
        "options": {name: value for name, value in member.options.items() if name != "preprocessing"},
        "versions": {name: found for name, found in _versions().items() if name in relevant},
    }


@cache
def _versions() -> dict[str, str]:
    return versions()


def rules_of(composite: str) -> str | dict[str, Any]:
    """What explains: name of a method, or the table of a composite; errors are those of `composite_of`."""
    return composite if composite in METHODS else composite_table(composite_of(composite))


def _of_explaining(explaining: Explaining) -> dict[str, Any]:
    return {"composite": rules_of(explaining.composite), "target": explaining.target}


def _content(file: Path | None) -> str | None:
    return None if file is None else file.read_text("utf-8")

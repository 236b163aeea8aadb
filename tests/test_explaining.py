"""Explaining a recording's steps: which composite, by name or from a file, or which method; and what is said of it."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from inspector.draw.caption import draw_caption, draw_legend
from inspector.draw.palette import AGAINST, FOR, GROUND
from inspector.errors import UsageError
from inspector.explaining import Interpreter
from inspector.lrp import COMPOSITES, LEDGER_PARTS, METHODS, Composite, Epsilon, Gamma
from inspector.recording import Recording
from inspector.records import Relevance, Step
from inspector.session import record
from tests.helpers import small_agent

BREAKOUT = "ALE/Breakout-v5"
NAMES = ("NOOP", "FIRE", "RIGHT", "LEFT")
MINE = 'name = "mine"\nlike = "epsilon_plus"\nconvolution = {rule = "gamma", gamma = 0.5}\n'


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "file.toml"
    path.write_text(MINE)
    return path


def steps(count: int) -> list[Step]:
    """Decisions on noise."""
    agent, noise = small_agent(), np.random.default_rng(0).random((count, 4, 84, 84)).astype(np.float32)
    screen = np.zeros((210, 160, 3), np.uint8)
    return [
        Step(0, i, 4 * i, screen, screen[None], None, noise[i], decision, 0.0, None, False, False)
        for i, decision in enumerate(agent.decide(noise))
    ]


def explained(composite: str | Path | Composite, **options: bool) -> list[Relevance]:
    return Interpreter(small_agent(), NAMES, composite, "score", **options).explain(steps(3))


def manifest(recording: Recording) -> dict:
    return json.loads((recording.path / "manifest.json").read_text())


@pytest.mark.parametrize("composite", [*COMPOSITES, *METHODS])
def test_every_composite_and_method_explains_steps(composite: str) -> None:
    for relevance in explained(composite):
        assert relevance.finite
        assert relevance.values.any()
        if composite == "sensitivity":
            assert relevance.ledger == {}
        else:
            scale = max(abs(relevance.score), float(np.abs(relevance.values).sum()))
            assert tuple(relevance.ledger) == LEDGER_PARTS
            assert abs(sum(relevance.ledger.values()) - relevance.score) <= 1e-5 * scale


def test_a_composite_from_a_file_is_the_composite_in_the_file(mine: Path) -> None:
    for by_file, by_hand in zip(explained(mine), explained(Composite(Epsilon(), Gamma(gamma=0.5))), strict=True):
        assert np.array_equal(by_file.values, by_hand.values)


@pytest.mark.parametrize(
    ("composite", "told_apart"),
    [("epsilon_plus", True), ("epsilon_plus_flat", False), ("epsilon_alpha2_beta1_flat", False), ("sensitivity", True)],
)
def test_it_is_known_whether_stacked_frames_are_told_apart(composite: str, told_apart: bool, tmp_path: Path) -> None:
    path = tmp_path / "same.toml"
    path.write_text(f'like = "{composite}"' if composite in COMPOSITES else 'like = "epsilon"')
    for given in (composite, path):
        assert Interpreter(small_agent(), NAMES, given, "score").frames_told_apart == told_apart


def test_a_network_that_does_not_change_is_explained_alike_frozen_or_not() -> None:
    for one, other in zip(explained("epsilon_plus", frozen=True), explained("epsilon_plus"), strict=True):
        assert np.array_equal(one.values, other.values)
        assert one.ledger == other.ledger


def test_a_network_in_training_is_followed() -> None:
    agent, played = small_agent(), steps(1)
    follows = Interpreter(agent, NAMES, "epsilon_plus", "score")
    before = follows.explain(played)[0].values
    with torch.no_grad():
        for parameter in agent.network.parameters():
            parameter.mul_(0.5)
    assert not np.array_equal(follows.explain(played)[0].values, before)
    assert np.array_equal(follows.explain(played)[0].values, explained_anew(agent.network, played))


def explained_anew(network: nn.Module, played: list[Step]) -> np.ndarray:
    agent = small_agent(make=lambda _: network)
    return Interpreter(agent, NAMES, "epsilon_plus", "score").explain(played)[0].values


# --- recordings ---------------------------------------------------------------------------------------------------


def test_a_recording_says_which_rules_were_in_the_file_and_they_can_be_used_again(mine: Path, tmp_path: Path) -> None:
    recording = record(small_agent(), environment=BREAKOUT, steps=4, composite=mine, output=tmp_path / "r")
    told = manifest(recording)["explanation"]
    assert told == {
        "composite": "mine",
        "target": "score",
        "rules": {
            "dense": {"rule": "epsilon", "stabiliser": 1e-6},
            "convolution": {"rule": "gamma", "stabiliser": 1e-6, "gamma": 0.5},
            "first": {},
            "layers": {},
        },
        "measure": "relevance",
        "frames_told_apart": True,
    }
    assert str(mine) not in json.dumps(manifest(recording))  # the film's bytes know no folder


def test_a_composite_made_in_python_is_told_in_full(tmp_path: Path) -> None:
    own = Composite(Epsilon(), Gamma())
    told = manifest(record(small_agent(), environment=BREAKOUT, steps=2, composite=own, output=tmp_path / "r"))
    assert told["explanation"]["composite"] == "own rules"
    assert told["explanation"]["rules"]["convolution"]["gamma"] == 0.25


def test_sensitivity_is_recorded_without_a_ledger_or_a_part_of_the_score(tmp_path: Path) -> None:
    recording = record(small_agent(), environment=BREAKOUT, steps=6, composite="sensitivity", output=tmp_path / "r")
    assert manifest(recording)["explanation"] == {
        "composite": "sensitivity",
        "target": "score",
        "measure": "sensitivity",
        "frames_told_apart": True,
    }
    for row in recording.rows.to_pylist():
        assert {row[f"ledger_{part}"] for part in LEDGER_PARTS} == {None}
        assert row["relevance_negative"] == 0
        assert row["relevance_positive"] > 0
        assert row["target_score"] == pytest.approx(row["scores"][row["action"]], abs=1e-5)


def test_taylor_is_recorded_with_a_ledger_that_closes(tmp_path: Path) -> None:
    recording = record(small_agent(), environment=BREAKOUT, steps=6, composite="taylor", output=tmp_path / "r")
    for row in recording.rows.to_pylist():
        assert sum(row[f"ledger_{part}"] for part in LEDGER_PARTS) == pytest.approx(row["target_score"], abs=1e-5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('dense = "eps"', r"dense: there is no rule 'eps'|convolution has no rule"),
        ('like = "epsilon"\n[layers]\nconv9 = "flat"', r"layers 'conv9', which fits no layer of the network"),
    ],
)
def test_a_file_with_a_mistake_leaves_no_folder(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(UsageError, match=message):
        record(small_agent(), environment=BREAKOUT, steps=2, composite=tmp_path / "mine.toml", output=tmp_path / "r")
    assert not (tmp_path / "r").exists()


# --- the page -----------------------------------------------------------------------------------------------------


def colours(picture: np.ndarray) -> set[tuple[int, ...]]:
    return {tuple(colour) for colour in picture.reshape(-1, 3).tolist()}


def test_the_caption_of_sensitivity_says_nothing_for_or_against() -> None:
    signed, unsigned = (np.full((48, 480, 3), GROUND, np.uint8) for _ in range(2))
    draw_caption(signed, "LEFT", is_taken=True)
    draw_caption(unsigned, "LEFT", is_taken=True, measure="sensitivity")
    assert {FOR, AGAINST} <= colours(signed)
    assert not {FOR, AGAINST} & colours(unsigned)


def test_the_legend_of_sensitivity_runs_from_nothing_to_much() -> None:
    row = np.full((48, 480, 3), GROUND, np.uint8)
    draw_legend(row, "sensitivity")
    assert AGAINST not in colours(row)
    much = int(np.nonzero((row == FOR).all(axis=2).any(axis=0))[0].min())
    ramp = row[35, much - 84 : much - 12].astype(int)
    warmth = ramp[:, 0] - ramp[:, 2]
    assert warmth.max() > 60
    assert warmth.min() >= GROUND[0] - GROUND[2] - 2  # nowhere cooler than the ground

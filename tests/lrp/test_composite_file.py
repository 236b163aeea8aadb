"""Composites in TOML files: what they may hold, and what each mistake is told."""

import tomllib
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from inspector.errors import UsageError
from inspector.lrp import (
    COMPOSITES,
    RULES,
    AlphaBeta,
    Composite,
    Epsilon,
    Explainer,
    Flat,
    Gamma,
    Rule,
    ZBox,
    ZPlus,
    composite_from_file,
    composite_of,
    composite_table,
)
from tests.lrp.networks import screens, small

WHOLE = """
name = "soft"
description = "gamma, fading towards the scores"
dense = "epsilon"
convolution = {rule = "gamma", gamma = 0.1, stabiliser = 1e-5}

[first]
convolution = "z_box"

[layers]
"trunk.2" = {rule = "alpha_beta", alpha = 1, beta = 0}
"pol*" = {rule = "epsilon", stabiliser = 1e-3}
"""


@pytest.fixture
def inputs() -> Tensor:
    return screens(4, frames=2, size=12).double()


def written(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def relevance(composite: str | Path | Composite, inputs: Tensor) -> Tensor:
    return Explainer(small(), composite, (0.0, 1.0))(inputs).values


# --- what is read -------------------------------------------------------------------------------------------------


def test_every_part_of_a_file_is_read(tmp_path: Path) -> None:
    composite = composite_from_file(written(tmp_path, WHOLE))
    assert composite == Composite(
        dense=Epsilon(),
        convolution=Gamma(1e-5, 0.1),
        first={"convolution": ZBox()},
        layers={"trunk.2": AlphaBeta(alpha=1.0, beta=0.0), "pol*": Epsilon(1e-3)},
    )
    assert composite.name == "soft"


@pytest.mark.parametrize("name", COMPOSITES)
def test_a_preset_in_a_file_explains_as_the_preset_does(name: str, tmp_path: Path, inputs: Tensor) -> None:
    path = written(tmp_path, f'like = "{name}"')
    assert composite_from_file(path) == COMPOSITES[name]
    assert torch.equal(relevance(path, inputs), relevance(name, inputs))


def test_what_a_file_says_goes_before_the_preset_it_is_like(tmp_path: Path) -> None:
    text = 'like = "epsilon_plus_flat"\nconvolution = "gamma"\n[first]\nconvolution = "z_box"'
    composite = composite_from_file(written(tmp_path, text))
    expected = Composite(Epsilon(), Gamma(), {"dense": Flat(), "convolution": ZBox()})
    assert composite == expected


def test_a_rule_for_one_layer_changes_the_map_as_the_same_composite_in_python_does(
    tmp_path: Path, inputs: Tensor
) -> None:
    path = written(tmp_path, 'like = "epsilon_plus"\n[layers]\n"trunk.0" = "flat"')
    by_hand = Composite(Epsilon(), ZPlus(), layers={"trunk.0": Flat()})
    assert torch.equal(relevance(path, inputs), relevance(by_hand, inputs))
    assert not torch.equal(relevance(path, inputs), relevance("epsilon_plus", inputs))


def test_a_file_without_a_name_is_called_as_the_file(tmp_path: Path) -> None:
    short = composite_from_file(written(tmp_path, 'like = "epsilon"', "two.parts.toml"))
    long = composite_from_file(written(tmp_path, 'like = "epsilon"', "x" * 100 + ".toml"))
    assert (short.name, long.name) == ("two.parts", "x" * 32)


def test_a_composite_is_given_by_name_by_file_or_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, WHOLE)
    monkeypatch.chdir(tmp_path)
    found = [composite_of(given) for given in ("mine.toml", Path("mine.toml"), str(tmp_path / "mine.toml"))]
    assert all(composite == composite_from_file("mine.toml") for composite in found)
    assert composite_of(found[0]) is found[0]
    assert composite_of("argmax") is COMPOSITES["argmax"]


numbers = st.floats(1e-9, 1.0)
rules = st.one_of(
    st.builds(Epsilon, numbers),
    st.builds(Gamma, numbers, st.floats(0, 10)),
    st.builds(lambda beta: AlphaBeta(alpha=1 + beta, beta=beta), st.floats(0, 10)),
    st.sampled_from([RULES[name]() for name in ("flat", "w_square", "argmax", "z_plus")]),
)


@given(
    rules, rules, st.dictionaries(st.sampled_from(["dense", "convolution"]), st.one_of(rules, st.just(ZBox()))), rules
)
def test_what_a_recording_says_of_a_composite_can_be_written_into_a_file_again(
    tmp_path_factory: pytest.TempPathFactory, dense: Rule, convolution: Rule, first: dict, layer: Rule
) -> None:
    composite = Composite(dense, convolution, first, {"trunk.?": layer})
    table = composite_table(composite)
    path = written(tmp_path_factory.mktemp("composites"), toml(table))
    assert tomllib.loads(path.read_text()) == table
    assert composite_from_file(path) == composite


def toml(table: dict, path: str = "") -> str:
    """Two levels of a table, rules inline."""
    text = ""
    for key, value in table.items():
        if "rule" in value:
            options = ", ".join(f"{name} = {option!r}".replace("'", '"') for name, option in value.items())
            text += f'"{key}" = {{{options}}}\n'
        else:
            text += f"[{key}]\n" + toml(value)
    return text


# --- mistakes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dense = ", r"it is not TOML \(Invalid value \(at end of document\)\); the shortest composite is: like = "),
        ("a = " + "9" * 5000, r"it is not TOML \(.+ 5000 digits.+\); the shortest"),
        ("", r'dense has no rule; write dense = "epsilon", or start from one: like = "epsilon"'),
        ('dense = "flat"', r"convolution has no rule; write convolution = "),
        ('like = "epsilon_minus"', r"like is 'epsilon_minus'; write one of epsilon, epsilon_plus, .+, in quotes"),
        ("like = 3", r"like is 3; write one of epsilon, "),
        (
            'like = "epsilon"\nbias = "zero"',
            r"there is nothing called 'bias'; there are name, description, like, dense",
        ),
        (
            'like = "epsilon"\ndense = "eps"',
            r"dense: there is no rule 'eps'; write one of epsilon, z_plus, alpha_beta, ",
        ),
        ('like = "epsilon"\ndense = 0.25', r"dense is 0.25; write the name of a rule in quotes, or \{rule = "),
        ('like = "epsilon"\ndense = {rule = ["flat"]}', r"dense is \['flat'\]; write the name of a rule in quotes"),
        ('like = "epsilon"\ndense = {gamma = 1}', r"dense is a table without a rule; write \{rule = "),
        (
            'like = "epsilon"\ndense = {rule = "gamma", gama = 1}',
            r"dense, rule gamma: there is nothing called 'gama'; there are stabiliser, gamma",
        ),
        (
            'like = "epsilon"\ndense = {rule = "flat", gamma = 1}',
            r"dense, rule flat: there is nothing called 'gamma'; there are stabiliser",
        ),
        ('like = "epsilon"\ndense = {rule = "gamma", gamma = "1"}', r"dense: gamma is '1'; write a finite number"),
        ('like = "epsilon"\ndense = {rule = "gamma", gamma = true}', r"dense: gamma is true; write a finite number"),
        ('like = "epsilon"\ndense = {rule = "gamma", gamma = nan}', r"dense: gamma is nan; write a finite number"),
        ('like = "epsilon"\ndense = {rule = "gamma", gamma = inf}', r"dense: gamma is inf; write a finite number"),
        (
            'like = "epsilon"\ndense = {rule = "gamma", gamma = 1' + "0" * 400 + "}",
            r"dense: gamma is a number of too many digits; write a finite number",
        ),
        ('like = "epsilon"\ndense = {rule = "gamma", gamma = -1}', r"dense: gamma is -1: it must be at least 0"),
        (
            'like = "epsilon"\ndense = {rule = "flat", stabiliser = 0}',
            r"dense: the stabiliser is 0: it must be above 0",
        ),
        (
            'like = "epsilon"\ndense = {rule = "alpha_beta", alpha = 2, beta = 2}',
            r"dense: alpha 2 and beta 2: beta must be at least 0, and alpha - beta must be 1",
        ),
        ('like = "epsilon"\nconvolution = "z_box"', r"convolution: z_box needs bounds, .+; write it under \[first\]"),
        ('like = "epsilon"\nfirst = "flat"', r"first is 'flat'; write a table that begins with \[first\]"),
        ('like = "epsilon"\n[first]\nconv = "flat"', r"first: there is nothing called 'conv'; there are dense, conv"),
        ('like = "epsilon"\n[first]\ndense = "f"', r"first.dense: there is no rule 'f'; write one of"),
        (
            'like = "epsilon"\n[layers]\ntrunk.0 = "flat"',
            r"layers.'trunk' is a table without a rule; .+, and a name with dots in quotes",
        ),
        ('like = "epsilon"\ndescription = 3', r"description is 3; write a text in quotes"),
        ('like = "epsilon"\nname = ""', r"name is ''; write one line of up to 32 letters in quotes"),
        ('like = "epsilon"\nname = "two\\nlines"', r"name is 'two\\nlines'; write one line"),
        ('like = "epsilon"\nname = "' + "x" * 33 + '"', r"name is 'x+'; write one line"),
        ('like = "epsilon"\nname = "argmax"', r"the name 'argmax' belongs to something else here; write name = "),
        ('like = "epsilon"\nname = "taylor"', r"the name 'taylor' belongs to something else here"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_was_found_and_what_to_write(
    text: str, message: str, tmp_path: Path
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UsageError, match=message) as caught:
        composite_from_file(path)
    told = str(caught.value)
    assert told.startswith(f"{path}: ")
    assert "\n" not in told
    assert len(told) < len(str(path)) + 250


def test_bytes_that_are_no_text_and_brackets_without_end_are_no_toml(tmp_path: Path) -> None:
    for content in (b"\xff\xfe\x00", b"x = " + b"[" * 100_000):
        (tmp_path / "mine.toml").write_bytes(content)
        with pytest.raises(UsageError, match=r"mine\.toml: it is not TOML"):
            composite_from_file(tmp_path / "mine.toml")


def test_a_file_that_is_not_there_or_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nobody\.toml: there is no such file; give one, or a preset: epsilon, "):
        composite_from_file(tmp_path / "nobody.toml")
    with pytest.raises(UsageError, match=r"it cannot be read \(Is a directory\); give a TOML file"):
        composite_from_file(tmp_path)


def test_a_name_that_is_neither_preset_nor_file_names_the_presets() -> None:
    with pytest.raises(
        UsageError, match=r"no composite 'epsilon_minus': choose one of epsilon, .+ or give a TOML file"
    ):
        Explainer(small(), "epsilon_minus")
    with pytest.raises(UsageError, match=r"taylor is no composite but .+ make_explainer\(network, 'taylor'\)"):
        Explainer(small(), "taylor")


@pytest.mark.parametrize("pattern", ["trunk.conv1", "Trunk.0", "trunk", "trunk.3"])
def test_a_rule_for_a_layer_that_is_not_there_names_the_layers_that_are(pattern: str, tmp_path: Path) -> None:
    path = written(tmp_path, f'like = "epsilon"\n[layers]\n"trunk.?" = "gamma"\n"{pattern}" = "flat"')
    message = rf"layers '{pattern}', which fits no layer of the network; its layers are trunk.0, trunk.2, trunk.5, pol"
    with pytest.raises(UsageError, match=message):
        Explainer(small(), path)


def test_a_file_with_z_box_needs_the_bounds_of_the_input(tmp_path: Path) -> None:
    path = written(tmp_path, WHOLE)
    assert composite_from_file(path).bounded
    with pytest.raises(UsageError, match=r"pass input_bounds=\(low, high\)"):
        Explainer(small(), path)

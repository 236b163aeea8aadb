"""Bundles load by folder and by name, their weights are those of the digest, and they fit what agent.toml says."""

import json
from pathlib import Path

import pytest
import torch

from inspector.errors import CheckpointError
from inspector.load import describe, list_checkpoints, load_agent, watches_clips
from inspector.load.bundle import bundle_folders
from tests.load.files import OwnLayout, as_inputs, largest_difference, observations, write_bundle


@pytest.fixture
def network() -> OwnLayout:
    """A small network with our own layer names."""
    torch.manual_seed(10)
    return OwnLayout()


def test_a_bundle_gives_the_scores_of_its_weights(tmp_path: Path, network: OwnLayout) -> None:
    agent = load_agent(write_bundle(tmp_path / "little", network))
    pixels = as_inputs(observations())
    expected, expected_values = network.half().float()(torch.from_numpy(pixels))
    scores, values = agent.scores(pixels)
    assert largest_difference(scores, expected) <= 1e-5
    assert values is not None and largest_difference(values, expected_values) <= 1e-5
    assert agent.network.get_parameter("trunk.fc1.weight").dtype == torch.float32
    assert (agent.facts.format, agent.facts.environment) == ("bundle", "ALE/Breakout-v5")
    assert agent.preprocessing.sticky == 0.25
    assert agent.facts.provenance["actions"] == "NOOP FIRE RIGHT LEFT UP DOWN"


@pytest.mark.parametrize(
    ("wanted", "frames"), [("first", 0), ("last", 400), ("best", 0), (400, 400), ("400", 400), (0, 0)]
)
def test_a_checkpoint_is_chosen_by_word_or_by_frames(
    tmp_path: Path, network: OwnLayout, wanted: int | str, frames: int
) -> None:
    folder = write_bundle(tmp_path / "little", network)
    assert load_agent(folder, checkpoint=wanted).facts.checkpoint.frames == frames
    assert [one.frames for one in list_checkpoints(folder)] == [0, 400]


def test_a_checkpoint_that_is_not_there_is_refused_listing_those_that_are(tmp_path: Path, network: OwnLayout) -> None:
    folder = write_bundle(tmp_path / "little", network)
    for wanted in (300, "newest"):
        with pytest.raises(CheckpointError, match=rf"no checkpoint '{wanted}': there are first, best, last and 0, 400"):
            load_agent(folder, checkpoint=wanted)


def test_weights_that_are_not_those_of_the_digest_are_refused(tmp_path: Path, network: OwnLayout) -> None:
    folder = write_bundle(tmp_path / "little", network)
    path = folder / "checkpoints" / "400.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"400.safetensors has sha256 .* but agent.toml says"):
        load_agent(folder)
    assert load_agent(folder, checkpoint="first").facts.checkpoint.frames == 0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"UP", "DOWN"', '"UP"', "has 6 actions, but agent.toml names 5"),
        ('"nature"', '"nips"', "says architecture 'nips'"),
        ("critic = true", "critic = false", "critic False"),
        ('"checkpoints/0.saf', '"../checkpoints/0.saf', "lies outside of the bundle"),
        ('"checkpoints/0.saf', '"/etc/0.saf', "lies outside of the bundle"),
        ('"ale"', '"green"', "grey = 'green', where ale or rgb or resize_rgb"),
        ("frame_skip", "frame_skips", "there is no 'frame_skips'"),
        ("sticky = 0.25", "sticky = 2", "where a number from 0 to 1"),
        ('output = "logits"', 'output = "noise"', "where logits or q_values is possible"),
        ("[agent]", "[agents]", r"no table \[agent\]"),
        ("[[checkpoint]]", "[[checkpoints]]", r"lists no \[\[checkpoint\]\]"),
        ("frames = 400", "frames = 0", "two checkpoints of the same frames"),
        ("frames = 400", "frames = -1", "frames must be a whole number"),
        ("mean_return = 0.5", "mean_return = nan", "mean_return must be a finite number"),
        ("[agent]", "[agent", "damaged or hostile: TOMLDecodeError"),
        ('name = "little"', 'name = "a\\u001b[31m"', "name must be a text"),
        ('name = "little"', 'name = "../../tmp/owned"', "name = '../../tmp/owned', where letters, digits"),
        ('name = "little"', 'name = ".hidden"', "name = '.hidden', where letters"),
        ('name = "little"', 'name = "a b"', "name = 'a b', where letters"),
        ('name = "little"', f'name = "{"a" * 300}"', "where letters"),
    ],
)
def test_an_agent_toml_that_makes_no_sense_is_refused(
    tmp_path: Path, network: OwnLayout, old: str, new: str, message: str
) -> None:
    with pytest.raises(CheckpointError, match=message):
        load_agent(write_bundle(tmp_path / "little", network, text={old: new}))


def test_a_link_that_leads_out_of_the_bundle_is_refused(tmp_path: Path, network: OwnLayout) -> None:
    folder = write_bundle(tmp_path / "little", network)
    weights = folder / "checkpoints" / "400.safetensors"
    weights.rename(tmp_path / "elsewhere.safetensors")
    weights.symlink_to(tmp_path / "elsewhere.safetensors")
    with pytest.raises(CheckpointError, match="lies outside of the bundle"):
        load_agent(folder)


def test_a_folder_without_agent_toml_is_refused(tmp_path: Path) -> None:
    advice = r"is no bundle: it has no agent.toml; name a file of weights, or the folder of a bundle"
    with pytest.raises(CheckpointError, match=advice):
        load_agent(tmp_path)


def test_a_folder_of_checkpoints_is_refused_naming_what_to_give(tmp_path: Path) -> None:
    for frames in (1000, 2000):
        (tmp_path / f"rl_model_{frames}_steps.zip").write_bytes(b"")
    (tmp_path / "monitor.csv").write_text("")
    advice = rf"has no agent.toml; name one of its 2 files of weights, as {tmp_path}/rl_model_2000_steps.zip"
    for act in (load_agent, list_checkpoints, describe):
        with pytest.raises(CheckpointError, match=advice):
            act(tmp_path)


def test_an_unknown_name_is_refused_with_near_matches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundles = {"breakout": tmp_path, "pong": tmp_path}
    monkeypatch.setattr("inspector.load.opening.bundle_folders", lambda: bundles)
    with pytest.raises(CheckpointError, match=r"no agent 'brekout': did you mean breakout\? .*\(breakout, pong\)"):
        load_agent("brekout")


@pytest.mark.parametrize("home", ["agents", "inspector/bundles"])
def test_a_bundle_is_found_by_its_name_in_a_checkout_and_in_an_installed_package(
    tmp_path: Path, network: OwnLayout, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    write_bundle(tmp_path / home / "little", network)
    monkeypatch.setattr("inspector.load.bundle.PACKAGE", tmp_path / "inspector")
    assert list(bundle_folders()) == ["little"]
    assert load_agent("little").facts.name == "little"
    assert [one.games for one in list_checkpoints("little")] == [3, 3]


def test_every_bundle_that_ships_loads_with_every_checkpoint() -> None:
    players = {name: folder for name, folder in bundle_folders().items() if not watches_clips(folder)}
    assert {"breakout", "pong"} <= players.keys()
    for name, folder in players.items():
        for checkpoint in list_checkpoints(name):
            assert checkpoint.frames is not None
            agent = load_agent(name, checkpoint=checkpoint.frames)
            assert Path(agent.facts.checkpoint.path).is_relative_to(folder)


def test_describe_tells_a_bundle_in_plain_values(tmp_path: Path, network: OwnLayout) -> None:
    told = describe(write_bundle(tmp_path / "little", network), checkpoint="first")
    assert json.loads(json.dumps(told)) == told
    assert told["action_names"] == ["NOOP", "FIRE", "RIGHT", "LEFT", "UP", "DOWN"]
    assert told["parameters"] == sum(parameter.numel() for parameter in network.parameters())
    assert told["architecture"] == "nature: convolutions 4 6 8, hidden 16, critic"
    assert [row["interval"] for row in told["checkpoints"]] == [[1.0, 2.0], [0.0, 1.0]]  # type: ignore[attr-defined]
    (line,) = told["assumed"]  # type: ignore[attr-defined]
    assert line.startswith("preprocessing by the inspector's defaults, the file does not say: max_pool on, ")
    assert not any(said in line for said in ("sticky", "frame_skip", "grey", "stack "))

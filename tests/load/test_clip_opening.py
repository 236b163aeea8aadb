"""Agents that watch videos open from what a person names, and what does not fit is said."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from inspector.clips.recipe import ClipRecipe
from inspector.errors import CheckpointError, InspectorError, UsageError
from inspector.load import clip_checkpoints, list_checkpoints, load_agent, load_clip_agent, open_series, watches_clips
from inspector.load.class_names import read_class_names
from inspector.records import ClipCheckpoint
from tests.load.clip_files import CLASSES, MODULE, tiny_network, write_clip_bundle, write_clip_run
from tests.load.trap import nothing_runs


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module of the user's own."""
    (tmp_path / "clip_user.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "clip_user", raising=False)
    return "clip_user"


def clips(recipe: ClipRecipe, count: int = 2) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 256, (count, recipe.frames, *recipe.crop, 3), np.uint8)


# --- bundles and runs


def test_a_bundle_gives_the_scores_of_its_weights_and_tells_all(tmp_path: Path) -> None:
    first, last = tiny_network(1), tiny_network(2)
    folder = write_clip_bundle(tmp_path / "little", first, last)
    agent = load_clip_agent(folder)
    assert agent.recipe == ClipRecipe(4, (12, 16), (12, 12), (0.5, 0.5, 0.5), (0.25, 0.25, 0.5))
    assert (agent.class_names, agent.facts.format, agent.facts.assumed) == (CLASSES, "bundle", ())
    assert agent.facts.architecture == "video_resnet: 10 3-D convolutions in 3 residual blocks, 2 to 8 channels"
    shown = clips(agent.recipe)
    for which, network in (("first", first), ("last", last)):
        expected = network(torch.from_numpy(agent.recipe.normalise(shown))).detach().numpy()
        assert np.array_equal(load_clip_agent(folder, checkpoint=which).scores(shown), expected)


@pytest.mark.parametrize(("wanted", "clip_count"), [("first", 0), ("last", 200), ("best", 0), (100, 100), ("100", 100)])
def test_a_checkpoint_is_chosen_by_word_or_by_clips(tmp_path: Path, wanted: int | str, clip_count: int) -> None:
    folder = write_clip_bundle(tmp_path / "little", *map(tiny_network, range(3)))
    found = load_clip_agent(folder, checkpoint=wanted).facts.checkpoint
    assert isinstance(found, ClipCheckpoint)
    assert (found.frames, found.accuracy, found.videos) == (clip_count, pytest.approx(0.9 - clip_count / 1000), 30)
    assert [one.frames for one in clip_checkpoints(folder)] == [0, 100, 200]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('kind = "clips"', 'kind = "films"', "kind = 'films', where clips is possible"),
        ('architecture = "video_resnet"', 'architecture = "r3d"', "'r3d', where video_resnet is possible"),
        ("[recipe]", "[recipes]", r"no table \[recipe\]"),
        ("crop = [12, 12]\n", "", "does not say crop"),
        ("crop = [12, 12]", "crop = [12, 99]", r"12x99 cannot be cut out of 12x16: say both --crop and --resize"),
        ("crop = [12, 12]", "crop = [12, 1.5]", r"crop = \[12, 1.5\], where rows and columns"),
        ("frames = 4", "frames = 0", "frames = 0, where a whole number from 1 to 4096 is possible"),
        ("0.25, 0.25, 0.5", "0.25, 0.25", "std = .*, where three numbers above 0"),
        ("frames = 4", "frames = 4\nrows = 3", "there is no 'rows'; there are frames, resize, crop, mean, std"),
        ('"left", "right", "up"', '"left", " ", "up"', "the name of class 1 is ''"),
        ('"left", "right", "up"', '"left", "right"', "has 3 classes, but agent.toml names 2: correct it"),
        ("clips = 100", "clips = 0", "two checkpoints of the same clips"),
        ("accuracy = 0.8", "accuracy = 80", "accuracy must be a share from 0 to 1, it is 80"),
        ("checkpoints/100", "../100", "lies outside of the bundle"),
        ('name = "little"', 'name = "a/b"', "name = 'a/b', where letters"),
    ],
)  # fmt: skip
def test_an_agent_toml_that_makes_no_sense_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    folder = write_clip_bundle(tmp_path / "little", tiny_network(1), tiny_network(2), text={old: new})
    with pytest.raises(InspectorError, match=message):
        load_clip_agent(folder)


def test_weights_that_are_not_those_of_the_digest_are_refused(tmp_path: Path) -> None:
    folder = write_clip_bundle(tmp_path / "little", tiny_network(1))
    path = folder / "checkpoints" / "0.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\7")
    with pytest.raises(CheckpointError, match=r"0.safetensors has sha256 .* but agent.toml says"):
        load_clip_agent(folder)


def test_weights_of_another_network_are_refused_by_name(tmp_path: Path) -> None:
    network = tiny_network(1)
    network.layer2.append(torch.nn.BatchNorm3d(4))
    with pytest.raises(CheckpointError, match=r"no video_resnet: layer2.1.bias has \(4,\), where nothing belongs"):
        load_clip_agent(write_clip_bundle(tmp_path / "deep", network))
    with pytest.raises(CheckpointError, match=r"it lacks stem\.0\.weight"):
        load_clip_agent(write_clip_bundle(tmp_path / "flat", torch.nn.Linear(2, 3)))
    network = tiny_network(1)
    network.fc = torch.nn.Linear(9, 3)
    with pytest.raises(CheckpointError, match=r"of 2 channels asks for fc.weight of 8 inputs, and it has 9"):
        load_clip_agent(write_clip_bundle(tmp_path / "wide", network))


def test_a_run_of_the_trainer_opens_as_the_bundle_that_it_may_become(tmp_path: Path) -> None:
    network = tiny_network(1, classes=8)
    folder = write_clip_run(tmp_path / "run", network)
    for place in (folder, folder / "checkpoints"):
        agent = load_clip_agent(place)
        assert (agent.facts.name, agent.facts.format, agent.class_names[0]) == ("run", "run", "right")
        assert agent.facts.assumed == ("classes and clips as agents/train_clips.py has them",)
        (checkpoint,) = clip_checkpoints(place)
        assert (checkpoint.frames, checkpoint.accuracy, checkpoint.interval) == (640, 0.5, (0.4, 0.6))
        assert watches_clips(place) is True
    (folder / "evaluation.json").write_text("[1]")
    with pytest.raises(CheckpointError, match=r"evaluation.json is damaged"):
        load_clip_agent(folder)


# --- what plays, what watches


def test_it_is_told_who_watches_and_who_plays(tmp_path: Path, module: str) -> None:
    folder = write_clip_bundle(tmp_path / "little", tiny_network(1))
    assert watches_clips(folder) and watches_clips("motion-digits") and watches_clips("torchvision:r3d_18")
    assert watches_clips("breakout") is watches_clips("nothing-here") is watches_clips(tmp_path) is False
    assert watches_clips(f"{module}:make") is None


def test_a_bundle_that_watches_is_refused_where_games_are_played(tmp_path: Path) -> None:
    folder = write_clip_bundle(tmp_path / "little", tiny_network(1))
    for act in (load_agent, list_checkpoints, open_series):
        with pytest.raises(UsageError, match=r"little watches videos, it plays no game: .*little --video FILE"):
            act(folder)
    run = write_clip_run(tmp_path / "run", tiny_network(1, classes=8))
    for act in (load_agent, open_series):
        with pytest.raises(UsageError, match="run watches videos"):
            act(run)
    with pytest.raises(UsageError, match="torchvision:r3d_18 watches videos"):
        load_agent("torchvision:r3d_18")


def test_an_agent_that_plays_is_refused_where_videos_are_watched() -> None:
    with pytest.raises(UsageError, match="breakout plays games, it watches no videos"):
        load_clip_agent("breakout")
    with pytest.raises(UsageError, match="breakout is no series of checkpoints that watch videos"):
        clip_checkpoints("breakout")
    with pytest.raises(CheckpointError, match="no agent 'motion-digit': did you mean motion-digits"):
        load_clip_agent("motion-digit")


# --- what the user says


def test_the_recipe_that_the_user_says_wins(tmp_path: Path) -> None:
    folder = write_clip_bundle(tmp_path / "little", tiny_network(1))
    agent = load_clip_agent(folder, recipe={"frames": 8, "resize": (20, 20), "crop": (16, 16)})
    assert agent.recipe == ClipRecipe(8, (20, 20), (16, 16), (0.5, 0.5, 0.5), (0.25, 0.25, 0.5))
    assert agent.scores(clips(agent.recipe)).shape == (2, 3)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"window": 8}, "recipe: there is no 'window'"),
        ({"frames": "8"}, "frames = 8, where a whole number"),
        ({"frames": True}, "frames = True"),
        ({"crop": (99, 99)}, "cannot be cut out of"),
        ({"std": (0.0, 1.0, 1.0)}, "three numbers above 0 and below 10"),
        ({"mean": (float("nan"), 0.0, 0.0)}, "mean = "),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(tmp_path: Path, recipe: dict[str, object], message: str) -> None:
    folder = write_clip_bundle(tmp_path / "little", tiny_network(1))
    with pytest.raises(UsageError, match=message):
        load_clip_agent(folder, recipe=recipe)


@pytest.mark.parametrize("content", ["to the left\nto the right\nup\n\n", '["to the left", "to the right", "up"]'])
def test_classes_are_named_by_a_file(tmp_path: Path, content: str) -> None:
    folder, path = write_clip_bundle(tmp_path / "little", tiny_network(1)), tmp_path / "names"
    path.write_text(content)
    assert load_clip_agent(folder, classes=path).class_names == ("to the left", "to the right", "up")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a\nb\n", "names names 2 classes, but .*0.safetensors has 3: name every class"),
        ("a\n\nb\n", "the name of class 1 is '': give each class a name of its own"),
        ("a\nb\x1b[31m\nc", "the name of class 1 is"),
        ('{"a": 0}', "is JSON, but no list"),
        ('["a", "b", 3]', "the name of class 2 is '3'"),
        ("[1,", "damaged or hostile"),
    ],
)
def test_class_names_that_do_not_fit_are_refused(tmp_path: Path, content: str, message: str) -> None:
    folder, path = write_clip_bundle(tmp_path / "little", tiny_network(1)), tmp_path / "names"
    path.write_text(content)
    with pytest.raises(InspectorError, match=message):
        load_clip_agent(folder, classes=path)


def test_weights_beside_a_bundle_and_devices_that_are_not_there_are_refused(tmp_path: Path) -> None:
    folder = write_clip_bundle(tmp_path / "little", tiny_network(1))
    with pytest.raises(UsageError, match="has weights of its own: leave out --weights"):
        load_clip_agent(folder, weights=tmp_path / "w.pt")
    with pytest.raises(UsageError, match="device 'nowhere' cannot be used"):
        load_clip_agent(folder, device="nowhere")


# --- bare networks


def test_a_network_of_the_users_own_is_opened_with_what_was_assumed(module: str, tmp_path: Path) -> None:
    agent = load_clip_agent(f"{module}:make", recipe={"frames": 4, "resize": (20, 20)} | {"crop": (16, 16)})
    assert agent.class_names == ("class 0", "class 1", "class 2")
    assert (agent.facts.name, agent.facts.format, len(agent.facts.checkpoint.sha256)) == (
        "clip_user.make",
        "factory",
        64,
    )
    (line,) = agent.facts.assumed
    assert line.endswith("mean 0.43216 0.394666 0.37645, std 0.22803 0.22145 0.216989") and "frames" not in line
    weights = {name: torch.zeros_like(tensor) for name, tensor in agent.network.state_dict().items()}
    for save in (torch.save, save_file):
        save(weights, tmp_path / "mine.weights")
        other = load_clip_agent(f"{module}:make", weights=tmp_path / "mine.weights", recipe={"frames": 4})
        assert other.facts.name == "mine" and other.facts.checkpoint.path.endswith("mine.weights")
        assert not other.scores(clips(other.recipe, 1)).any()


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("fixed", r"cannot take clips \(2, 3, 3, 112, 112\) .*say --window, --resize and --crop"),
        ("double", r"cannot take clips .*weights are float64, inputs are float32: return it after \.float\(\)"),
        ("maps", r"gives \(2, 2, 3, 112, 112\) for a batch of 2 clips: scores \(2, classes\) are needed"),
        ("Pair", "gives tuple for a batch of 2 clips"),
        ("missing", "failed: AttributeError"),
    ],
)
def test_a_network_that_does_not_fit_is_refused(module: str, function: str, message: str) -> None:
    with pytest.raises(InspectorError, match=message):
        load_clip_agent(f"{module}:{function}", recipe={"frames": 3})


def test_weights_with_code_or_of_another_network_are_refused(module: str, tmp_path: Path) -> None:
    load_clip_agent(f"{module}:make", recipe={"frames": 3})  # imported before the trap is set
    torch.save({"4.weight": torch.zeros(3, 2), "hook": print}, tmp_path / "code.pt")
    with nothing_runs(), pytest.raises(CheckpointError, match=r"pickled .*print, which is not opened"):
        load_clip_agent(f"{module}:make", weights=tmp_path / "code.pt", recipe={"frames": 3})
    torch.save({"4.weight": torch.zeros(3, 2)}, tmp_path / "part.pt")
    with pytest.raises(CheckpointError, match=r"part\.pt does not fit clip_user:make"):
        load_clip_agent(f"{module}:make", weights=tmp_path / "part.pt", recipe={"frames": 3})


def test_two_classes_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "classes.txt"
    path.write_text("jump\nrun\n jump \n")
    with pytest.raises(CheckpointError, match=r"classes 0 and 2 are both 'jump': give each class a name of its own"):
        read_class_names(path, 3, "the network")

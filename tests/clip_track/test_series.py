"""Checkpoints of a network of the user's own as a series: from files whose names tell how long each was trained."""

import sys
from pathlib import Path

import pytest
import torch

from inspector.clip_track.series import ClipSeries, open_clip_series
from inspector.errors import CheckpointError, InspectorError, UsageError
from inspector.load.naming import counted_by_name
from tests.load.clip_files import MODULE, tiny_network, write_clip_bundle

FACTORY = "clip_series_user:make"
RECIPE = {"frames": 4, "resize": (16, 16), "crop": (12, 12)}


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a module of the user's own, importable."""
    path = tmp_path / "code" / "clip_series_user.py"
    path.parent.mkdir()
    path.write_text(MODULE)
    monkeypatch.syspath_prepend(path.parent)
    monkeypatch.delitem(sys.modules, "clip_series_user", raising=False)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


def save(folder: Path, *names: str) -> Path:
    """Files with weights of their own; bytes that are none in one called `damaged`."""
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        torch.manual_seed(number)
        weights = {"0.weight": torch.randn(2, 3, 3, 3, 3), "0.bias": torch.zeros(2)}
        weights |= {"4.weight": torch.randn(3, 2), "4.bias": torch.zeros(3)}
        torch.save({"model": weights, "epoch": number}, folder / name)
        if "damaged" in name:
            (folder / name).write_bytes(b"PK nothing")
    return folder


def opened(source: Path | str, **more: object) -> ClipSeries:
    return open_clip_series(source, factory=FACTORY, recipe={**RECIPE, **more})


@pytest.mark.usefixtures("module")
def test_files_are_ordered_by_what_their_names_say_and_others_are_left_out(folder: Path) -> None:
    save(folder, "epoch_100.pt", "epoch_20.pt", "epoch_3.pt", "best.pt")
    one = opened(folder)
    assert (one.name, one.unit, one.facts.name) == ("run", "epochs", "run")
    assert [member.frames for member in one.members] == [3, 20, 100] and one.failures == ()
    assert one.notes == ("left out: best.pt, not named as the 3 epoch_*.pt",)
    assert one.facts.assumed[0] == "training time from the files' names, taken as epochs"
    assert one.recipe.frames == 4 and len(one.class_names) == 3
    assert len({member.digest for member in one.members}) == 3
    biases = [member.load().network.state_dict()["4.weight"] for member in one.members]
    assert not torch.equal(biases[0], biases[1])
    assert [member.frames for member in opened(str(folder / "epoch_?*0.pt")).members] == [20, 100]


@pytest.mark.usefixtures("module")
def test_a_file_that_cannot_be_opened_is_among_the_failures(folder: Path) -> None:
    save(folder, "step_1.pt", "step_2.pt", "step_3.pt")
    (folder / "step_2.pt").write_bytes(b"PK nothing")
    one = opened(f"{folder}/step*.pt")
    assert [member.frames for member in one.members] == [1, 3] and one.unit == "steps"
    ((path, reason),) = one.failures
    assert path.endswith("step_2.pt") and "step_2.pt" in reason


def test_what_is_known_of_a_result_hangs_on_code_weights_and_recipe(module: Path, folder: Path) -> None:
    save(folder, "ep1.pt", "ep2.pt")
    first = [member.digest for member in opened(folder).members]
    assert [member.digest for member in opened(folder).members] == first
    assert first[0] not in [member.digest for member in opened(folder, mean=(0.5, 0.5, 0.5)).members]
    network = "\n\nclass Other(torch.nn.ReLU):\n    pass\n"
    module.write_text(MODULE.replace("torch.nn.ReLU()", "Other()") + network)
    del sys.modules["clip_series_user"]
    assert first[0] not in [member.digest for member in opened(folder).members]


@pytest.mark.usefixtures("module")
@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("epoch_1.pt", "step_2.pt"), "count epochs and steps: name those of one kind, by a glob"),
        (("first.pt", "second.pt"), r"first.pt does not tell how long it was trained: .*as epoch_20, ep20"),
        (("a_epoch_1.pt", "b_epoch_1.pt"), "both say 1 epochs and differ: leave one out"),
        ((), "there are no checkpoints at .*name a folder with files that end in .pt, .pth, .safetensors, or a glob"),
        (("epoch_1_damaged.pt", "epoch_2_damaged.pt"), "none of the 2 checkpoints of .* can be opened"),
    ],
)
def test_files_that_make_no_series_are_refused(folder: Path, names: tuple[str, ...], message: str) -> None:
    with pytest.raises(InspectorError, match=message):
        opened(save(folder, *names))


@pytest.mark.usefixtures("module")
def test_the_same_weights_twice_are_refused(folder: Path) -> None:
    save(folder, "epoch_1.pt")
    (folder / "epoch_2.pt").write_bytes((folder / "epoch_1.pt").read_bytes())
    with pytest.raises(UsageError, match="are the same file, and yet of 1 and 2 epochs: leave one out"):
        opened(folder)


def test_without_the_network_files_are_no_series(folder: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no agent"):
        open_clip_series(folder)
    save(folder, "epoch_1.pt")
    with pytest.raises(UsageError, match=r"is no series .*or files of weights with their network, by --factory"):
        open_clip_series(folder)


def test_a_bundle_is_counted_in_clips_and_says_its_network_itself(tmp_path: Path) -> None:
    folder = write_clip_bundle(tmp_path / "little", tiny_network(1), tiny_network(2))
    assert open_clip_series(folder).unit == "clips"
    with pytest.raises(CheckpointError, match=r"there are no checkpoints at .*little"):
        open_clip_series(folder, factory=FACTORY)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        *(("epoch_00020.pt", (20, "epochs")), ("ep20.pth", (20, "epochs")), ("net_12epochs.pt", (12, "epochs"))),
        *(("global_step_5000.pt", (5000, "steps")), ("1000_steps.pt", (1000, "steps")), ("20.pt", (20, "steps"))),
        *(
            ("iter500.pt", (500, "iterations")),
            ("batches_30.pt", (30, "batches")),
            ("epoch=3-step=12.pt", (3, "epochs")),
        ),
        *(("model-1_000_000.pt", (1000000, "steps")), ("epoch3_acc0.91.pt", (3, "epochs"))),
        *(("best.pt", None), ("model_v2.pt", None), ("seed_1.pt", None), ("deep3.pt", None), ("2024-05-01.pt", None)),
    ],
)
def test_names_tell_how_long_a_classifier_was_trained(name: str, told: tuple[int, str] | None) -> None:
    assert counted_by_name(Path(name)) == told

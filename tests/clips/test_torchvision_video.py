"""torchvision's video networks, with weights that torchvision's own code has saved."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from inspector.errors import CheckpointError, InspectorError, UnsupportedError, UsageError
from inspector.load import load_clip_agent
from inspector.load.torchvision_video import open_torchvision
from inspector.lrp import Explainer
from inspector.viewing.interpreter import ClipInterpreter
from tests import torchvision_stub  # noqa: F401 - before torchvision


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from torchvision.models.video import r3d_18

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "mine.pth"
    torch.save(r3d_18(num_classes=7).state_dict(), path)
    return path


def test_scores_are_torchvisions_own_and_the_ledger_closes(weights: Path) -> None:
    from torchvision.models.video import R3D_18_Weights, r3d_18

    agent = open_torchvision("torchvision:r3d_18", weights, told={"frames": 8})
    network = r3d_18(num_classes=7)
    network.load_state_dict(torch.load(weights, weights_only=True))
    frames = np.random.default_rng(0).integers(0, 256, (8, 240, 320, 3), np.uint8)
    prepare = R3D_18_Weights.KINETICS400_V1.transforms()
    with torch.inference_mode():
        expected = network.eval()(prepare(torch.from_numpy(frames).permute(0, 3, 1, 2)[None]))
    clips = np.stack([agent.recipe.prepare(frame) for frame in frames])[None]
    np.testing.assert_allclose(agent.scores(clips), expected.numpy(), atol=1e-5)
    assert agent.class_names == tuple(f"class {number}" for number in range(7))
    explained = Explainer(agent.network)(torch.from_numpy(agent.recipe.normalise(clips)))
    assert explained.score.item() == pytest.approx(expected.max().item(), abs=1e-5)
    moved = sum(part.abs().item() for part in explained.ledger.values())
    assert sum(part.item() for part in explained.ledger.values()) == pytest.approx(
        explained.score.item(), abs=1e-5 * moved
    )


@pytest.mark.parametrize("name", ["r3d_18", "mc3_18", "r2plus1d_18", "s3d"])
def test_each_network_is_explained_and_its_ledger_closes(name: str, tmp_path: Path) -> None:
    from torchvision.models import get_model

    torch.manual_seed(1)
    network = get_model(name, weights=None, num_classes=5)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    torch.save(network.eval().state_dict(), tmp_path / "mine.pth")
    sides = (64, 64)
    told = {"frames": 16, "resize": sides, "crop": sides} if name != "s3d" else {"frames": 16}
    agent = open_torchvision(name, tmp_path / "mine.pth", told=told)
    clips = np.random.default_rng(0).integers(0, 256, (1, 16, *agent.recipe.crop, 3), np.uint8)
    (explained,) = ClipInterpreter(agent).explain(clips)
    with torch.inference_mode():
        expected = network(torch.from_numpy(agent.recipe.normalise(clips)))
    np.testing.assert_allclose(explained.scores, expected.numpy()[0], atol=1e-5)
    assert explained.relevance is not None
    ledger = explained.relevance.ledger
    moved = sum(abs(part) for part in ledger.values())
    assert sum(ledger.values()) == pytest.approx(expected.max().item(), abs=1e-5 * moved)
    assert ledger["input"] == pytest.approx(explained.relevance.values.sum(dtype=np.float64), abs=1e-5 * moved)


def test_safetensors_fit_too_and_other_numbers_of_classes_have_names_of_their_own(
    weights: Path, tmp_path: Path
) -> None:
    state = torch.load(weights, weights_only=True)
    save_file(state, tmp_path / "mine.safetensors")
    assert len(open_torchvision("r3d_18", tmp_path / "mine.safetensors").class_names) == 7
    state["fc.weight"], state["fc.bias"] = torch.zeros(400, 512), torch.zeros(400)
    torch.save(state, tmp_path / "kinetics.pth")
    assert "archery" in open_torchvision("r3d_18", tmp_path / "kinetics.pth").class_names


def test_they_open_by_name_like_any_agent_with_classes_of_a_file(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("\n".join("abcdefg"))
    agent = load_clip_agent("torchvision:r3d_18", weights=weights, classes=tmp_path / "names.txt", recipe={"frames": 8})
    assert (agent.class_names, agent.recipe.frames, agent.recipe.crop) == (tuple("abcdefg"), 8, (112, 112))
    assert "frames" not in agent.facts.assumed[0] and "crop 112x112" in agent.facts.assumed[0]
    with pytest.raises(CheckpointError, match="no checkpoint '5'"):
        load_clip_agent("torchvision:r3d_18", checkpoint=5, weights=weights)


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("torchvision:mvit_v2_s", UnsupportedError, "is a transformer"),
        ("torchvision:swin3d_t", UnsupportedError, "torchvision:r3d_18"),
        ("torchvision:resnet18", UsageError, "no video network 'resnet18'"),
        ("torchvision:mc3_18", CheckpointError, "does not fit torchvision's mc3_18"),
        ("torchvision:s3d", CheckpointError, "lacks classifier.1.bias"),
    ],
)
def test_what_does_not_fit_is_said(name: str, kind: type[InspectorError], words: str, weights: Path) -> None:
    with pytest.raises(kind, match=words):
        open_torchvision(name, weights)

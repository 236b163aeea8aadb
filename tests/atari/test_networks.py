"""Networks rebuilt from shapes give what the shapes were taken from."""

from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from inspector.atari import networks
from inspector.atari.networks import AtariNetwork, Layer
from inspector.errors import CheckpointError
from inspector.load.bundle import own_parts
from inspector.load.draft import Request
from inspector.load.parts import Layers, assemble
from inspector.load.recipe import Recipe

TRAINER = Path(__file__).parents[2] / "agents" / "train_atari.py"


def trainer() -> ModuleType:
    """The single-file trainer, imported by its path."""
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("train_atari", TRAINER)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rebuilt(tensors: dict[str, Tensor]) -> AtariNetwork:
    """The network rebuilt from tensors with our own names."""
    recipe = Recipe({}, "default", {})
    return assemble(own_parts(Layers(tensors, "a test")), recipe, Request(), "a test")[0]


def layers(*shapes: tuple[int, ...]) -> list[Layer]:
    """Layers of random weights."""
    return [Layer(f"layer{number}", torch.randn(shape), torch.randn(shape[0])) for number, shape in enumerate(shapes)]


@pytest.mark.parametrize(("architecture", "hidden"), [("nature", 512), ("nips", 256)])
def test_the_rebuilt_network_gives_the_trainers_own_scores_and_values(architecture: str, hidden: int) -> None:
    torch.manual_seed(1)
    original = trainer().ActorCritic(architecture, 4, hidden).to(memory_format=torch.channels_last)
    network = rebuilt(original.state_dict())
    inputs = torch.rand(8, 4, 84, 84)
    with torch.no_grad():
        logits, values = original(inputs)
        scores, found = network(inputs)
    assert scores.shape == (8, 4) and found.shape == (8, 1)
    torch.testing.assert_close(scores, logits, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found[:, 0], values, rtol=1e-5, atol=1e-6)


def test_fx_traces_the_network_into_plain_modules_alone() -> None:
    torch.manual_seed(2)
    network = rebuilt(trainer().ActorCritic("nature", 6, 64).state_dict())
    traced = torch.fx.symbolic_trace(network)
    called = [node for node in traced.graph.nodes if node.op not in ("placeholder", "output")]
    kinds = {type(traced.get_submodule(node.target)) for node in called if node.op == "call_module"}
    assert all(node.op == "call_module" for node in called)
    assert kinds == {nn.Conv2d, nn.ReLU, nn.Flatten, nn.Linear}
    inputs = torch.rand(2, 4, 84, 84)
    assert torch.equal(traced(inputs)[0], network(inputs)[0])


def test_the_network_keeps_a_copy_of_the_weights_in_float32_without_gradients() -> None:
    tensors = {name: tensor.half() for name, tensor in trainer().ActorCritic("nips", 4, 16).state_dict().items()}
    network = rebuilt(tensors)
    tensors["fc.weight"].zero_()
    parameters = list(network.parameters())
    assert all(p.dtype == torch.float32 and not p.requires_grad for p in parameters)
    assert float(network.get_parameter("trunk.fc1.weight").abs().sum()) > 0


def test_layers_without_biases_are_rebuilt_without_biases() -> None:
    tensors = trainer().ActorCritic("nips", 4, 16).state_dict()
    network = rebuilt({name: tensor for name, tensor in tensors.items() if name.endswith("weight")})
    assert all("bias" not in name for name, _ in network.named_parameters())
    assert float(network(torch.zeros(1, 4, 84, 84))[0].abs().max()) == 0.0


def test_a_flatten_of_the_wrong_size_is_refused_naming_both_sizes() -> None:
    convolutions = layers((4, 4, 8, 8), (4, 4, 4, 4), (4, 4, 3, 3))
    with pytest.raises(CheckpointError, match=r"takes 256 inputs, but what comes before it gives 196 on .* 84x84"):
        networks.trunk(convolutions, layers((8, 256)), height=84, width=84)
    networks.trunk(convolutions, layers((8, 256)), height=96, width=84 + 12)


def test_kernels_of_no_known_architecture_are_refused() -> None:
    with pytest.raises(CheckpointError, match=r"kernels 3x3, 3x3: known are"):
        networks.recognise(layers((4, 4, 3, 3), (4, 4, 3, 3)))
    with pytest.raises(CheckpointError, match="kernels none"):
        networks.recognise([])


def test_layers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(CheckpointError, match="layer1 takes 5 inputs, but what comes before it gives 4"):
        networks.head(layers((4, 8), (2, 5)), 8)
    with pytest.raises(CheckpointError, match=r"\(3,\) biases for 4 outputs"):
        networks.head([Layer("fc", torch.ones(4, 8), torch.ones(3))], 8)
    with pytest.raises(CheckpointError, match="activation Swishy: known are ReLU"):
        networks.head(layers((4, 8), (2, 4)), 8, "Swishy")


def test_the_mean_over_quantiles_is_folded_exactly() -> None:
    layer = layers((5 * 3, 8))[0]
    features = torch.randn(20, 8, dtype=torch.float64)
    assert layer.bias is not None
    quantiles = (features @ layer.weight.double().T + layer.bias.double()).reshape(20, 5, 3)
    folded = networks.quantile_mean(layer, 5)
    assert folded.bias is not None
    torch.testing.assert_close(features @ folded.weight.T + folded.bias, quantiles.mean(1), rtol=1e-12, atol=1e-12)


def test_the_expectation_head_is_the_mean_of_the_atoms_under_their_softmax() -> None:
    layer, atoms = layers((3 * 5, 8))[0], torch.linspace(-10, 10, 5)
    features = torch.randn(20, 8)
    assert layer.bias is not None
    logits = (features @ layer.weight.T + layer.bias).reshape(20, 3, 5)
    expected = (logits.softmax(-1) * atoms).sum(-1)
    torch.testing.assert_close(networks.expectation_head(layer, 8, atoms)(features), expected)


def test_the_layers_are_listed_in_order_with_their_shapes() -> None:
    network = rebuilt(trainer().ActorCritic("nips", 4, 16).state_dict())
    found = networks.describe_layers(network)
    assert [layer["name"] for layer in found] == ["trunk.conv1", "trunk.conv2", "trunk.fc1", "policy", "value"]
    assert found[0] == {"name": "trunk.conv1", "kind": "Conv2d", "weight": [16, 4, 8, 8]}

"""A plain state_dict is rebuilt where its names and shapes leave no doubt, and refused where they do."""

from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from inspector.errors import CheckpointError, UsageError
from inspector.load import load_agent
from tests.load.files import ACTIONS, OwnLayout, as_inputs, largest_difference, nature_trunk, observations


def tensors_of(*names: str, outputs: int = ACTIONS, value: str | None = None) -> tuple[nn.Module, dict[str, Tensor]]:
    """A Q-network or policy whose five layers bear the names given; and perhaps a critic."""
    network = nn.Sequential(*nature_trunk(), nn.Linear(32, outputs))
    tensors: dict[str, Tensor] = {}
    for name, number in zip(names, (0, 2, 4, 7, 9), strict=True):
        for kind, tensor in network[number].state_dict().items():
            tensors[f"{name}.{kind}"] = tensor
    if value:
        for kind, tensor in nn.Linear(32, 1).state_dict().items():
            tensors[f"{value}.{kind}"] = tensor
    return network, tensors


def store(folder: Path, value: object, name: str = "agent.pt") -> Path:
    """Save by torch."""
    torch.save(value, folder / name)
    return folder / name


@pytest.mark.parametrize("architecture", ["nature", "nips"])
@pytest.mark.parametrize("kind", ["pt", "safetensors"])
def test_our_own_layer_names_are_recognised(tmp_path: Path, architecture: str, kind: str) -> None:
    torch.manual_seed(9)
    network, path = OwnLayout(architecture), tmp_path / f"agent.{kind}"
    if kind == "pt":
        torch.save(network.state_dict(), path)
    else:
        save_file(network.state_dict(), path)
    agent = load_agent(path)
    pixels = as_inputs(observations(20))
    expected, expected_values = network(torch.from_numpy(pixels))
    scores, values = agent.scores(pixels)
    assert largest_difference(scores, expected) <= 1e-5
    assert values is not None and largest_difference(values, expected_values) <= 1e-5
    assert agent.output == "logits" and agent.facts.architecture.startswith(architecture)
    assert load_agent(path, architecture=architecture).facts.architecture == agent.facts.architecture


def test_layers_of_any_name_are_put_in_order_by_their_sizes(tmp_path: Path) -> None:
    network, tensors = tensors_of("c", "b", "a", "z", "q_head")
    agent = load_agent(store(tmp_path, dict(sorted(tensors.items()))))
    pixels = as_inputs(observations(10))
    assert largest_difference(agent.scores(pixels)[0], network(torch.from_numpy(pixels))) <= 1e-5
    assert agent.output == "q_values"
    assert any(line.startswith("ReLU after every layer") for line in agent.facts.assumed)


def test_a_head_whose_name_says_nothing_needs_output_to_be_said(tmp_path: Path) -> None:
    path = store(tmp_path, tensors_of("net.0.0", "net.0.2", "net.0.4", "net.1", "net.3")[1])
    with pytest.raises(UsageError, match=r"say which: --output-kind logits or q_values \(output= in Python\)"):
        load_agent(path)
    assert load_agent(path, output="q_values").output == "q_values"


@pytest.mark.parametrize("key", ["model", "state_dict", "model_state_dict"])
def test_a_state_dict_within_a_checkpoint_is_found(tmp_path: Path, key: str) -> None:
    network = OwnLayout()
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.rand(2, 4, 84, 84))[0].sum().backward()
    optimizer.step()
    checkpoint = {key: network.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3, "best": 1.5}
    path = store(tmp_path, {**checkpoint, "random": torch.get_rng_state()})
    assert load_agent(path).action_count == ACTIONS


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_what_wrappers_put_before_the_names_is_left_out(tmp_path: Path, prefix: str) -> None:
    tensors = OrderedDict((f"{prefix}{name}", tensor) for name, tensor in OwnLayout().state_dict().items())
    assert load_agent(store(tmp_path, tensors)).action_count == ACTIONS


def test_bare_names_that_hold_weights_count_as_layers_without_biases(tmp_path: Path) -> None:
    network = OwnLayout()
    bare = {name.removesuffix(".weight"): t for name, t in network.state_dict().items() if name.endswith("weight")}
    agent = load_agent(store(tmp_path, bare))
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
    pixels = as_inputs(observations(5))
    assert largest_difference(agent.scores(pixels)[0], network(torch.from_numpy(pixels))[0]) <= 1e-5


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lstm.weight_ih_l0", "recurrent"),
        ("value_head.0.weight_mu", "Rainbow"),
        ("network.0.conv.weight", "Impala"),
        ("_AtariNet__features.0.weight", "atari-agents"),
        ("action_parameterization.distribution_linear.weight", "sample-factory"),
        ("advantage_head.weight", "dueling"),
        ("bn1.running_mean", "normalisation"),
    ],
)
def test_networks_that_are_not_supported_are_refused_by_name(tmp_path: Path, name: str, message: str) -> None:
    tensors = {**OwnLayout().state_dict(), name: torch.ones(3, 3)}
    with pytest.raises(CheckpointError, match=message):
        load_agent(store(tmp_path, tensors))


def test_an_agent_of_atari_agents_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="atari-agents"):
        load_agent(store(tmp_path, {"estimator_state": OwnLayout().state_dict()}))


def test_two_heads_over_q_values_are_a_dueling_network_and_refused(tmp_path: Path) -> None:
    path = store(tmp_path, tensors_of("c1", "c2", "c3", "fc", "head", value="value")[1])
    with pytest.raises(CheckpointError, match="dueling"):
        load_agent(path, output="q_values")
    assert load_agent(path, output="logits").output == "logits"


def test_shapes_that_leave_a_choice_are_refused(tmp_path: Path) -> None:
    _, tensors = tensors_of("c1", "c2", "c3", "fc", "actor", value="critic")
    with pytest.raises(CheckpointError, match="more than one layer takes 32 inputs"):
        load_agent(store(tmp_path, {**tensors, "hidden.weight": torch.ones(32, 32), "out.weight": torch.ones(6, 31)}))
    with pytest.raises(CheckpointError, match="heads actor, critic, second"):
        load_agent(store(tmp_path, {**tensors, "second.weight": torch.ones(3, 32)}))
    with pytest.raises(CheckpointError, match=r"no layer takes 392 inputs .*say .* --height, --width .*--factory"):
        load_agent(store(tmp_path, {**tensors, "fc.weight": torch.ones(32, 400)}))
    with pytest.raises(CheckpointError, match="'norm' that is neither dense nor a convolution"):
        load_agent(store(tmp_path, {**tensors, "norm.weight": torch.ones(32)}))


def test_more_actions_than_an_atari_console_has_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="head of 19 outputs: an Atari agent has 1 to 18 actions"):
        load_agent(store(tmp_path, tensors_of("c1", "c2", "c3", "fc", "actor", outputs=19)[1]))


def test_channels_that_may_be_colour_are_asked_about(tmp_path: Path) -> None:
    tensors = {**OwnLayout().state_dict(), "conv1.weight": torch.ones(4, 12, 8, 8)}
    path = store(tmp_path, tensors)
    with pytest.raises(CheckpointError, match=r"12 channels: grey frames, or 4 in colour.* say --stack 12"):
        load_agent(path)
    assert load_agent(path, preprocessing={"stack": 12}).input_shape == (12, 84, 84)


def test_another_size_of_the_network_input_can_be_said(tmp_path: Path) -> None:
    tensors = {**OwnLayout().state_dict(), "fc.weight": torch.ones(16, 8 * 64)}
    agent = load_agent(store(tmp_path, tensors), preprocessing={"height": 96, "width": 96})
    assert agent.input_shape == (4, 96, 96)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gray", "rgb"),
        ("grey", "green"),
        ("frame_skip", 0),
        ("frame_skip", True),
        ("frame_skip", 2.5),
        ("sticky", 1.5),
        ("sticky", float("nan")),
        ("max_pool", 1),
    ],
)
def test_preprocessing_that_makes_no_sense_is_refused(tmp_path: Path, name: str, value: object) -> None:
    path = store(tmp_path, OwnLayout().state_dict())
    with pytest.raises(UsageError, match=rf"preprocessing: (there is no '{name}'|{name} = )"):
        load_agent(path, preprocessing={name: value})


def test_arguments_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    path = store(tmp_path, OwnLayout().state_dict())
    with pytest.raises(UsageError, match="output 'loud' is unknown"):
        load_agent(path, output="loud")
    with pytest.raises(UsageError, match="architecture 'resnet' is unknown"):
        load_agent(path, architecture="resnet")
    with pytest.raises(UsageError, match="device 'abacus' cannot be used"):
        load_agent(path, device="abacus")
    with pytest.raises(CheckpointError, match="no checkpoint '500': there are first, best, last and none"):
        load_agent(path, checkpoint=500)

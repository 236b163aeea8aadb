"""Models as CleanRL's torch scripts save them give the scores of CleanRL's own forward pass."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from inspector.errors import CheckpointError
from inspector.load import describe, load_agent
from tests.load.files import ACTIONS, as_inputs, largest_difference, largest_gap, nature_trunk, observations


class QNetwork(nn.Module):
    """The layers of `dqn_atari.py`: it divides by 255 itself."""

    def __init__(self, outputs: int = ACTIONS):
        """Random weights."""
        super().__init__()
        self.network = nn.Sequential(*nature_trunk(), nn.Linear(32, outputs))

    def forward(self, pixels: Tensor) -> Tensor:
        """Q-values of pixels 0..255."""
        return self.network(pixels / 255.0)  # type: ignore[no-any-return]


class C51Network(QNetwork):
    """The layers of `c51_atari.py`."""

    def __init__(self, atoms: int = 51):
        """Random weights, atoms from -10 to 10."""
        super().__init__(ACTIONS * atoms)
        self.atoms: Tensor
        self.register_buffer("atoms", torch.linspace(-10, 10, steps=atoms))

    def forward(self, pixels: Tensor) -> Tensor:
        """Q-values: the mean of the atoms under their softmax."""
        logits = self.network(pixels / 255.0)
        return (torch.softmax(logits.view(len(pixels), ACTIONS, -1), dim=2) * self.atoms).sum(2)


class PPOAgent(nn.Module):
    """The layers of `ppo_atari.py`."""

    def __init__(self) -> None:
        """Random weights."""
        super().__init__()
        self.network = nature_trunk()
        self.actor, self.critic = nn.Linear(32, ACTIONS), nn.Linear(32, 1)


def test_dqn_gives_its_own_q_values(tmp_path: Path) -> None:
    torch.manual_seed(5)
    network, path = QNetwork(), tmp_path / "dqn_atari.cleanrl_model"
    torch.save(network.state_dict(), path)
    agent = load_agent(path, environment="BreakoutNoFrameskip-v4")
    pixels = observations()
    scores, values = agent.scores(as_inputs(pixels))
    assert largest_difference(scores, network(torch.from_numpy(pixels))) <= 1e-5
    assert values is None
    assert (agent.output, agent.facts.algorithm, agent.facts.format) == ("q_values", "dqn", "cleanrl")
    assert agent.facts.environment == "BreakoutNoFrameskip-v4"


def test_the_input_is_made_as_cleanrl_makes_it(tmp_path: Path) -> None:
    torch.save(QNetwork().state_dict(), tmp_path / "dqn_atari.cleanrl_model")
    agent = load_agent(tmp_path / "dqn_atari.cleanrl_model")
    recipe = agent.preprocessing
    assert (recipe.grey, recipe.padding, recipe.fire_reset, recipe.episodic_life) == ("resize_rgb", "first", True, True)
    line = next(line for line in agent.facts.assumed if "grey resize_rgb" in line)
    assert line.startswith("preprocessing as usual with CleanRL, the file does not say: ")
    assert agent.facts.environment is None


def test_c51_gives_its_own_expected_values_and_its_arguments_tell_where_it_comes_from(tmp_path: Path) -> None:
    torch.manual_seed(6)
    network, path = C51Network(), tmp_path / "c51_atari.cleanrl_model"
    arguments = {"env_id": "PongNoFrameskip-v4", "n_atoms": 51, "seed": 1, "total_timesteps": 1000, "cuda": True}
    torch.save({"model_weights": network.state_dict(), "args": arguments}, path)
    agent = load_agent(path)
    pixels = observations()
    assert largest_difference(agent.scores(as_inputs(pixels))[0], network(torch.from_numpy(pixels))) <= 1e-5
    assert agent.facts.environment == "PongNoFrameskip-v4"
    assert agent.facts.checkpoint.frames == 4000
    assert agent.facts.provenance["seed"] == "1"
    assert "expectation of 51 atoms" in str(describe(path)["architecture"])


def test_the_decisions_of_c51_are_explained_however_near_to_zero_its_q_values_are(tmp_path: Path) -> None:
    for scale in (1.0, 1e-3):
        torch.manual_seed(6)
        network, path = C51Network(), tmp_path / "c51_atari.cleanrl_model"
        with torch.no_grad():
            network.network[9].weight.mul_(scale)
            network.network[9].bias.mul_(scale)
        torch.save({"model_weights": network.state_dict(), "args": {"n_atoms": 51}}, path)
        assert largest_gap(load_agent(path), as_inputs(observations(20))) <= 1e-5


def test_a_ppo_saved_by_its_user_is_an_actor_with_its_critic(tmp_path: Path) -> None:
    torch.manual_seed(8)
    network, path = PPOAgent(), tmp_path / "ppo.pt"
    torch.save(network.state_dict(), path)
    agent = load_agent(path)
    pixels = as_inputs(observations(20))
    scores, values = agent.scores(pixels)
    features = network.network(torch.from_numpy(pixels))
    assert largest_difference(scores, network.actor(features)) <= 1e-5
    assert values is not None and largest_difference(values, network.critic(features)) <= 1e-5
    assert (agent.output, agent.facts.algorithm) == ("logits", "ppo")


def test_a_head_that_is_no_whole_number_of_atoms_is_refused(tmp_path: Path) -> None:
    tensors = C51Network().state_dict()
    torch.save({**tensors, "atoms": torch.linspace(-10, 10, 50)}, tmp_path / "c51.pt")
    with pytest.raises(CheckpointError, match="head of 306 outputs in sets of 50 atoms"):
        load_agent(tmp_path / "c51.pt")
    torch.save({**tensors, "atoms": torch.zeros(0)}, tmp_path / "none.pt")
    with pytest.raises(CheckpointError, match=r"atoms of shape \(0,\)"):
        load_agent(tmp_path / "none.pt")


def test_a_model_of_the_jax_scripts_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "dqn_atari_jax.cleanrl_model").write_bytes(
        b"\x81\xa6params\x85\xa6Conv_0\x82\xa4bias\xc7\x93\x01\0\0\0"
    )
    with pytest.raises(CheckpointError, match="JAX scripts"):
        load_agent(tmp_path / "dqn_atari_jax.cleanrl_model")

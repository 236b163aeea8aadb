"""A network of the user's own comes through `module:function`, and through nothing else."""

from pathlib import Path

import pytest
import torch
from torch import nn

from inspector.errors import CheckpointError, UsageError
from inspector.load import load_agent
from tests.load.files import as_inputs, largest_difference, observations

MODULE = """
import torch
from torch import nn

def network():
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(4, 3, 12, 12), nn.ELU(), nn.Flatten(), nn.Linear(3 * 49, 5))

class Both(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.value = network(), nn.Linear(5, 1)
    def forward(self, x):
        scores = self.inner(x)
        return scores, self.value(scores)

def with_critic():
    return Both()

def broken():
    raise RuntimeError("the wheel came off")

def number():
    return 3

def flat():
    return nn.Flatten()

def double():
    return network().double()

def picture():
    return nn.Conv2d(4, 3, 8)
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A module of the user's in the current folder; its name is used once, for Python keeps modules."""
    name = f"own_{abs(hash(request.node.name))}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", list(__import__("sys").path))
    return name


def test_a_factory_in_the_current_folder_gives_the_agent(module: str) -> None:
    agent = load_agent(f"{module}:network", output="q_values")
    assert (agent.action_count, agent.output, agent.facts.format) == (5, "q_values", "factory")
    assert len(agent.facts.checkpoint.sha256) == 64
    assert agent.facts.checkpoint.sha256 == load_agent(f"{module}:network", output="logits").facts.checkpoint.sha256


def test_weights_are_put_into_the_factorys_network(module: str, tmp_path: Path) -> None:
    torch.manual_seed(11)
    network = nn.Sequential(nn.Conv2d(4, 3, 12, 12), nn.ELU(), nn.Flatten(), nn.Linear(3 * 49, 5))
    torch.save({"model": network.state_dict()}, tmp_path / "own.pt")
    agent = load_agent(tmp_path / "own.pt", factory=f"{module}:network", output="logits")
    pixels = as_inputs(observations(10))
    assert largest_difference(agent.scores(pixels)[0], network(torch.from_numpy(pixels))) <= 1e-5
    torch.save({"0.weight": torch.ones(3, 4, 8, 8)}, tmp_path / "other.pt")
    with pytest.raises(CheckpointError, match="does not fit"):
        load_agent(tmp_path / "other.pt", factory=f"{module}:network", output="logits")


def test_a_network_with_a_critic_is_taken_for_a_policy_and_that_is_said(module: str) -> None:
    agent = load_agent(f"{module}:with_critic")
    assert agent.output == "logits"
    assert any(line.startswith("scores are logits") for line in agent.facts.assumed)


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        ("network", UsageError, "say which: --output-kind logits or q_values"),
        ("broken", UsageError, "failed: RuntimeError: the wheel came off"),
        ("missing", UsageError, "failed: AttributeError"),
        ("number", UsageError, "returned int, not a torch.nn.Module"),
        ("flat", UsageError, "without parameters"),
        ("double", CheckpointError, r"weights are float64, inputs are float32: return it after \.float\(\)"),
        ("picture", CheckpointError, r"scores \(2, actions\), or scores and values"),
    ],
)
def test_a_factory_that_gives_no_agent_is_refused(
    module: str, function: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        load_agent(f"{module}:{function}")


def test_a_network_that_cannot_take_the_input_is_refused(module: str) -> None:
    with pytest.raises(CheckpointError, match=r"cannot take inputs \(2, 7, 84, 84\).* say --stack, --height, --width"):
        load_agent(f"{module}:network", output="logits", preprocessing={"stack": 7})


def test_a_module_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match="failed: ModuleNotFoundError"):
        load_agent("no_such_module_anywhere:network")

"""A network that is not ready is refused with the cure, and a plan that is not its network is never used."""

import random
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import jaxtyping
import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, weight_norm

from inspector.errors import InspectorError, UnsupportedError, UsageError
from inspector.lrp import Epsilon, Explainer, Taylor, make_explainer
from tests.lrp.networks import screens, small


@pytest.fixture
def _unchecked() -> Iterator[None]:
    """As users run it: tests check the types of all arguments, before anything of ours can."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def spectral() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(parametrizations.spectral_norm(nn.Linear(4, 4)), nn.ReLU(), nn.Linear(4, 2))


def compiled() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own
        return torch.compile(nn.Linear(4, 2))


def old_weight_norm() -> nn.Module:
    with pytest.warns(FutureWarning, match="weight_norm"):
        return nn.Sequential(weight_norm(nn.Linear(4, 2)))


UNREADY: dict[str, tuple[Callable[[], Any], str]] = {
    "a function": (lambda: torch.relu, r"^the network is a builtin_function_or_method: pass a torch.nn.Module$"),
    "nothing": (lambda: None, r"^the network is a NoneType: pass a torch.nn.Module$"),
    "half precision": (
        lambda: nn.Sequential(nn.Linear(4, 2)).half(),
        r"^the weights of Linear \(0\) are torch.float16: call network.float\(\) before explaining$",
    ),
    "no weights yet": (
        lambda: nn.Sequential(nn.LazyLinear(2)),
        r"^LazyLinear \(0\) has no weights yet: call the network once before explaining$",
    ),
    "spread over devices": (
        lambda: nn.DataParallel(nn.Linear(4, 2)),
        r"^DataParallel \(the network itself\) spreads a network over devices: pass its .module$",
    ),
    "a spectral norm that learns": (
        spectral,
        r"^the weights of ParametrizedLinear \(0\) change whenever they are read: call network.eval\(\) before",
    ),
    "compiled": (
        compiled,
        r"^OptimizedModule \(the network itself\) is compiled, and cannot be traced: pass the module that it was made",
    ),
    "a weight norm of old": (
        old_weight_norm,
        r"^Linear \(0\) has no rule: a hook makes its weight: use that of torch.nn.utils.parametrizations",
    ),
}


@pytest.mark.usefixtures("_unchecked")
@pytest.mark.parametrize("name", UNREADY)
def test_a_network_that_is_not_ready_is_refused_with_the_cure(name: str) -> None:
    make, message = UNREADY[name]
    with pytest.raises(InspectorError, match=message):
        Explainer(make())


@pytest.mark.usefixtures("_unchecked")
@pytest.mark.parametrize("name", ["a function", "half precision", "no weights yet", "spread over devices"])
def test_so_it_is_by_the_methods_by_gradients(name: str) -> None:
    make, message = UNREADY[name]
    with pytest.raises(UsageError, match=message):
        make_explainer(make(), "taylor")


def test_a_spectral_norm_that_learns_is_not_moved_on_and_one_that_does_not_is_explained() -> None:
    network, inputs = spectral(), torch.rand(2, 4)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(UsageError, match="change whenever they are read"):
        Explainer(network)
    explainer = Explainer(network.eval())
    assert torch.allclose(explainer(inputs).outputs.scores, network(inputs))
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    network.train()
    with pytest.raises(UsageError, match="change whenever they are read"):
        explainer(inputs)


def test_a_hook_on_a_module_that_holds_others_is_refused_and_not_run() -> None:
    seen: list[object] = []
    network = nn.Sequential(nn.Sequential(nn.Linear(2, 2), nn.ReLU()), nn.Linear(2, 2))
    network[0].register_forward_hook(lambda module, inputs, output: seen.append(output))
    with pytest.raises(UnsupportedError, match=r"^Sequential \(0\) has no rule: it has forward hooks, .*remove them$"):
        Explainer(network)
    assert seen == []


class Fickle(nn.Module):
    """Its forward does something else at every call, or something that a trace does not see."""

    def __init__(self, way: Callable[["Fickle", Tensor], Tensor]) -> None:
        super().__init__()
        self.way, self.head = way, nn.Linear(4, 2)
        self.register_buffer("called", torch.zeros(()))
        self.count = 0

    def forward(self, x: Tensor) -> Tensor:
        return self.way(self, x)


def counting(self: Fickle, x: Tensor) -> Tensor:
    self.count += 1
    if isinstance(self.called, Tensor) and not hasattr(self.called, "node"):
        self.called.add_(1)
    scores: Tensor = self.head(x)
    return scores


FICKLE: dict[str, Callable[[Fickle, Tensor], Tensor]] = {
    "noise of the shape of the input": lambda self, x: self.head(x + torch.rand(x.shape)),
    "noise without a shape of the input": lambda self, x: self.head(x + torch.rand(4)),
    "noise that the trace has fixed": lambda self, x: self.head(x) + random.random(),
    "a way of its own for a whole number": lambda self, x: self.head(x if isinstance(x.shape[1], int) else -x),
}


@pytest.mark.parametrize("name", FICKLE)
def test_a_plan_that_gives_other_scores_than_its_network_is_refused_at_its_first_call(name: str) -> None:
    torch.manual_seed(0)
    explainer = Explainer(Fickle(FICKLE[name]))
    for _ in range(2):
        with pytest.raises(UnsupportedError, match=r"^the network gives other scores than its trace, by up to \d"):
            explainer(torch.rand(3, 4))


def test_comparing_happens_once_and_leaves_no_trace_on_the_network() -> None:
    torch.manual_seed(0)
    network = Fickle(counting)
    explainer, inputs, state = Explainer(network), torch.rand(3, 4), torch.random.get_rng_state()
    for _ in range(3):
        explainer(inputs)
    assert network.count == 0
    assert network.called == 0
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_network_that_writes_into_its_input_gets_a_copy() -> None:
    network = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(4, 2))
    inputs = torch.randn(3, 4)
    before = inputs.clone()
    Explainer(network)(inputs)
    assert torch.equal(inputs, before)


def test_scores_that_are_nothing_but_rounding_are_no_fault() -> None:
    """The first layer is folded with its batch norm, which rounds otherwise; then all but rounding cancels."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.Linear(64, 2)).eval().requires_grad_(False)
    network[1].running_var.uniform_(0.1, 9)
    network[1].running_mean.uniform_(-9, 9)
    network[2].weight *= 1000
    inputs = torch.rand(1, 64).expand(3, 64).clone()
    network[2].bias -= network(inputs)[0]
    assert network(inputs).abs().max() < 0.01
    found = Explainer(network)(inputs).outputs.scores
    assert (found - network(inputs)).abs().max() > network(inputs).abs().max() / 100


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_first_batch_that_is_not_finite_is_no_fault(precision: Any) -> None:
    explainer, inputs = Explainer(small().float(), precision=precision), screens(4, frames=2, size=12)
    inputs[1, 0, 3, 4] = torch.nan
    assert explainer(inputs).finite.tolist() == [True, False, True, True]


# --- arguments of a wrong kind ---------------------------------------------------------------------------------------


WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "a list of numbers": (
        lambda: Explainer(small())([[1.0] * 6]),
        r"^inputs are a list: pass a torch tensor, float \(batch, \*shape\)$",
    ),
    "no inputs": (lambda: Explainer(small())(None), r"^inputs are a NoneType: pass a torch tensor"),
    "an array": (lambda: Explainer(small())(np.zeros((1, 2))), r"^inputs are a ndarray: pass a torch tensor"),
    "an array to a gradient": (lambda: Taylor(small())(np.zeros((1, 2))), r"^inputs are a ndarray: pass a torch"),
    "one bound": (lambda: Explainer(small(), input_bounds=1.0), r"^input_bounds are 1.0: pass two finite numbers"),
    "three bounds": (lambda: Explainer(small(), input_bounds=(0, 1, 2)), r"^input_bounds are \(0, 1, 2\): pass two"),
    "bounds in words": (lambda: Explainer(small(), input_bounds="ab"), r"^input_bounds are ab: pass two finite"),
    "no composite": (lambda: Explainer(small(), None), r"^the composite is a NoneType: pass a preset's name, a TOML"),
    "a rule": (lambda: Explainer(small(), Epsilon()), r"^the composite is a Epsilon: pass a preset's name, a TOML"),
    "a dictionary": (lambda: Explainer(small(), {"dense": "epsilon"}), r"^the composite is a dict: pass a preset's"),
    "no target": (lambda: explained(None), r"^there is no target None: choose score, contrast, advantage, value, or"),
    "a target in a tuple": (lambda: explained(("score",)), r"^there is no target \('score',\): choose score, contrast"),
    "a target in a list": (lambda: explained(["a"]), r"^there is no target \['a'\]: choose score"),
    "a target too large": (lambda: explained(2**70), rf"^there is no target {2**70}: choose score"),
    "an action by name": (lambda: explained(actions="LEFT"), r"^there is no action 'LEFT': choose the index of a sc"),
    "no action in a list": (lambda: explained(actions=[None]), r"^there is no action \[None\]: choose the index"),
}


def explained(target: Any = "score", actions: Any = None) -> object:
    return Explainer(small().float())(screens(1, frames=2, size=12), target, actions=actions)


@pytest.mark.usefixtures("_unchecked")
@pytest.mark.parametrize("name", WRONG)
def test_an_argument_of_a_wrong_kind_is_refused_with_what_to_pass(name: str) -> None:
    wrong, message = WRONG[name]
    with pytest.raises(UsageError, match=message):
        wrong()

"""Which networks can be explained, however they are written, and which are refused."""

import warnings
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from inspector.errors import UnsupportedError, UsageError
from inspector.lrp import COMPOSITES, Composite, Explainer, Flat, Signal
from inspector.lrp.graph import make_plan
from tests.lrp.networks import started


class Written(nn.Module):
    """Two convolutions and two dense layers; `way` says how they are put together."""

    def __init__(self, way: Callable[["Written", Tensor], object]) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(2, 4, 3, 2), nn.Conv2d(4, 3, 2)
        self.three, self.four = nn.Linear(12, 6), nn.Linear(6, 3)
        self.relu, self.flatten, self.overwriting = nn.ReLU(), nn.Flatten(), nn.ReLU(inplace=True)
        self.dropout, self.batch_norm = nn.Dropout(), nn.BatchNorm2d(4)
        self.register_buffer("scale", torch.tensor(255.0, dtype=torch.float64))
        self.nothing, self.way = nn.Sequential(nn.Identity(), nn.Sequential()), way

    def forward(self, inputs: Tensor) -> object:
        return self.way(self, inputs)


def network(way: Callable[[Written, Tensor], object]) -> nn.Module:
    return started(Written(way)).double()


def plain(self: Written, x: Tensor) -> Tensor:
    x = self.relu(self.two(self.relu(self.one(x))))
    return self.four(self.relu(self.three(self.flatten(x))))


def convolved(self: Written, x: Tensor) -> Tensor:
    return self.two(self.relu(self.one(x))).relu()


def dense(self: Written, x: Tensor) -> Tensor:
    return self.four(self.relu(self.three(x)))


@pytest.fixture
def inputs() -> Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.rand(3, 2, 7, 7, generator=generator, dtype=torch.float64)


SAME: dict[str, Callable[[Written, Tensor], object]] = {
    "functional relu": lambda self, x: dense(
        self, functional.relu(self.two(torch.relu(self.one(x))).relu()).flatten(1)
    ),
    "relu in place": lambda self, x: dense(
        self, self.overwriting(self.two(functional.relu(self.one(x), inplace=True)).relu_()).flatten(1)
    ),
    "torch.flatten": lambda self, x: dense(self, torch.flatten(convolved(self, x), start_dim=1)),
    "view by size": lambda self, x: dense(self, convolved(self, x).view(x.size(0), -1)),
    "view by shape": lambda self, x: dense(self, convolved(self, x).contiguous().view(x.shape[0], 12)),
    "view by a tuple": lambda self, x: dense(self, convolved(self, x).view((-1, 12))),
    "reshape": lambda self, x: dense(self, convolved(self, x).reshape(x.size()[0], -1)),
    "torch.reshape": lambda self, x: dense(self, torch.reshape(convolved(self, x), (-1, 12))),
    "squeeze and unsqueeze": lambda self, x: dense(self, convolved(self, x).unsqueeze(1).squeeze(1).flatten(1)),
    "dropout in evaluation": lambda self, x: functional.dropout(
        dense(self, self.dropout(convolved(self, x)).flatten(1)), 0.5, self.training
    ),
    "identity": lambda self, x: self.nothing(plain(self, x)),
    "float": lambda self, x: plain(self, x.double()),
    "scaled to and fro": lambda self, x: plain(self, 0.5 * (x * 6).mul(1.5).div(4.5)),
    "a stored scale": lambda self, x: plain(self, x * self.scale / self.scale),
    "a tuple without critic": lambda self, x: (plain(self, x), None),
    "functional linear": lambda self, x: functional.linear(
        functional.linear(convolved(self, x).flatten(1), self.three.weight, self.three.bias).relu(),
        weight=self.four.weight,
        bias=self.four.bias,
    ),
    "functional convolution": lambda self, x: dense(
        self,
        functional.conv2d(
            functional.conv2d(x, self.one.weight, self.one.bias, 2).relu(), self.two.weight, bias=self.two.bias
        )
        .relu()
        .flatten(1),
    ),
    "scaled by a computed scale": lambda self, x: plain(self, x * (1 / self.scale) * self.scale),
    "moved to and fro": lambda self, x: plain(self, ((x + 3).sub(self.scale) - 1) + (self.scale - 2)),
    "turned round twice": lambda self, x: plain(self, -(x * -1)),
    "an addition of nothing": lambda self, x: plain(self, torch.add(x, 0, alpha=2)),
    "unused work": lambda self, x: (torch.tanh(x), plain(self, x))[1],
    "a check of the type": lambda self, x: plain(self, x) if isinstance(x, Tensor) else None,
}


@pytest.mark.parametrize("way", SAME)
def test_a_network_written_otherwise_is_explained_alike(way: str, inputs: Tensor) -> None:
    expected = Explainer(network(plain), "epsilon_plus")(inputs)
    found = Explainer(network(SAME[way]), "epsilon_plus")(inputs)
    assert torch.allclose(found.outputs.scores, expected.outputs.scores, rtol=1e-12)
    assert torch.allclose(found.values, expected.values, rtol=0, atol=1e-12)


def test_a_relu_of_any_spelling_passes_relevance_without_a_mask(inputs: Tensor) -> None:
    """Under a flat rule dead units carry relevance, so a mask would show."""
    flat = Composite(dense=Flat(), convolution=Flat())
    expected = Explainer(network(plain), flat)(inputs)
    assert expected.values.flatten(1).sum(1).abs().min() > 1e-3
    for way in ("functional relu", "relu in place"):
        assert torch.allclose(Explainer(network(SAME[way]), flat)(inputs).values, expected.values, rtol=0, atol=1e-12)


def test_a_stored_scale_is_read_anew(inputs: Tensor) -> None:
    scaling = network(lambda self, x: plain(self, x / self.scale))
    explainer = Explainer(scaling)
    explainer(inputs)
    scaling.scale.fill_(2.0)
    assert torch.equal(explainer(inputs).values, Explainer(scaling)(inputs).values)
    assert torch.allclose(explainer(inputs * 2).outputs.scores, network(plain)(inputs), rtol=1e-12)


def test_a_trunk_shared_by_two_heads_collects_what_both_send(inputs: Tensor) -> None:
    def both_heads(self: Written, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.three(convolved(self, x).flatten(1)).relu()
        return self.four(features), self.four(features)

    plan = make_plan(network(both_heads), COMPOSITES["epsilon_plus"])
    with torch.inference_mode():
        signals = plan.forward(Signal(inputs))
        assert plan.value is not None
        starts = {index: torch.randn_like(signals[index].tensor) for index in (plan.scores, plan.value)}
        (together,), ledger = plan.backward(signals, {index: start.clone() for index, start in starts.items()})
        apart = [plan.backward(signals, {index: start.clone()}) for index, start in starts.items()]
    assert torch.allclose(together, apart[0][0][0] + apart[1][0][0], rtol=0, atol=1e-12)
    for part, share in ledger.items():
        assert torch.allclose(share, apart[0][1][part] + apart[1][1][part], rtol=0, atol=1e-12)


def test_a_layer_used_twice_is_explained_with_what_it_saw_each_time() -> None:
    torch.manual_seed(0)
    shared, last = nn.Linear(4, 4), nn.Linear(4, 2)
    twice = nn.Sequential(shared, nn.ReLU(), shared, nn.ReLU(), last).double()
    again = nn.Linear(4, 4).double()
    again.load_state_dict(shared.state_dict())
    once_each = nn.Sequential(shared, nn.ReLU(), again, nn.ReLU(), last)
    inputs = torch.rand(3, 4, dtype=torch.float64)
    assert torch.equal(Explainer(twice)(inputs).values, Explainer(once_each)(inputs).values)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_a_padding_by_name_is_understood(padding: str) -> None:
    torch.manual_seed(0)
    named = nn.Conv2d(1, 2, 3, padding=padding, dilation=2)
    numbered = nn.Conv2d(1, 2, 3, padding=2 if padding == "same" else 0, dilation=2)
    numbered.load_state_dict(named.state_dict())
    head = nn.Sequential(nn.Flatten(), nn.LazyLinear(2))
    inputs = torch.rand(2, 1, 6, 6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        head(named(inputs))
    by_name, by_number = (Explainer(nn.Sequential(layer, head))(inputs) for layer in (named, numbered))
    assert torch.equal(by_name.values, by_number.values)


REFUSED: dict[str, tuple[Callable[[Written, Tensor], object], str]] = {
    "softmax": (
        lambda self, x: torch.softmax(plain(self, x), 1),
        r"softmax \(in the network's own forward\) has no rule: let the network return the scores before it",
    ),
    "division by the input": (lambda self, x: plain(self, 1 / x), r"truediv \(in the network's own forward\)"),
    "division in whole numbers": (lambda self, x: plain(self, torch.div(x, 2, rounding_mode="floor")), r"div \("),
    "one decision of the batch": (
        lambda self, x: plain(self, x[0]),
        r"getitem \(in the network's own forward\) has no rule: it takes single decisions out of a batch",
    ),
    "a mean over the batch": (
        lambda self, x: plain(self, x - x.mean()),
        r"mean \(in the network's own forward\) has no rule: it runs over the whole batch: name the dimensions",
    ),
    "batches one after another": (
        lambda self, x: plain(self, torch.stack([x, x])),
        r"stack \(in the network's own forward\) has no rule: it stacks batches: keep the first dimension",
    ),
    "a batch in pieces": (lambda self, x: plain(self, x.chunk(2)[0]), r"chunk \(in .*it takes the batch apart"),
    "padding with a value": (
        lambda self, x: plain(self, functional.pad(x, (1, 1), value=2.0)),
        r"pad \(in the network's own forward\) has no rule: it pads with 2: only padding with zeros",
    ),
    "an unknown function": (
        lambda self, x: plain(self, torch.cumsum(x, 1)),
        r"cumsum \(in the network's own forward\) has no rule: write it with operations that have one, let the "
        r"network return the scores before it, or give it a rule: inspector\.lrp\.register_rule",
    ),
    "an unknown method": (lambda self, x: plain(self, x.cumsum(1)), r"cumsum \(in .* inspector.lrp.register_rule"),
    "a product of matrices": (lambda self, x: plain(self, x @ x), r"matmul \(in .* inspector.lrp.register_rule"),
    "branching on values": (
        lambda self, x: plain(self, x) if x.sum() > 0 else plain(self, -x),
        r"the forward of Written cannot be traced \(.*\): let it take one tensor, not branch on values",
    ),
    "leaving torch": (lambda self, x: plain(self, torch.from_numpy(x.numpy())), "cannot be traced|has no rule"),
    "a dictionary": (lambda self, x: {"scores": plain(self, x)}, "returns something else than scores or a pair"),
    "three outputs": (lambda self, x: (plain(self, x),) * 3, "returns something else than scores or a pair"),
    "overwriting what is read again": (
        lambda self, x: (lambda y: dense(self, (self.overwriting(y), self.two(y))[1].flatten(1)))(self.one(x)),
        r"ReLU \(overwriting\) has no rule: it overwrites a tensor that is used again",
    ),
    "overwriting what a view shows": (
        lambda self, x: (lambda y, view: (functional.relu_(y), self.three(view))[1])(
            *(lambda y: (y, y.flatten(1)))(self.two(self.one(x)))
        ),
        r"relu_ \(in the network's own forward\) has no rule: it overwrites a tensor that is used again",
    ),
    "overwriting through a view": (
        lambda self, x: (lambda y: (functional.relu_(y.flatten(1)), dense(self, self.two(y).flatten(1)))[1])(
            self.one(x)
        ),
        r"relu_ \(in the network's own forward\) has no rule: it overwrites a tensor that is used again",
    ),
}


def added_in_place(x: Tensor, y: Tensor) -> Tensor:
    x += y
    return x


RESIDUAL: dict[str, Callable[[Written, Tensor], Tensor]] = {
    "y += x": lambda self, x: added_in_place(self.relu(self.three(x)), x),
    "x += y, x read before": lambda self, x: (lambda z: added_in_place(z, self.relu(self.three(z))))(x * 1.0),
    "x.add_(y)": lambda self, x: (lambda z: z.add_(self.relu(self.three(z))))(x * 1.0),
    "torch.add": lambda self, x: torch.add(x, other=self.relu(self.three(x))),
    "ReLU in place on the branch": lambda self, x: x + self.overwriting(self.three(x)),
}


@pytest.mark.parametrize("way", RESIDUAL)
def test_a_residual_sum_of_any_spelling_is_the_same_sum(way: str) -> None:
    """What is overwritten may have been read before, only not after."""

    def network_of(residual: Callable[[Written, Tensor], Tensor]) -> nn.Module:
        written = started(Written(lambda self, x: self.four(residual(self, x)))).double()
        torch.manual_seed(3)
        written.three, written.four = nn.Linear(5, 5).double(), nn.Linear(5, 3).double()
        return written

    inputs = torch.randn(4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    expected = Explainer(network_of(lambda self, x: x + self.relu(self.three(x))), "epsilon")(inputs)
    found = Explainer(network_of(RESIDUAL[way]), "epsilon")(inputs)
    assert torch.allclose(found.outputs.scores, expected.outputs.scores, rtol=1e-12)
    assert torch.allclose(found.values, expected.values, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("way", REFUSED)
def test_what_has_no_rule_is_refused_by_name_and_place(way: str) -> None:
    written, message = REFUSED[way]
    with pytest.raises(UnsupportedError, match=message):
        Explainer(network(written))


def test_the_place_of_an_operation_deep_inside_is_named() -> None:
    class Sorted(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.sort(x, 1)[0]

    deep = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU(), Sorted()))
    with pytest.raises(UnsupportedError, match=r"^sort \(1\.1\) has no rule"):
        Explainer(deep)


@pytest.mark.parametrize("at", [0, 1])
def test_a_module_with_hooks_is_refused(at: int) -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    network[at].register_forward_hook(lambda module, inputs, output: output * 2)
    with pytest.raises(UnsupportedError, match=rf" \({at}\) has no rule: it has forward hooks"):
        Explainer(network)


def test_a_parametrized_weight_is_read_as_it_is_now() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2)).double()
    nn.utils.parametrizations.weight_norm(network[0])
    explainer, inputs = Explainer(network), torch.rand(2, 1, 4, 4, dtype=torch.float64)
    before = explainer(inputs)
    network[0].parametrizations.weight.original0.data *= 3
    after = explainer(inputs)
    assert not torch.allclose(after.values, before.values)
    assert torch.equal(after.outputs.scores, network(inputs))
    nn.utils.parametrize.remove_parametrizations(network[0], "weight")
    assert torch.allclose(Explainer(network)(inputs).values, after.values, rtol=0, atol=1e-12)


@pytest.mark.parametrize("way", [lambda self, x: plain(self, x.flatten()), lambda self, x: dense(self, x.view(-1, 12))])
def test_a_reshape_that_mixes_decisions_is_refused(way: Callable[[Written, Tensor], object], inputs: Tensor) -> None:
    with pytest.raises((UnsupportedError, UsageError), match=r"mixes the decisions|do not fit"):
        Explainer(network(way))(inputs)


def test_a_dropout_in_training_is_refused() -> None:
    always = network(lambda self, x: functional.dropout(plain(self, x)))
    with pytest.raises(UsageError, match=r"dropout \(in the network's own forward\) is active: call network.eval\(\)"):
        Explainer(always)
    training = network(lambda self, x: plain(self, self.dropout(x))).train()
    with pytest.raises(UsageError, match=r"Dropout \(dropout\) is active"):
        Explainer(training)

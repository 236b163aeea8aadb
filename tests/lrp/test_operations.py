"""Operations without weights: each against gradient times input of a network in which its rule is spelled out.

With epsilon rules and next to no stabiliser, relevance is the gradient times the input. Where a rule is not the
gradient, the oracle says so by what it takes for constant: y = x * (y / x).detach() passes relevance on as it is.
"""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from inspector.errors import InspectorError, UnsupportedError, UsageError
from inspector.lrp import Composite, Epsilon, Explainer, Explanation, Flat, WSquare, ZPlus, fusing, sums
from inspector.lrp.graph import make_plan
from inspector.lrp.signal import Signal

Way = Callable[[Tensor], Tensor]
TINY = 1e-15
EPSILON = Composite(dense=Epsilon(TINY), convolution=Epsilon(TINY))


@pytest.fixture(autouse=True)
def _next_to_no_stabiliser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "STABILISER", TINY)
    monkeypatch.setattr(fusing, "STABILISER", TINY)


class Around(nn.Module):
    """A convolution, the operation in question, and a dense layer."""

    def __init__(self, shape: tuple[int, ...], way: Way) -> None:
        super().__init__()
        torch.manual_seed(7)
        convolution = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[len(shape) - 1]
        self.convolution, self.way = convolution(shape[0], 4, 1).double(), way
        nn.init.uniform_(self.convolution.bias, -0.5, 0.5)
        with torch.no_grad():
            features = way(self.convolution(torch.rand(2, *shape, dtype=torch.float64))).flatten(1).shape[1]
        self.dense = nn.Linear(features, 3).double()

    def forward(self, x: Tensor) -> Tensor:
        return self.dense(self.way(self.convolution(x)).flatten(1))


def gradient_times_input(network: nn.Module, inputs: Tensor) -> Tensor:
    inputs = inputs.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(network(inputs).max(1).values.sum(), inputs)
    return (gradient * inputs).detach()


def assert_closed(explanation: Explanation) -> None:
    total = torch.stack(list(explanation.ledger.values())).sum(0)
    scale = torch.maximum(explanation.score.abs(), explanation.values.abs().flatten(1).sum(1))
    assert ((total - explanation.score).abs() <= 1e-9 * scale).all()


SHAPES = {1: (2, 9), 2: (2, 6, 5), 3: (2, 4, 5, 4)}
LINE: dict[str, Way] = {
    "max_pool1d": lambda x: functional.max_pool1d(x, 3, 2, 1),
    "MaxPool1d with dilation": nn.MaxPool1d(2, 1, dilation=3),
    "MaxPool1d that rounds up": nn.MaxPool1d(2, 2, ceil_mode=True),
    "AvgPool1d": nn.AvgPool1d(3, 2, 1),
    "adaptive_avg_pool1d": lambda x: functional.adaptive_avg_pool1d(x, 4),
    "AdaptiveMaxPool1d": nn.AdaptiveMaxPool1d(4),
    "interpolate": lambda x: functional.interpolate(x, scale_factor=2.0, mode="linear", align_corners=False),
    "ReflectionPad1d": nn.ReflectionPad1d((2, 1)),
    "ReplicationPad1d": nn.ReplicationPad1d(2),
    "ConstantPad1d": nn.ConstantPad1d((1, 2), 0.0),
    "a map of one channel in a line": nn.Sequential(nn.Flatten(), nn.MaxPool1d(2)),
    "places as features": nn.Sequential(nn.Flatten(), nn.AvgPool1d(2)),
}
PLANE: dict[str, Way] = {
    "max_pool2d": lambda x: functional.max_pool2d(x, kernel_size=2),
    "torch.max_pool2d": lambda x: torch.max_pool2d(x, [2, 3], [1, 2]),
    "MaxPool2d with padding": nn.MaxPool2d(3, 2, 1),
    "MaxPool2d with dilation": nn.MaxPool2d((2, 2), 1, 0, (2, 1)),
    "MaxPool2d that rounds up": nn.MaxPool2d(2, ceil_mode=True),
    "AvgPool2d": nn.AvgPool2d((2, 3), 1),
    "AvgPool2d that leaves padding out": nn.AvgPool2d(3, 2, 1, count_include_pad=False),
    "AvgPool2d with a divisor": nn.AvgPool2d(2, divisor_override=3),
    "AvgPool2d that rounds up": nn.AvgPool2d(2, ceil_mode=True),
    "avg_pool2d": lambda x: functional.avg_pool2d(x, 2, stride=1),
    "AdaptiveAvgPool2d": nn.AdaptiveAvgPool2d((4, 2)),
    "AdaptiveAvgPool2d to the size it has": nn.AdaptiveAvgPool2d((None, 2)),
    "adaptive_avg_pool2d": lambda x: functional.adaptive_avg_pool2d(x, 1),
    "AdaptiveMaxPool2d": nn.AdaptiveMaxPool2d((4, 2)),
    "adaptive_max_pool2d": lambda x: functional.adaptive_max_pool2d(x, (1, 3)),
    "Upsample": nn.Upsample(scale_factor=2),
    "Upsample between": nn.Upsample(size=(7, 7), mode="bilinear", align_corners=True),
    "interpolate": lambda x: functional.interpolate(x, size=(3, 9), mode="nearest"),
    "pad": lambda x: functional.pad(x, (1, 0, 2, 1)),
    "pad that cuts": lambda x: functional.pad(x, (-1, 2)),
    "pad that reflects": lambda x: functional.pad(x, (1, 1, 2, 2), mode="reflect"),
    "pad round the edge": lambda x: functional.pad(x, (1, 1, 2, 2), "circular"),
    "ZeroPad2d": nn.ZeroPad2d((0, 1, 2, 0)),
    "ReplicationPad2d": nn.ReplicationPad2d(1),
    "PixelShuffle": nn.PixelShuffle(2),
    "PixelUnshuffle": nn.Sequential(nn.ZeroPad2d((0, 1, 0, 0)), nn.PixelUnshuffle(2)),
    "mean over places": lambda x: x.mean((2, 3)),
    "mean over channels": lambda x: torch.mean(x, dim=1, keepdim=True),
    "sum over a row": lambda x: x.sum(-1),
    "torch.sum": lambda x: torch.sum(x, (1, 3), keepdim=True),
    "the mean of each decision": lambda x: x.mean(dim=(-1, -2, -3), keepdim=True),
    "permute": lambda x: x.permute(0, 2, 3, 1),
    "permute by a tuple": lambda x: torch.permute(x, (0, 3, 1, 2)),
    "transpose": lambda x: x.transpose(1, -1),
    "movedim": lambda x: torch.movedim(x, 1, 3),
    "flip": lambda x: x.flip(2, 3),
    "torch.flip": lambda x: torch.flip(x, [1]),
    "roll": lambda x: torch.roll(x, (1, 2), (2, 3)),
    "repeat": lambda x: x.repeat(1, 2, 1, 1),
    "repeat_interleave": lambda x: x.repeat_interleave(2, dim=1),
    "expand": lambda x: x[:, :1].expand(-1, 3, -1, -1),
    "narrow": lambda x: x.narrow(2, 1, 3),
    "select": lambda x: x.select(1, 2),
    "a slice": lambda x: x[:, 1:, ::2, -3:],
    "a place": lambda x: x[:, :, 2, 3],
    "from the end": lambda x: x[..., -1],
    "chosen channels": lambda x: x[:, [3, 0, 0]],
    "a new dimension": lambda x: x[:, None, :, 1],
    "chunk": lambda x: x.chunk(2, 1)[1],
    "split": lambda x: torch.split(x, [1, 3], dim=1)[1],
    "unbind": lambda x: x.unbind(1)[2],
    "pieces joined otherwise": lambda x: torch.cat([x.chunk(2, dim=1)[1], x.chunk(2, dim=1)[0]], -1),
    "stack": lambda x: torch.stack([x, x.flip(1)], 2),
    "unflatten": lambda x: x.unflatten(1, (2, 2)),
    "Unflatten": nn.Unflatten(1, (2, 2)),
    "squeeze": lambda x: x[:, :1].squeeze(1),
    "unsqueeze": lambda x: x.unsqueeze(2),
    "view": lambda x: x.contiguous().view(x.size(0), 2, -1),
    "reshape by the shape": lambda x: x.reshape(x.shape[0], x.shape[1] * 5, -1),
    "sum with itself": lambda x: x + x,
    "sum with its relu": lambda x: x + x.relu(),
    "less its relu": lambda x: torch.sub(x.relu(), x),
    "plus twice its relu": lambda x: x + 2 * x.relu(),
    "sum in place": lambda x: (lambda y: y.add_(x))(x * 2),
    "sum that spreads": lambda x: x.mean(1, keepdim=True) + x.relu(),
    "less its mean": lambda x: x - x.mean((2, 3), keepdim=True),
    "three terms": lambda x: x.flip(1) + x.relu() - x.mean(1, keepdim=True),
    "a scale": lambda x: x * 2.5 / 4,
    "a scale below 0": lambda x: (-x).relu() * -0.5,
    "a scale of nothing": lambda x: torch.cat([x * 0.0, x], 1),
    "scales of each channel": lambda x: x * torch.tensor([1.0, -2.0, 0.0, 0.5])[:, None, None].double(),
    "divided": lambda x: torch.div(x, 3.0),
    "LeakyReLU": nn.LeakyReLU(0.1),
    "ReLU": lambda x: functional.relu(x),
    "dropout": lambda x: functional.dropout2d(x, 0.5, False),
    "Identity": nn.Identity(),
    "detach and clone": lambda x: x.clone().contiguous().double(),
}
VOLUME: dict[str, Way] = {
    "MaxPool3d": nn.MaxPool3d(2, 1, 1),
    "max_pool3d": lambda x: functional.max_pool3d(x, (1, 2, 2)),
    "AvgPool3d": nn.AvgPool3d(2),
    "AdaptiveAvgPool3d": nn.AdaptiveAvgPool3d((1, 2, 3)),
    "AdaptiveMaxPool3d": nn.AdaptiveMaxPool3d(2),
    "ReplicationPad3d": nn.ReplicationPad3d(1),
    "frames as channels": lambda x: x.transpose(1, 2).flatten(1, 2),
    "the last frame": lambda x: x[:, :, -1],
    "mean over time": lambda x: x.mean(2),
}
CASES = [
    *((1, name, way) for name, way in LINE.items()),
    *((2, name, way) for name, way in PLANE.items()),
    *((3, name, way) for name, way in VOLUME.items()),
]


@pytest.mark.parametrize(("dimensions", "way"), [(n, way) for n, _, way in CASES], ids=[name for _, name, _ in CASES])
def test_a_piecewise_linear_operation_is_explained_as_its_gradient_says(dimensions: int, way: Way) -> None:
    network = Around(SHAPES[dimensions], way)
    inputs = torch.randn(3, *SHAPES[dimensions], dtype=torch.float64)
    expected, explanation = gradient_times_input(network, inputs), Explainer(network, EPSILON)(inputs)
    assert torch.allclose(explanation.outputs.scores, network(inputs), rtol=1e-12)
    assert (explanation.values - expected).abs().max() <= 1e-9 * expected.abs().max()
    assert_closed(explanation)


def passing(function: Way) -> Way:
    """What keeps relevance as it is: its output, as a factor times its input."""
    return lambda x: x * (function(x) / x).detach()


SPELLED: dict[str, tuple[Way, Way]] = {
    **{
        name: (way, passing(way))
        for name, way in {
            "tanh": torch.tanh,
            "Tanh": nn.Tanh(),
            "sigmoid": lambda x: x.sigmoid(),
            "Sigmoid": nn.Sigmoid(),
            "elu": functional.elu,
            "GELU": nn.GELU("tanh"),
            "silu": lambda x: functional.silu(x),
            "softplus": functional.softplus,
            "clamp": lambda x: x.clamp(min=-0.2),
            "hardtanh": functional.hardtanh,
            "LayerNorm": nn.LayerNorm((4, 6, 5)).double(),
            "layer_norm": lambda x: functional.layer_norm(x, (6, 5)),
            "GroupNorm": nn.GroupNorm(2, 4).double(),
            "InstanceNorm2d": nn.InstanceNorm2d(4),
            "LocalResponseNorm": nn.LocalResponseNorm(3),
            "local_response_norm": lambda x: functional.local_response_norm(x, 2),
            "a move": lambda x: x + 0.7,
            "a move backward": lambda x: 0.3 - x,
            "a scale and a move": lambda x: (x * 4 - 1) / 3,
            "a move of each channel": lambda x: x + torch.tensor([1.0, -2.0, 0.1, 0.5])[:, None, None].double(),
        }.items()
    },
    "a gate": (lambda x: torch.sigmoid(x.flip(1)) * x, lambda x: torch.sigmoid(x.flip(1)).detach() * x),
    "a gate behind": (lambda x: x.mul(x.mean(1, keepdim=True).sigmoid()),) * 2,
    "a gate of each channel": (
        lambda x: x * functional.adaptive_avg_pool2d(x, 1).sigmoid(),
        lambda x: x * functional.adaptive_avg_pool2d(x, 1).sigmoid().detach(),
    ),
    "a product": (
        lambda x: x * x.flip(1),
        lambda x: (x * x.flip(1).detach() + x.detach() * x.flip(1)) / 2,
    ),
    "a square": (lambda x: x * x, lambda x: x * x.detach()),
    "a softmax that weighs": (
        lambda x: x * functional.softmax(x.flatten(2), dim=-1).reshape(x.shape),
        lambda x: x * functional.softmax(x.flatten(2), dim=-1).reshape(x.shape).detach(),
    ),
}
SPELLED["a gate behind"] = (SPELLED["a gate behind"][0], lambda x: x * x.mean(1, keepdim=True).sigmoid().detach())


@pytest.mark.parametrize("name", SPELLED)
def test_an_operation_with_a_rule_of_its_own_is_explained_by_it(name: str) -> None:
    way, spelled = SPELLED[name]
    network, oracle = Around(SHAPES[2], way), Around(SHAPES[2], spelled)
    oracle.load_state_dict(network.state_dict(), strict=False)
    inputs = torch.randn(3, *SHAPES[2], dtype=torch.float64)
    explanation, expected = Explainer(network, EPSILON)(inputs), gradient_times_input(oracle, inputs)
    assert torch.allclose(explanation.outputs.scores, network(inputs), rtol=1e-12)
    assert (explanation.values - expected).abs().max() <= 1e-9 * expected.abs().max()
    assert_closed(explanation)


def test_a_softmax_inside_is_explained_by_its_gradient_and_the_rest_counts_as_a_bias() -> None:
    network = Around(SHAPES[2], lambda x: torch.softmax(x, dim=1))
    inputs = torch.randn(3, *SHAPES[2], dtype=torch.float64)
    explanation = Explainer(network, EPSILON)(inputs, layers=True)
    expected = gradient_times_input_of_softmax(network, inputs)
    assert (explanation.values - expected).abs().max() <= 1e-9 * expected.abs().max()
    assert_closed(explanation)
    (account,) = [account for account in explanation.layers if account.place.startswith("softmax")]
    assert torch.allclose(account.parts["bias"] + account.parts["input"], account.relevance, rtol=1e-9)


def gradient_times_input_of_softmax(network: Around, inputs: Tensor) -> Tensor:
    """R_i = x_i (R'_i - s_i sum_k R'_k), written as a gradient: relevance s g at the softmax, x (dlog s / dx) below."""

    def spelled(x: Tensor) -> Tensor:
        s = torch.softmax(x, dim=1)
        return s.detach() * torch.log_softmax(x, dim=1)

    with torch.no_grad():
        chosen = network(inputs).argmax(1)
    inputs = inputs.clone().requires_grad_()
    x = network.convolution(inputs)
    score = network.dense(spelled(x).flatten(1)).gather(1, chosen[:, None]).sum()
    (gradient,) = torch.autograd.grad(score, inputs)
    return (gradient * inputs).detach()


def test_sums_made_one_are_rounded_as_the_network_rounds_them() -> None:
    """V + (A - mean A) with one action is V; added up in another order it would be V and what rounding leaves of A."""

    class Dueling(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.value, self.advantage = nn.Linear(6, 1), nn.Linear(6, 1)
            self.advantage.bias.data.fill_(-2000.0)

        def forward(self, x: Tensor) -> Tensor:
            advantages = self.advantage(x)
            return self.value(x) + (advantages - advantages.mean(1, keepdim=True))

    network, inputs = Dueling(), torch.rand(8, 6)
    found = Explainer(network, "epsilon")(inputs).outputs.scores
    assert torch.allclose(found, network.value(inputs), rtol=1e-6, atol=1e-7)


# --- what a rule that does not look at inputs gives to zeros that padding made ---------------------------------------


@pytest.mark.parametrize("rule", [Flat(), WSquare()])
@pytest.mark.parametrize(
    "pad", [nn.ZeroPad2d(1), lambda x: functional.pad(x, (0, 2)), lambda x: functional.pad(x, (-1, 1))]
)
def test_relevance_of_padding_is_dropped_and_accounted_for(rule: Flat | WSquare, pad: Way) -> None:
    torch.manual_seed(0)

    class Padded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.pad, self.one, self.two = pad, nn.Conv2d(1, 2, 2).double(), nn.LazyLinear(2).double()

        def forward(self, x: Tensor) -> Tensor:
            return self.two(self.one(self.pad(x)).relu().flatten(1))

    network, inputs = Padded(), torch.rand(2, 1, 4, 4, dtype=torch.float64)
    network(inputs)
    explanation = Explainer(network, Composite(dense=Epsilon(), convolution=rule))(inputs)
    assert_closed(explanation)
    assert (explanation.ledger["dropped"].abs() > 1e-4).all()
    weighing = Explainer(network, Composite(dense=Epsilon(), convolution=ZPlus()))(inputs)
    assert (weighing.ledger["dropped"].abs() <= 1e-15).all()


# --- what mixes the decisions of a batch -----------------------------------------------------------------------------


class Mixed(nn.Module):
    def __init__(self, way: Way) -> None:
        super().__init__()
        self.way, self.dense = way, nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.dense(self.way(x))


MIXING: dict[str, tuple[Way, str]] = {
    "flip": (lambda x: x.flip(0), r"flip \(in .*\) turns \(4, 4\) into \(4, 4\), which mixes the decisions"),
    "roll": (lambda x: torch.roll(x, 1), r"roll \(in .*\) turns .* which mixes the decisions of a batch"),
    "transpose": (lambda x: x.transpose(0, 1), "transpose moves the batch away from the front"),
    "permute": (lambda x: x.permute(1, 0), "permute moves the batch away from the front"),
    "repeat": (lambda x: x.repeat(2, 1), r"repeat \(in .*\) turns \(4, 4\) into \(8, 4\)"),
    "narrow": (lambda x: x.narrow(0, 0, 2), r"narrow \(in .*\) turns \(4, 4\) into \(2, 4\)"),
    "movedim": (lambda x: x.movedim(0, 1), r"movedim \(in .*\) turns \(4, 4\) into \(4, 4\), which mixes"),
    "mean": (lambda x: x - x.mean(0, keepdim=True), r"mean \(in .*\) runs over the batch|mixes the decisions"),
    "sum from the end": (lambda x: x.sum(-2, keepdim=True) + x, r"sum \(in .*\) runs over the batch|mixes the decis"),
    "softmax": (lambda x: torch.softmax(x, 0), r"softmax \(in .*\) has no rule: .* that of the batch: name another"),
    "softmax from the end": (lambda x: torch.softmax(x, -2), r"softmax \(in .*\) runs over the batch"),
    "cat": (lambda x: torch.cat([x, x]), r"cat \(in .*\) joins batches: keep the first dimension"),
    "cat from the end": (lambda x: torch.cat([x, x], -2), r"cat \(in .*\) joins batches"),
    "chunk from the end": (lambda x: x.chunk(2, -2)[0], r"chunk \(in .*\) turns \(4, 4\) into \(2, 4\)"),
    "a sum that spreads over the batch": (
        lambda x: (x.unsqueeze(1) + x).mean(1),
        r"add \(in .*\) adds \(4, 1, 4\) and \(4, 4\), which mixes|mixes the decisions",
    ),
    "a product that spreads over the batch": (
        lambda x: (x.unsqueeze(1) * x).mean(1),
        r"mul \(in .*\) multiplies \(4, 1, 4\) and \(4, 4\), which mixes the decisions of a batch",
    ),
    "batch norm": (
        lambda x: functional.batch_norm(x, None, None, training=True),
        r"batch_norm \(in .*\) takes its statistics from the batch, which mixes decisions: call network.eval\(\)",
    ),
}


@pytest.mark.parametrize("name", MIXING)
def test_what_mixes_the_decisions_of_a_batch_is_refused(name: str) -> None:
    way, message = MIXING[name]
    with pytest.raises(InspectorError, match=message) as caught:
        Explainer(Mixed(way))(torch.rand(4, 4))
    assert isinstance(caught.value, (UnsupportedError, UsageError))
    assert "\n" not in str(caught.value)


def test_batch_norm_in_training_is_refused_and_noticed_when_it_begins() -> None:
    network = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2)).eval()
    explainer = Explainer(network)
    explainer(torch.rand(2, 4))
    network.train()
    with pytest.raises(
        UsageError, match=r"BatchNorm1d \(1\) takes its statistics from the batch.*call network.eval\(\)"
    ):
        explainer(torch.rand(2, 4))


def test_batch_norm_without_statistics_is_refused() -> None:
    network = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3, track_running_stats=False)).eval()
    with pytest.raises(UsageError, match=r"BatchNorm1d \(1\) takes its statistics from the batch"):
        Explainer(network)


# --- what an operation knows of its outputs --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "nonnegative"),
    [
        (lambda x: 1 - x, False),
        (lambda x: 5 - x, False),
        (lambda x: x + 1, True),
        (lambda x: x - 1, False),
        (lambda x: x * -1, False),
        (lambda x: -x, False),
        (lambda x: x / 3, True),
        (lambda x: x * torch.tensor([1.0, 0.0, 2.0, 3.0]), True),
        (lambda x: x * torch.tensor([1.0, 0.0, -2.0, 3.0]), False),
        (lambda x: torch.tensor([1.0, 0.0, 2.0, 3.0]) - x, False),
        (lambda x: x + x, True),
        (lambda x: x - x.flip(1), False),
        (lambda x: functional.leaky_relu(x, 0.1), True),
        (lambda x: functional.leaky_relu(x, -0.5), False),
        (lambda x: functional.elu(x), True),
        (lambda x: functional.softplus(x), True),
        (lambda x: functional.softplus(x, beta=-1.0), False),
        (lambda x: x.clamp(-1, 1), False),
        (lambda x: x.tanh() * x, True),
        (lambda x: torch.cat([x, x - 1], 1)[:, ::2], False),
        (lambda x: x.mean(1, keepdim=True).expand(-1, 4), True),
    ],
)
def test_an_operation_on_values_not_below_zero_claims_only_what_holds(way: Way, nonnegative: bool) -> None:
    plan = make_plan(Mixed(way), Composite(dense=ZPlus(), convolution=ZPlus()))
    inputs = torch.linspace(0, 8, 12).view(3, 4)
    with torch.inference_mode():
        signals = plan.forward(Signal(inputs, nonnegative=True))
    for signal in signals:
        assert not signal.nonnegative or signal.tensor.min() >= 0
    assert signals[-2].nonnegative is nonnegative

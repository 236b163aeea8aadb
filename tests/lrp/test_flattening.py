"""Dense layers that see through the flattening before them: the same relevance, whatever follows or comes."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from inspector.errors import UsageError
from inspector.lrp import COMPOSITES, Explainer, Explanation
from inspector.lrp.flattening import DenseOverPlaces
from inspector.lrp.graph import make_plan

BOUNDS = (-4.0, 4.0)


class InRows(nn.Module):
    """Flattens in another way, through which nothing sees."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(2).flatten(1, 2)


class Dueling(nn.Module):
    """Two streams that share what was flattened."""

    def __init__(self, flattening: nn.Module) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(2, 3, 2), nn.ReLU(), flattening)
        self.values, self.advantages = nn.Linear(36, 1), nn.Linear(36, 4)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.trunk(x)
        advantages = self.advantages(hidden)
        return self.values(hidden) + advantages - advantages.mean(1, keepdim=True)


def plain(flattening: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Conv2d(2, 3, 2), nn.ReLU(), flattening, nn.Linear(36, 6), nn.ReLU(), nn.Linear(6, 4))


def volume(flattening: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Conv3d(2, 3, (1, 2, 2)), nn.ReLU(), flattening, nn.Linear(108, 4))


def signal(flattening: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Conv1d(2, 3, 2), nn.Tanh(), flattening, nn.Linear(18, 4))


def normed(flattening: nn.Module) -> nn.Module:
    norm = nn.BatchNorm1d(5)
    nn.init.normal_(norm.running_mean)
    return nn.Sequential(nn.Conv2d(2, 3, 2), flattening, nn.Linear(36, 5), norm, nn.ReLU(), nn.Linear(5, 4))


def at_once(flattening: nn.Module) -> nn.Module:
    return nn.Sequential(flattening, nn.Linear(50, 4))


Make = Callable[[nn.Module], nn.Module]
NETWORKS: dict[str, tuple[Make, tuple[int, ...]]] = {
    "plain": (plain, (2, 4, 5)),
    "dueling": (Dueling, (2, 4, 5)),
    "3-D": (volume, (2, 3, 4, 5)),
    "1-D": (signal, (2, 7)),
    "with batch norm": (normed, (2, 4, 5)),
    "of the input": (at_once, (2, 5, 5)),
    "of rows": (at_once, (50,)),
}


def made(name: str, flattening: nn.Module) -> nn.Module:
    torch.manual_seed(4)
    return NETWORKS[name][0](flattening).double().eval()


def some(name: str, batch: int = 3) -> Tensor:
    torch.manual_seed(5)
    return torch.randn(batch, *NETWORKS[name][1], dtype=torch.float64)


def dense_layers(network: nn.Module) -> list[bool]:
    """Of every layer that is not a convolution, whether it sees through."""
    layers = [getattr(node.operation, "layer", None) for node in make_plan(network, COMPOSITES["epsilon"]).nodes]
    return [isinstance(layer, DenseOverPlaces) for layer in layers if layer is not None and layer.kind == "dense"]


def assert_same(found: Explanation, expected: Explanation) -> None:
    assert torch.allclose(found.values, expected.values, rtol=1e-9, atol=1e-12)
    assert torch.allclose(found.outputs.scores, expected.outputs.scores, rtol=1e-12)
    for part, amount in expected.ledger.items():
        assert torch.allclose(found.ledger[part], amount, rtol=1e-9, atol=1e-12), part


@pytest.mark.parametrize("composite", COMPOSITES)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_relevance_is_that_of_another_way_to_flatten(name: str, composite: str) -> None:
    found = Explainer(made(name, nn.Flatten()), composite, BOUNDS)(some(name))
    assert_same(
        found, Explainer(made(name, InRows() if name != "of rows" else nn.Identity()), composite, BOUNDS)(some(name))
    )


def test_what_only_dense_layers_follow_is_seen_through() -> None:
    assert dense_layers(made("plain", nn.Flatten())) == [True, False]
    assert dense_layers(made("dueling", nn.Flatten())) == [True, True]
    assert dense_layers(made("plain", InRows())) == [False, False]

    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dense = nn.Linear(8, 8)

        def forward(self, x: Tensor) -> Tensor:
            rows = torch.flatten(x, 1)
            return rows + self.dense(rows)

    assert dense_layers(Both()) == [False]


def test_new_weights_are_noticed() -> None:
    network, inputs = made("plain", nn.Flatten()), some("plain")
    explainer = Explainer(network)
    before = explainer(inputs)
    network[3].weight.data.mul_(-0.5)
    after = explainer(inputs)
    assert not torch.equal(before.values, after.values)
    assert_same(after, Explainer(network)(inputs))


def test_shapes_may_change_from_call_to_call() -> None:
    """The same number of values in another shape, and an explanation of a pass that came before it."""
    explainer = Explainer(made("of the input", nn.Flatten()))
    square, flat = some("of the input"), some("of the input").reshape(3, 5, 2, 5)
    run, expected = explainer.run(square), explainer(square)
    assert torch.equal(explainer(flat).values.reshape(square.shape), expected.values)
    assert torch.equal(run.explain().values, expected.values)


def test_what_does_not_fit_is_said() -> None:
    explainer = Explainer(made("plain", nn.Flatten()))
    with pytest.raises(UsageError, match=r"\(batch, 36\) is expected, but \(3, 60\) came"):
        explainer(torch.randn(3, 2, 5, 6, dtype=torch.float64))

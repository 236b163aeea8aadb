"""What a plan knows beforehand of where relevance will come, and the account of every layer."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from inspector.lrp import Composite, Epsilon, Explainer, Flat, Gamma, Rule, WSquare, ZPlus
from inspector.lrp.graph import make_plan
from inspector.lrp.operations import Linear
from inspector.lrp.plan import TAKEN
from inspector.lrp.signal import Where
from tests.lrp.networks import nature, screens, small
from tests.lrp.oracles import best
from tests.lrp.reference import Layers, Reference, Residual, Table

RULES: dict[str, Rule] = {
    "epsilon": Epsilon(),
    "z_plus": ZPlus(),
    "gamma": Gamma(),
    "flat": Flat(),
    "w_square": WSquare(),
}


class Turned(nn.Identity):
    """The reference passes relevance on through it, as the engine does for a change of unit."""

    def forward(self, x: Tensor) -> Tensor:
        return x * -2.0


class Moved(nn.Identity):
    def forward(self, x: Tensor) -> Tensor:
        return x - 0.3


class Less(nn.Identity):
    def forward(self, x: Tensor) -> Tensor:
        return 1 - x


class Added(nn.Module):
    """The network of what the reference has as a list of layers."""

    def __init__(self, layers: Layers) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.ModuleList([Added(layer.branch), Added(layer.shortcut)]) if isinstance(layer, Residual) else layer
            for layer in layers
        )

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer[0](x) + layer[1](x) if isinstance(layer, nn.ModuleList) else layer(x)
        return x


def network_of(*between: Callable[[], nn.Module] | str) -> Layers:
    """Convolution, what stands between, convolution, what stands between, and dense layers."""

    def some() -> list[nn.Module | Residual]:
        made: list[nn.Module | Residual] = []
        for make in between:
            if make == "sum":
                made.append(Residual([nn.Conv2d(3, 3, 1), nn.ReLU()]))
            elif not isinstance(make, str):
                made.append(make())
        return made

    return [
        *(nn.Conv2d(2, 3, 3, padding=1), *some(), nn.Conv2d(3, 3, 2), *some(), nn.Flatten()),
        *(nn.LazyLinear(4), nn.ReLU(), nn.Linear(4, 3)),
    ]


BETWEEN: dict[str, tuple[Callable[[], nn.Module] | str, ...]] = {
    "ReLU": (nn.ReLU,),
    "nothing": (),
    "leaky ReLU": (nn.LeakyReLU,),
    "leaky ReLU that turns round": (lambda: nn.LeakyReLU(-0.3),),
    "ELU": (nn.ELU,),
    "tanh": (nn.Tanh,),
    "sigmoid": (nn.Sigmoid,),
    "GELU": (nn.GELU,),
    "SiLU": (nn.SiLU,),
    "max pool before ReLU": (lambda: nn.MaxPool2d(2, 1), nn.ReLU),
    "max pool after ReLU": (nn.ReLU, lambda: nn.MaxPool2d(2, 1)),
    "max pool alone": (lambda: nn.MaxPool2d(2, 1, 1),),
    "average before ReLU": (lambda: nn.AvgPool2d(2, 1), nn.ReLU),
    "average after ReLU": (nn.ReLU, lambda: nn.AvgPool2d(2, 1)),
    "sum before ReLU": ("sum", nn.ReLU),
    "sum after ReLU": (nn.ReLU, "sum"),
    "sum alone": ("sum",),
    "a scale below 0 before ReLU": (Turned, nn.ReLU),
    "a scale below 0 after ReLU": (nn.ReLU, Turned),
    "a move before ReLU": (Moved, nn.ReLU),
    "a move after ReLU": (nn.ReLU, Moved),
    "one less it, after ReLU": (nn.ReLU, Less),
}
TABLES = {
    "gamma": ("gamma", "gamma"),
    "gamma under epsilon": ("gamma", "epsilon"),
    "gamma under flat": ("gamma", "flat"),
    "gamma under w-square": ("gamma", "w_square"),
    "flat under gamma": ("flat", "gamma"),
}


@pytest.mark.filterwarnings("ignore:Lazy modules")
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("between", BETWEEN)
def test_relevance_that_comes_to_any_values_is_shared_as_the_reference_does(between: str, table: str) -> None:
    """Before a ReLU a rule may count on relevance for values above 0 alone, but only if that is so."""
    torch.manual_seed(5)
    layers = network_of(*BETWEEN[between])
    network = Added(layers)
    network(torch.zeros(1, 2, 5, 5))
    network.double()
    convolution, dense = TABLES[table]
    inputs = torch.randn(3, 2, 5, 5, dtype=torch.float64)
    for given in (inputs, inputs.relu()):
        expected = Reference(layers, Table(convolution, dense))(given, best(network(given)))
        composite = Composite(dense=RULES[dense], convolution=RULES[convolution])
        found = Explainer(network, composite)(given)
        assert (found.values - expected.inputs).abs().max() <= 1e-9 * expected.inputs.abs().max()
        for part in TAKEN:
            apart = (found.ledger[part] - getattr(expected, part)).abs()
            assert (apart <= 1e-9 * expected.inputs.abs().flatten(1).sum(1).clamp(min=1)).all()


def told(network: nn.Module, composite: Composite) -> dict[str, bool]:
    """By place, whether a layer counts on relevance for values above 0 alone."""
    plan = make_plan(network, composite)
    return {node.operation.place: node.operation._rising for node in plan.nodes if isinstance(node.operation, Linear)}


def test_a_layer_before_a_relu_knows_that_relevance_comes_to_values_above_zero_alone() -> None:
    weighing = Composite(dense=Epsilon(), convolution=Gamma())
    assert told(small(), weighing) == {
        "Conv2d (trunk.0)": True,
        "Conv2d (trunk.2)": True,
        "Linear (trunk.5)": True,
        "Linear (policy)": False,
        "Linear (critic)": False,
    }


def test_below_a_rule_that_does_not_look_at_inputs_no_layer_takes_that_for_granted() -> None:
    for rule in (Flat(), WSquare()):
        found = told(small(), Composite(dense=rule, convolution=Gamma()))
        assert found["Linear (trunk.5)"] is False
        assert found["Conv2d (trunk.2)"] is False
        assert found["Conv2d (trunk.0)"] is True


def test_a_signal_that_is_both_rectified_and_an_output_takes_relevance_anywhere() -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(3, 2), nn.Linear(2, 1)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            scores = self.one(x)
            return scores, self.two(scores.relu())

    assert told(Both(), Composite(dense=Gamma(), convolution=Gamma())) == {"Linear (one)": False, "Linear (two)": False}


def test_where_keeps_an_order_from_anything_to_little() -> None:
    assert min(Where.POSITIVE, Where.NONZERO) == Where.NONZERO
    assert min(Where.NONZERO, Where.ANYWHERE) == Where.ANYWHERE


# --- the account of every layer --------------------------------------------------------------------------------------


def test_the_accounts_go_from_the_scores_to_the_input_and_lose_nothing_between() -> None:
    explanation = Explainer(nature(), "epsilon_plus")(screens(3), layers=True)
    places = [account.place for account in explanation.layers]
    assert [place for place in places if place.startswith(("Conv2d", "Linear"))] == [
        *("Linear (policy)", "Linear (trunk.7)", "Conv2d (trunk.4)", "Conv2d (trunk.2)", "Conv2d (trunk.0)"),
    ]
    came = explanation.score
    for account in explanation.layers:
        assert set(account.parts) == {"input", *TAKEN}
        assert torch.allclose(account.relevance, came, rtol=1e-5, atol=1e-6)
        total = torch.stack(list(account.parts.values())).sum(0)
        assert torch.allclose(total, account.relevance, rtol=1e-5, atol=1e-6)
        came = account.parts["input"]
    assert torch.allclose(came, explanation.ledger["input"], rtol=1e-6)
    for part in TAKEN:
        each = torch.stack([account.parts[part] for account in explanation.layers]).sum(0)
        assert torch.allclose(each, explanation.ledger[part], rtol=1e-5, atol=1e-6)


def test_nobody_who_did_not_ask_gets_accounts_and_they_change_nothing() -> None:
    explainer, inputs = Explainer(small(), "epsilon_gamma_box", (0.0, 1.0)), screens(2, frames=2, size=12).double()
    silent, told_all = explainer(inputs), explainer(inputs, layers=True)
    assert silent.layers == ()
    assert torch.equal(silent.values, told_all.values)
    assert all(torch.equal(silent.ledger[part], told_all.ledger[part]) for part in silent.ledger)


def test_a_branch_that_does_not_lead_to_what_is_explained_has_no_account() -> None:
    accounts = Explainer(small(), "epsilon")(screens(2, frames=2, size=12).double(), "value", layers=True).layers
    assert "Linear (critic)" in [account.place for account in accounts]
    assert "Linear (policy)" not in [account.place for account in accounts]


def test_the_relevance_of_a_residual_sum_is_in_the_account_of_the_sum() -> None:
    torch.manual_seed(1)
    layers: Layers = [nn.Linear(4, 4), Residual([nn.Linear(4, 4), nn.ReLU()]), nn.Linear(4, 2)]
    network = Added(layers).double()
    explanation = Explainer(network, "epsilon")(torch.randn(3, 4, dtype=torch.float64), layers=True)
    (account,) = [account for account in explanation.layers if account.place.startswith("add")]
    total = torch.stack(list(account.parts.values())).sum(0)
    assert torch.allclose(total, account.relevance, rtol=1e-9)
    assert torch.allclose(account.parts["input"] + account.parts["stabiliser"], account.relevance, rtol=1e-9)

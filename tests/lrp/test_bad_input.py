"""What is not finite shows, what does not fit is refused, and every message says what was found and what to do."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from inspector.errors import InspectorError, UnsupportedError, UsageError
from inspector.lrp import (
    COMPOSITES,
    AlphaBeta,
    Argmax,
    Composite,
    Epsilon,
    Explainer,
    Explanation,
    Flat,
    Gamma,
    Rule,
    WSquare,
    ZBox,
    ZPlus,
)
from tests.lrp.networks import screens, small

BAD = [math.nan, math.inf, -math.inf]
RULES: list[Rule] = [Epsilon(), ZPlus(), AlphaBeta(), Gamma(), WSquare(), Flat(), Argmax()]


@pytest.fixture
def inputs() -> Tensor:
    return screens(4, frames=2, size=12).double()


def assert_flagged(explanation: Explanation, *decisions: int) -> None:
    """These decisions are not finite, and say so; the others are right."""
    finite = [i not in decisions for i in range(len(explanation.score))]
    assert explanation.finite.tolist() == finite
    assert explanation.values.flatten(1).isfinite().all(1).tolist() == finite


# --- NaN and infinity ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMPOSITES)
@pytest.mark.parametrize("bad", BAD)
def test_a_decision_on_an_input_that_is_not_finite_is_flagged_and_the_others_are_right(
    name: str, bad: float, inputs: Tensor
) -> None:
    explainer = Explainer(small(), name, (0.0, 1.0))
    expected = explainer(inputs)
    inputs[1, 0, 3, 4] = bad
    found = explainer(inputs)
    assert_flagged(found, 1)
    for i in (0, 2, 3):
        assert torch.allclose(found.values[i], expected.values[i], rtol=0, atol=1e-12)
        assert torch.allclose(found.score[i], expected.score[i], rtol=1e-12)


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_nothing_on_the_way_hides_an_input_that_is_not_finite(rule: Rule, bad: float) -> None:
    """A max pool may choose another, a ReLU makes 0 of what is far below, a flat rule looks at no input."""
    network = nn.Sequential(
        *(nn.MaxPool2d(2), nn.Conv2d(1, 2, 1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2, 2)),
    ).double()
    inputs = torch.rand(3, 1, 4, 4, dtype=torch.float64)
    inputs[2, 0, 0, 0] = bad
    assert_flagged(Explainer(network, Composite(dense=rule, convolution=rule))(inputs, 0), 2)


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
@pytest.mark.parametrize("place", ["0.weight", "0.bias", "3.weight", "3.bias"])
def test_a_weight_that_is_not_finite_shows_in_every_decision(rule: Rule, bad: float, place: str) -> None:
    """The ReLU makes 0 of -inf, and a rule that leaves weights below 0 out would never meet it."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(27, 2)).double()
    network.get_parameter(place).data.view(-1)[0] = bad
    explanation = Explainer(network, Composite(dense=rule, convolution=rule))(torch.rand(2, 1, 4, 4).double() + 0.1, 0)
    assert_flagged(explanation, 0, 1)


def test_a_weight_that_becomes_finite_again_is_noticed(inputs: Tensor) -> None:
    network = small()
    explainer = Explainer(network)
    kept = network.trunk[0].weight.data.clone()
    network.trunk[0].weight.data[0, 0, 0, 0] = math.nan
    assert not explainer(inputs).finite.any()
    network.trunk[0].weight.data.copy_(kept)
    assert explainer(inputs).finite.all()


def test_a_score_that_nobody_asked_for_may_be_anything(inputs: Tensor) -> None:
    network = small()
    network.policy.bias.data[3] = math.nan
    network.critic.weight.data[0, 0] = -math.inf
    explainer = Explainer(network)
    assert not explainer(inputs, 3).finite.any()
    assert not explainer(inputs, "value").finite.any()


def test_a_z_box_checks_the_bounds_of_the_other_decisions_where_one_is_not_finite(inputs: Tensor) -> None:
    explainer = Explainer(small(), "epsilon_gamma_box", (0.0, 1.0))
    inputs[0, 0, 0, 0], inputs[1, 0, 0, 0] = math.nan, 7.0
    with pytest.raises(UsageError, match=r"an input value is 7, outside input_bounds \(0, 1\)"):
        explainer(inputs)
    assert_flagged(explainer(torch.full_like(inputs, math.inf)), 0, 1, 2, 3)


def test_a_number_too_large_for_single_precision_is_flagged() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
    network[0].weight.data.fill_(1e30)
    assert_flagged(Explainer(network)(torch.tensor([[1e10, 1.0], [1e-30, 1e-30]])), 0)


def test_the_smallest_and_the_largest_numbers_that_fit_stay_finite(inputs: Tensor) -> None:
    explainer = Explainer(small().float(), "epsilon_plus")
    for scale in (1e-30, 1e-40, 1e20):
        assert explainer(inputs.float() * scale).finite.all()


# --- inputs of a wrong kind ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (torch.zeros(2, 2, 12, 12, dtype=torch.complex64), "inputs are torch.complex64: pass float32 or float64, in"),
        (
            torch.zeros(2, 2, 12, 12, dtype=torch.int64),
            "inputs are torch.int64: pass float32 or float64, in the network",
        ),
        (torch.zeros(2, 2, 12, 12, dtype=torch.bool), "inputs are torch.bool: pass float32 or float64"),
        (torch.zeros(2, 2, 12, 12, dtype=torch.bfloat16), "inputs are torch.bfloat16: pass float32 or float64"),
        (
            torch.zeros(2, 12, 12).double(),
            r"Conv2d \(trunk.0\): \(batch, 2, height, width\) is expected, but \(2, 12, 12\) came: "
            r"check the input shape",
        ),
        (
            torch.zeros(1, 1, 2, 12, 12).double(),
            r"\(batch, 2, height, width\) is expected, but \(1, 1, 2, 12, 12\) came",
        ),
        (torch.tensor(1.0).double(), r"inputs have shape \(\): pass \(batch, \*shape\) with at least one decision"),
    ],
)
def test_inputs_of_a_wrong_kind_are_refused(wrong: Tensor, message: str) -> None:
    explainer = Explainer(small())
    with pytest.raises(UsageError, match=message) as caught:
        explainer(wrong)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("network", "wrong", "message"),
    [
        (nn.Linear(3, 2), (3,), r"inputs have shape \(3,\): pass \(batch, \*shape\) with at least one decision"),
        (nn.Linear(3, 2), (4, 2), r"Linear \(in the network's own forward\): \(batch, 3\) is expected, but \(4, 2\)"),
        (nn.Conv1d(2, 2, 3), (2, 9), r"\(batch, 2, width\) is expected, but \(2, 9\) came: check the input shape"),
        (nn.Conv3d(2, 2, 3), (2, 9, 9, 9), r"\(batch, 2, time, height, width\) is expected, but \(2, 9, 9, 9\) came"),
        (
            nn.ConvTranspose2d(2, 4, 3),
            (1, 4, 9, 9),
            r"\(batch, 2, height, width\) is expected, but \(1, 4, 9, 9\) came",
        ),
    ],
)
def test_what_does_not_fit_the_first_layer_is_refused_with_what_fits(
    network: nn.Module, wrong: tuple[int, ...], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        Explainer(nn.Sequential(network, nn.Flatten()) if "Linear" not in str(network) else network)(torch.zeros(wrong))


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (nn.Conv2d(2, 3, 1), r"the network gives scores of shape \(1, 3, 12, 12\): \(batch, actions\) is expected"),
        (
            nn.Sequential(nn.Flatten(), nn.Linear(288, 1), nn.Flatten(0)),
            r"flatten \(.*\) turns .* which mixes the decisions|"
            r"scores of shape \(1,\): \(batch, actions\) is expected|mixes",
        ),
    ],
)
def test_scores_of_another_shape_are_refused(network: nn.Module, message: str) -> None:
    with pytest.raises(InspectorError, match=message):
        Explainer(network)(torch.zeros(1, 2, 12, 12))


def test_a_layer_behind_another_that_gives_it_too_little_is_named() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Sequential(nn.ReLU(), nn.Flatten(), nn.Linear(8, 2)))
    with pytest.raises(
        UsageError,
        match=r"inputs of shape \(1, 1, 5, 5\) do not fit the network at Linear \(1\.2\): \(batch, 8\) is expected, "
        r"but \(1, 18\) came: check the input shape",
    ):
        Explainer(network)(torch.zeros(1, 1, 5, 5))


@pytest.mark.parametrize(
    ("module", "shape", "place"),
    [
        (nn.LayerNorm(7), (2, 6), "LayerNorm"),
        (nn.GroupNorm(2, 6), (2, 5, 3), "GroupNorm"),
        (nn.InstanceNorm1d(3), (2, 3, 1), "InstanceNorm1d"),
        (nn.MaxPool2d(9), (2, 1, 4, 4), "MaxPool2d"),
        (nn.AvgPool2d(9), (2, 1, 4, 4), "AvgPool2d"),
        (nn.Unflatten(1, (2, 4)), (2, 6), "Unflatten"),
        (nn.ReflectionPad2d(6), (2, 1, 4, 4), "ReflectionPad2d"),
        (nn.PixelShuffle(2), (2, 3, 4, 4), "PixelShuffle"),
        (nn.BatchNorm2d(3), (2, 4, 4, 4), "BatchNorm2d"),
    ],
)
def test_an_operation_that_an_input_does_not_fit_is_named(
    module: nn.Module, shape: tuple[int, ...], place: str
) -> None:
    network = nn.Sequential(nn.ReLU(), module, nn.Flatten()).eval()
    with pytest.raises(UsageError, match=rf"inputs of shape .* do not fit the network at {place} \(1\): ") as caught:
        Explainer(network)(torch.rand(shape))
    assert "\n" not in str(caught.value)


# --- networks of a wrong kind ----------------------------------------------------------------------------------------


class Written(nn.Module):
    def __init__(self, way: Callable[["Written", Tensor], object]) -> None:
        super().__init__()
        self.way, self.layer, self.norm = way, nn.Linear(4, 3), nn.BatchNorm1d(3)

    def forward(self, x: Tensor) -> object:
        return self.way(self, x)


UNTRACEABLE: dict[str, Callable[[Written, Tensor], object]] = {
    "a branch on values": lambda self, x: self.layer(x) if x.mean() > 0 else self.layer(-x),
    "a loop over the batch": lambda self, x: torch.stack([self.layer(row) for row in x]),
    "a loop as often as a value says": lambda self, x: next(self.layer(x) for _ in range(int(x.sum()))),
    "numpy": lambda self, x: self.layer(torch.from_numpy(x.detach().numpy())),
    "an assertion on values": lambda self, x: self.layer(x) if bool((x > 0).all()) else None,
}


@pytest.mark.parametrize("name", UNTRACEABLE)
def test_a_forward_that_looks_at_values_is_refused(name: str) -> None:
    with pytest.raises(
        UnsupportedError,
        match=r"the forward of Written cannot be traced \(.+\): let it take one tensor, not branch on values, and keep "
        r"to torch|numpy .* has no rule|detach",
    ) as caught:
        Explainer(Written(UNTRACEABLE[name]))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("zero", [0, 0.0])
def test_a_division_by_zero_is_refused_by_name(zero: float) -> None:
    explainer = Explainer(Written(lambda self, x: self.layer(x) / zero))
    with pytest.raises(UnsupportedError, match=r"div.* divides by 0"):
        explainer(torch.ones(2, 4))


def test_dropout_and_batch_norm_that_are_active_are_refused_by_name_with_the_cure() -> None:
    dropping = nn.Sequential(nn.Linear(4, 4), nn.Dropout2d(0.1), nn.Linear(4, 2)).train()
    with pytest.raises(UsageError, match=r"^Dropout2d \(1\) is active: call network.eval\(\) before explaining$"):
        Explainer(dropping)
    mixing = Written(lambda self, x: self.norm(self.layer(x))).train()
    with pytest.raises(
        UsageError,
        match=r"^BatchNorm1d \(norm\) takes its statistics from the batch, which mixes decisions: call network.eval"
        r"\(\) before explaining$",
    ):
        Explainer(mixing)
    forced = Written(lambda self, x: functional.dropout(self.layer(x), 0.5)).eval()
    with pytest.raises(UsageError, match=r"^dropout \(in the network's own forward\) is active"):
        Explainer(forced)


def test_a_dropout_of_nothing_in_training_is_as_good_as_none() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.0), nn.Linear(4, 2)).train()
    assert Explainer(network)(torch.rand(2, 4)).finite.all()


def test_a_batch_norm_behind_a_dense_layer_on_sequences_is_refused_with_the_cure() -> None:
    """Its channels are then the places, not the features: folded into the layer it would be another network."""
    layers = [nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Flatten(), nn.Linear(16, 2)]
    inputs = torch.rand(2, 4, 4)
    with pytest.raises(
        UsageError, match=r"Linear \(0\): the batch norm behind it .* put nn.Identity\(\) between the two"
    ):
        Explainer(nn.Sequential(*layers).eval())(inputs)
    cured = nn.Sequential(layers[0], nn.Identity(), *layers[1:]).eval()
    assert torch.allclose(Explainer(cured)(inputs).outputs.scores, cured(inputs), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (7, r"^target index 7 is out of range: the network has scores 0 to 3$"),
        ([0, 1, 2, 9], "target index 9 is out of range"),
        ([0, -1, 2, 3], "target index -1 is out of range"),
        ([0, 1], r"target indices have shape \(2,\): pass one for each of 4 inputs"),
        (torch.tensor([0.0, 1.0, 2.0, 3.0]), "target indices are torch.float32: pass integers"),
        (torch.zeros(4, dtype=torch.complex64), "target indices are torch.complex64: pass integers"),
        ("best", "there is no target 'best': choose score, contrast, advantage, value, or the index of a score"),
    ],
)
def test_a_target_out_of_range_is_refused(target: object, message: str, inputs: Tensor) -> None:
    with pytest.raises(UsageError, match=message):
        Explainer(small())(inputs, target)
    run = Explainer(small()).run(inputs)
    with pytest.raises(UsageError, match=message):
        run.explain(target)


def test_a_memory_that_the_network_does_not_take_is_refused(inputs: Tensor) -> None:
    with pytest.raises(
        UsageError, match=r"takes a memory of 0 tensors after its input, and 1 were given: pass memory="
    ):
        Explainer(small())(inputs, memory=(torch.zeros(4, 3),))


def test_a_rule_that_needs_bounds_names_them_at_once() -> None:
    table = Composite(dense=Epsilon(), convolution=Epsilon(), layers={"trunk.0": ZBox()})
    with pytest.raises(UsageError, match=r"needs the range of the inputs: pass input_bounds=\(low, high\)"):
        Explainer(small(), table)

"""The engine against other people's LRP, where that is right or can be helped to be, and against our slow reference."""

import itertools

import pytest
import torch
from torch import Tensor, nn

from inspector.lrp import (
    COMPOSITES,
    AlphaBeta,
    Argmax,
    Composite,
    Epsilon,
    Explainer,
    Flat,
    Gamma,
    Rule,
    WSquare,
    ZBox,
    ZPlus,
)
from tests.lrp.networks import screens
from tests.lrp.oracles import best, by_captum, by_reference, by_zennit, zennit_composite
from tests.lrp.reference import RULES, Reference, Table, share
from tests.lrp.reference_networks import clips, impala, nature_scores, r3d_18

BY_ZENNIT = tuple(name for name in COMPOSITES if name != "argmax")  # zennit has no such rule
CASES = ("nature", "impala", "r3d_18")


class Case:
    """A network in float64, inputs with their bounds, and what explains the best score of each."""

    def __init__(self, network: nn.Module, inputs: Tensor, bounds: tuple[float, float]) -> None:
        self.network, self.inputs, self.bounds = network.double(), inputs.double(), bounds
        self.seeds = best(self.network(self.inputs))


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    return {
        "nature": Case(nature_scores(), screens(2), (0.0, 1.0)),
        "impala": Case(impala(size=28, critic=False), screens(2, size=28), (0.0, 1.0)),
        "r3d_18": Case(r3d_18(), clips(1, 4, 24), (-3.5, 3.5)),  # torchvision's own class
    }


def apart(found: Tensor, right: Tensor) -> float:
    """Largest difference, as a part of the largest relevance."""
    return float((found - right).abs().max() / right.abs().max())


# --- whole networks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["nature", "impala"])
@pytest.mark.parametrize("composite", COMPOSITES)
def test_a_composite_equals_zennit_and_the_reference(cases: dict[str, Case], composite: str, case: str) -> None:
    assert_equal_to_the_reference(cases[case], composite)
    if composite in BY_ZENNIT:
        assert_equal_to_zennit(cases[case], composite)


@pytest.mark.parametrize("composite", ["epsilon_plus", "epsilon_gamma_box", "epsilon_alpha2_beta1"])
def test_a_composite_equals_zennit_on_a_residual_video_network(cases: dict[str, Case], composite: str) -> None:
    assert_equal_to_zennit(cases["r3d_18"], composite)


def test_a_residual_video_network_equals_the_reference(cases: dict[str, Case]) -> None:
    assert_equal_to_the_reference(cases["r3d_18"], "epsilon_plus_flat")


def assert_equal_to_zennit(case: Case, composite: str) -> None:
    expected = by_zennit(case.network, zennit_composite(composite, case.bounds), case.inputs, case.seeds)
    assert apart(Explainer(case.network, composite, case.bounds)(case.inputs).values, expected) <= 1e-9


def assert_equal_to_the_reference(case: Case, composite: str) -> None:
    table = "argmax_raised" if composite == "argmax" else composite
    right = by_reference(case.network, table, case.inputs, case.seeds, case.bounds)
    explanation = Explainer(case.network, composite, case.bounds)(case.inputs)
    assert apart(explanation.values, right.inputs) <= 1e-9
    scale = right.inputs.flatten(1).abs().sum(1)
    for part in ("bias", "stabiliser", "dropped"):
        assert ((explanation.ledger[part] - getattr(right, part)).abs() <= 1e-9 * scale).all()


@pytest.mark.parametrize("case", CASES)
def test_captum_equals_the_reference_with_its_stabiliser(cases: dict[str, Case], case: str) -> None:
    """With 1e-9 everywhere; the engine stands beside the reference with 1e-6, above."""
    network, inputs, seeds = cases[case].network, cases[case].inputs, cases[case].seeds
    expected = by_captum(network, inputs, seeds.abs().argmax(1))
    assert apart(by_reference(network, "epsilon", inputs, seeds, stabiliser=1e-9).inputs, expected) <= 1e-9


def test_epsilon_equals_captum_on_a_plain_network(cases: dict[str, Case]) -> None:
    case, tiny = cases["nature"], Epsilon(stabiliser=1e-9)
    expected = by_captum(case.network, case.inputs, case.seeds.abs().argmax(1))
    found = Explainer(case.network, Composite(dense=tiny, convolution=tiny))(case.inputs).values
    assert apart(found, expected) <= 1e-9


@pytest.mark.parametrize("composite", [name for name in BY_ZENNIT if name != "epsilon"])
@pytest.mark.parametrize("shift", [0.0, 0.3], ids=["nonnegative", "signed"])
def test_a_plain_network_equals_zennit_in_single_precision(composite: str, shift: float) -> None:
    network, inputs, bounds = nature_scores(), screens(4, seed=8) - shift, (-shift, 1.0)
    expected = by_zennit(network, zennit_composite(composite, bounds), inputs, best(network(inputs)))
    assert apart(Explainer(network, composite, bounds)(inputs).values, expected) <= 2e-6


@pytest.mark.parametrize("shift", [0.0, 0.3], ids=["nonnegative", "signed"])
def test_epsilon_in_single_precision_is_as_near_to_the_truth_as_zennit(cases: dict[str, Case], shift: float) -> None:
    """In the epsilon rule contributions of both signs cancel, and both lose 1e-6 to 5e-4 of a decision, by chance.

    Which of the two loses more differs from decision to decision and from processor to processor, so medians of many
    are compared.
    """
    network, exact, inputs = nature_scores(), cases["nature"].network, screens(48, seed=7) - shift
    truth = by_reference(exact, "epsilon", inputs.double(), best(exact(inputs.double()))).inputs

    def median_error(values: Tensor) -> float:
        errors = (values - truth).abs().flatten(1).amax(1) / truth.abs().flatten(1).amax(1)
        return float(errors.median())

    theirs = median_error(by_zennit(network, "epsilon", inputs, best(network(inputs))))
    assert median_error(Explainer(network, "epsilon")(inputs).values) <= 2 * theirs


# --- single layers ---------------------------------------------------------------------------------------------------

BOUNDS = (-3.0, 4.0)
OURS: dict[str, Rule] = {
    "epsilon": Epsilon(),
    "z_plus": ZPlus(),
    "alpha2_beta1": AlphaBeta(),
    "gamma": Gamma(),
    "z_box": ZBox(),
    "w_square": WSquare(),
    "flat": Flat(),
    "argmax_raised": Argmax(),
}
LAYERS: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "dense": (nn.Linear(7, 5), (7,)),
    "dense without bias": (nn.Linear(7, 5, bias=False), (7,)),
    "one dimension": (nn.Conv1d(2, 3, 3, 2, padding=1), (2, 9)),
    "stride of the kernel's size": (nn.Conv2d(2, 3, 2, 2), (2, 6, 6)),
    "stride that divides the kernel": (nn.Conv2d(2, 3, 4, 2), (2, 10, 8)),
    "stride that leaves an edge out": (nn.Conv2d(2, 3, 2, 3), (2, 7, 7)),
    "stride and padding": (nn.Conv2d(2, 3, (3, 2), (2, 1), padding=(2, 1)), (2, 5, 4)),
    "padding that some outputs see alone": (nn.Conv2d(1, 2, 1, padding=1), (1, 2, 2)),
    "dilation without bias": (nn.Conv2d(2, 2, 3, dilation=2, bias=False), (2, 6, 7)),
    "groups": (nn.Conv2d(4, 6, 2, groups=2, padding=1), (4, 4, 4)),
    "each channel alone": (nn.Conv2d(3, 6, 3, groups=3, padding=1), (3, 4, 4)),
    "three dimensions": (nn.Conv3d(2, 3, 3, 2, padding=1), (2, 4, 5, 5)),
    "three dimensions, kernel 1, stride 2": (nn.Conv3d(2, 3, 1, 2, bias=False), (2, 3, 4, 5)),
    "transposed": (nn.ConvTranspose2d(2, 3, 3, 2, padding=1, output_padding=1), (2, 3, 3)),
    "transposed in groups": (nn.ConvTranspose1d(4, 6, 3, 2, groups=2), (4, 5)),
}
PAIRS = [  # the argmax rule refuses transposed convolutions
    (rule, layer)
    for rule, layer in itertools.product(OURS, LAYERS)
    if not (rule == "argmax_raised" and layer.startswith("transposed"))
]


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "nonnegative"])
@pytest.mark.parametrize(("rule", "layer"), PAIRS)
def test_a_rule_equals_its_matrix_form(rule: str, layer: str, signed: bool) -> None:
    torch.manual_seed(len(layer))
    module, shape = LAYERS[layer]
    network = nn.Sequential(module, nn.Flatten()).double()
    inputs = torch.empty(12, *shape, dtype=torch.float64).uniform_(*BOUNDS).where(torch.rand(12, *shape) < 0.7, 0.0)
    inputs = inputs if signed else inputs.relu()
    scores = network(inputs)
    actions = torch.randint(scores.shape[1], (12,))
    seeds = scores.detach() * nn.functional.one_hot(actions, scores.shape[1])
    right = share(rule, module, inputs, seeds.view_as(module(inputs)), BOUNDS)
    composite = Composite(dense=OURS[rule], convolution=OURS[rule])
    found = Explainer(network, composite, BOUNDS)(inputs, actions)
    scale = max(1.0, float(right.inputs.abs().max()))
    assert (found.values - right.inputs).abs().max() <= 1e-9 * scale
    for part in ("bias", "stabiliser", "dropped"):
        assert (found.ledger[part] - getattr(right, part)).abs().max() <= 1e-9 * scale


# --- the reference itself --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", ["dense", "one dimension", "stride and padding", "three dimensions"])
@pytest.mark.parametrize("rule", RULES)
def test_the_two_forms_of_the_reference_agree_and_add_up(rule: str, layer: str) -> None:
    torch.manual_seed(1)
    module, shape = LAYERS[layer]
    inputs = torch.randn(3, *shape, dtype=torch.float64)
    relevance = torch.randn_like(module.double()(inputs)).detach()
    one = share(rule, module, inputs, relevance, BOUNDS)
    other = Reference([module], Table(rule, rule), BOUNDS)(inputs, relevance)
    for part in ("inputs", "bias", "stabiliser", "dropped"):
        assert torch.allclose(getattr(one, part), getattr(other, part), rtol=1e-9, atol=1e-10)
    total = one.inputs.flatten(1).sum(1) + one.bias + one.stabiliser + one.dropped
    assert torch.allclose(total, relevance.flatten(1).sum(1), atol=1e-9)

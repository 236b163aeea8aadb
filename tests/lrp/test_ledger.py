"""The ledger closes: for random networks, composites, targets and inputs, every part of a score is accounted for."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from inspector.lrp import COMPOSITES, LEDGER_PARTS, TARGETS, Explainer, Explanation
from tests.lrp.networks import Playing, nature, screens, started


@st.composite
def networks(draw: st.DrawFn) -> tuple[nn.Module, Tensor]:
    """A small network with a critic, and a batch of inputs for it: signed or not, with black parts."""
    channels, size = draw(st.integers(1, 3)), draw(st.integers(5, 9))
    layers: list[nn.Module] = []
    shape = (channels, size, size)
    for _ in range(draw(st.integers(0, 2))):
        kernel, stride, padding = (
            draw(st.integers(1, min(3, shape[1]))),
            draw(st.integers(1, 2)),
            draw(st.integers(0, 1)),
        )
        outputs = draw(st.integers(1, 4))
        layers += [nn.Conv2d(shape[0], outputs, kernel, stride, padding, bias=draw(st.booleans()))]
        layers += [nn.ReLU()] if draw(st.booleans()) else []
        shape = (outputs, *((side + 2 * padding - kernel) // stride + 1 for side in shape[1:]))
    features = draw(st.integers(1, 6))
    layers += [nn.Flatten(), nn.Linear(torch.Size(shape).numel(), features, bias=draw(st.booleans())), nn.ReLU()]
    network = started(Playing(nn.Sequential(*layers), features, actions=3), seed=draw(st.integers(0, 10**6)))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10**6)))
    inputs = torch.rand(draw(st.integers(1, 3)), channels, size, size, generator=generator)
    inputs = inputs * (torch.rand(inputs.shape, generator=generator) > draw(st.sampled_from((0.0, 0.5, 1.0))))
    return network, inputs - draw(st.sampled_from((0.0, 0.4)))


def gap(explanation: Explanation) -> float:
    """How far the ledger is from the score, in parts of the larger of |score| and sum |R|."""
    assert tuple(sorted(explanation.ledger)) == tuple(sorted(LEDGER_PARTS))
    total = torch.stack([explanation.ledger[part] for part in LEDGER_PARTS]).sum(0)
    scale = torch.maximum(explanation.score.abs(), explanation.values.abs().flatten(1).sum(1))
    found = explanation.values.double().flatten(1)
    assert ((explanation.ledger["input"] - found.sum(1)).abs() <= 1e-6 * found.abs().sum(1)).all()
    return float(((total - explanation.score).abs() / scale.clamp(min=1e-30)).max())


@settings(max_examples=60, deadline=None)
@given(networks(), st.sampled_from(list(COMPOSITES)), st.sampled_from(TARGETS), st.integers(0, 2))
def test_the_ledger_closes_for_any_network(
    case: tuple[nn.Module, Tensor], composite: str, target: str, action: int
) -> None:
    network, inputs = case
    bounds = (min(0.0, float(inputs.min())), 1.0)
    for dtype, tolerance in ((torch.float64, 1e-9), (torch.float32, 1e-5)):
        explainer = Explainer(network.to(dtype), composite, bounds)
        explanation = explainer(inputs.to(dtype), target, actions=action)
        assert gap(explanation) <= tolerance


def test_the_ledger_closes_on_the_nature_network_for_every_composite_and_target() -> None:
    network, inputs = nature(), screens(2)
    for composite in COMPOSITES:
        explainer = Explainer(network, composite, (0.0, 1.0))
        for target in TARGETS:
            assert gap(explainer(inputs, target, actions=3)) <= 1e-5


def test_a_black_screen_has_no_relevance_and_its_score_is_all_bias() -> None:
    explanation = Explainer(nature(), "epsilon_plus")(torch.zeros(1, 4, 84, 84))
    assert not explanation.values.any()
    assert abs(float(explanation.score)) > 1e-3
    assert abs(float(explanation.ledger["bias"] + explanation.ledger["stabiliser"] - explanation.score)) < 1e-6

"""ATOMs against their formulas, neuron by neuron and pixel by pixel."""

import itertools

import numpy as np
import pytest
import torch

from inspector.lrp import Explainer
from inspector.records import Region
from inspector.regions import RegionSummer, cover_frame, cover_nothing, label_screen
from inspector.track.atoms import ATTENDED, COMPOSITE, KEPT, AtomMeter, attended, joined_atoms
from tests.lrp.networks import screens, small

SIZE = (12, 12)
REGIONS = (Region("ball", ((1, 2, 3, 3),)), Region("paddle", ((6, 9, 5, 2),)), Region("never", ()))


@pytest.fixture
def inputs() -> torch.Tensor:
    return screens(6, frames=2, size=12).double()


@pytest.fixture
def summer() -> RegionSummer:
    return RegionSummer([[cover_frame(REGIONS, SIZE, SIZE)] * 2] * 6, SIZE)


def by_the_formulas(inputs: torch.Tensor) -> tuple[np.ndarray, list[dict[frozenset[int], float]], np.ndarray]:
    """State by state, neuron by neuron: h of the paper's first formula, c of its second, and the neurons looked at."""
    run, labels = Explainer(small(), COMPOSITE).run(inputs), label_screen(REGIONS, SIZE)
    relevance = run.hidden_relevance().numpy()
    maps = np.stack([run.explain_hidden(torch.eye(11)[None, k].expand(6, -1).double()).numpy() for k in range(11)], 1)
    hierarchical, together, counts = np.zeros((6, 4)), [], np.zeros(6, int)
    for state, weights in enumerate(relevance):
        sets: dict[frozenset[int], float] = {}
        smallest = next(
            chosen
            for size in range(1, 12)
            if (chosen := max(itertools.combinations(range(11), size), key=lambda each: weights[list(each)].sum()))
            and weights[list(chosen)].sum() >= KEPT * weights.sum()
        )
        counts[state] = len(smallest)
        for k in smallest:
            pixels = [maps[state, k][:, labels == region] for region in range(4)]
            means = [float(p.sum() / np.count_nonzero(p)) if np.count_nonzero(p) else 0.0 for p in pixels]
            hierarchical[state] += weights[k] * np.array(means)
            of_objects = means[:3]
            chosen = frozenset(g for g, mean in enumerate(of_objects) if mean > ATTENDED * max(of_objects))
            sets[chosen] = sets.get(chosen, 0.0) + float(weights[k])
        together.append(sets)
    return hierarchical, together, counts


def test_atoms_are_what_the_formulas_say(inputs: torch.Tensor, summer: RegionSummer) -> None:
    found = AtomMeter(small())(inputs, summer)
    hierarchical, together, neurons = by_the_formulas(inputs)
    assert found["counts"].all()  # all best scores here are positive, or the formulas would not apply
    assert found["neurons"].tolist() == neurons.tolist()
    assert found["hierarchical"] == pytest.approx(hierarchical, rel=1e-5)
    names = [frozenset(g for g in range(3) if bits >> g & 1) for bits in found["sets"].tolist()]
    assert set(names) == {each for sets in together for each in sets}
    for state, sets in enumerate(together):
        expected = [sets.get(name, 0.0) for name in names]
        assert found["combinatorial"][state] == pytest.approx(expected, rel=1e-5)


def test_sets_share_out_what_the_neurons_looked_at_hold(inputs: torch.Tensor, summer: RegionSummer) -> None:
    relevance = Explainer(small(), COMPOSITE).run(inputs).hidden_relevance().sum(1).numpy()
    held = AtomMeter(small())(inputs, summer)["combinatorial"].sum(1)
    assert (held >= KEPT * relevance - 1e-9).all() and (held <= relevance + 1e-9).all()


def test_a_state_whose_score_is_not_positive_does_not_count(inputs: torch.Tensor, summer: RegionSummer) -> None:
    network = small()
    with torch.no_grad():
        network.policy.weight.abs_().neg_()
        network.policy.bias.zero_()
    found = AtomMeter(network)(inputs, summer)
    assert not found["counts"].any()
    assert not found["neurons"].any()


def test_without_regions_no_neuron_attends_to_any(inputs: torch.Tensor) -> None:
    found = AtomMeter(small())(inputs, RegionSummer([[cover_nothing(0)] * 2] * 6, SIZE))
    assert found["sets"].tolist() == [0]
    assert attended(np.zeros((2, 3))).tolist() == [0, 0]


def test_batches_join_to_what_one_batch_gives(inputs: torch.Tensor, summer: RegionSummer) -> None:
    half = RegionSummer([[cover_frame(REGIONS, SIZE, SIZE)] * 2] * 3, SIZE)
    meter = AtomMeter(small())
    whole, joined = meter(inputs, summer), joined_atoms([meter(inputs[:3], half), meter(inputs[3:], half)])
    assert whole.keys() == joined.keys()
    for name, values in whole.items():
        assert joined[name] == pytest.approx(values), name

"""Heads of value-based agents against their formulas: dueling, C51, QR-DQN, and the softmax below."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from inspector.atari.networks import Expectation, Layer, expectation_head, linear, quantile_mean
from inspector.errors import UnsupportedError
from inspector.lrp import COMPOSITES, Explainer

torch.fx.wrap("len")  # as torch asks for where a forward that is traced takes the length of a batch

EPSILON = 1e-6
BATCH, ACTIONS, ATOMS = 7, 4, 11
CLOSE = {"rtol": 1e-9, "atol": 1e-12}
VALUES = torch.linspace(-10, 10, ATOMS, dtype=torch.float64)


def steady(values: Tensor) -> Tensor:
    """Kept from 0, as every denominator is."""
    return values + torch.where(values < 0, -EPSILON, EPSILON)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def gap(explanation: Any) -> Tensor:
    """By how much the ledger does not close, relative to the score or the relevance, whichever is larger."""
    size = torch.maximum(explanation.score.abs(), explanation.values.abs().flatten(1).sum(1))
    return (sum(explanation.ledger.values()) - explanation.score).abs() / size


class Calls(nn.Module):
    """A function as a network."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, inputs: Tensor) -> Any:
        return self.function(inputs)


# --- dueling ---------------------------------------------------------------------------------------------------------


class Dueling(nn.Module):
    """The head as a module of its own, with its streams."""

    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 1))
        self.advantage = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, ACTIONS))

    def forward(self, features: Tensor) -> Tensor:
        value, advantage = self.value(features), self.advantage(features)
        return value + advantage - advantage.mean(1, keepdim=True)  # type: ignore[no-any-return]


def in_place(streams: Tensor) -> Tensor:
    value, advantage = streams[:, :1], streams[:, 1:]
    scores = advantage - torch.mean(advantage, dim=1, keepdim=True)
    scores += value
    return scores


SPELLINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "one line": lambda s: s[:, :1] + s[:, 1:] - s[:, 1:].mean(1, keepdim=True),
    "brackets": lambda s: s[:, :1] + (s[:, 1:] - s[:, 1:].mean(dim=-1, keepdim=True)),
    "in place": in_place,
    "functions": lambda s: torch.sub(torch.add(s[:, :1], s[:, 1:]), torch.mean(s[:, 1:], 1, True)),
    "unsqueeze": lambda s: s[:, 1:] + s[:, :1] - s[:, 1:].mean(1).unsqueeze(1),
    "mean first": lambda s: (s[:, :1] - s[:, 1:].mean(1, keepdim=True)) + s[:, 1:],
    "expanded": lambda s: s[:, :1].expand(-1, ACTIONS) + s[:, 1:] - s[:, 1:].mean(1, keepdim=True),
}


def of_streams(streams: Tensor, seeds: Tensor) -> Tensor:
    """Relevance of value and advantages, by the formulas, for the relevance (batch, actions) of the scores."""
    value, advantage = streams[:, :1], streams[:, 1:]
    quotients = seeds / steady(value + advantage - advantage.mean(1, keepdim=True))
    counted = torch.eye(ACTIONS, dtype=torch.float64) - 1 / ACTIONS  # (1 - 1/n) of the own, -1/n of every other
    return torch.cat([value * quotients.sum(1, keepdim=True), advantage * (quotients @ counted)], 1)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("composite", sorted(COMPOSITES))
def test_a_dueling_head_gives_value_and_advantages_their_own_parts(spelling: str, composite: str) -> None:
    streams = drawn(BATCH, 1 + ACTIONS)
    explainer = Explainer(Calls(SPELLINGS[spelling]), composite, (-9.0, 9.0))
    for action in range(ACTIONS):
        explanation = explainer(streams, action)
        seeds = functional.one_hot(torch.tensor(action), ACTIONS) * explanation.score[:, None]
        torch.testing.assert_close(explanation.values, of_streams(streams, seeds), **CLOSE)
        assert float(gap(explanation).max()) <= 1e-9


def test_advantages_whose_mean_is_zero_are_told_apart_all_the_same() -> None:
    streams = drawn(BATCH, 1 + ACTIONS)
    streams[:, 1:] -= streams[:, 1:].mean(1, keepdim=True)
    explanation = Explainer(Calls(SPELLINGS["one line"]), "epsilon")(streams, 2)
    seeds = torch.tensor([0.0, 0.0, 1.0, 0.0]) * explanation.score[:, None]
    torch.testing.assert_close(explanation.values, of_streams(streams, seeds), **CLOSE)
    others = explanation.values[:, [1, 2, 4]]
    assert float(others.abs().sum(1).min()) > 1e-2  # step by step, the stabiliser of the mean would take them


def test_in_a_contrast_of_two_actions_the_value_takes_no_part() -> None:
    streams = drawn(BATCH, 1 + ACTIONS)
    run = Explainer(Calls(SPELLINGS["one line"]), "epsilon").run(streams)
    scores, rows = run.outputs.scores, torch.arange(BATCH)
    explanation = run.explain("contrast", actions=1)
    other = scores.masked_fill(functional.one_hot(torch.tensor(1), ACTIONS).bool(), -torch.inf).argmax(1)
    seeds = torch.zeros_like(scores)
    seeds[rows, other] = -scores[rows, other]
    seeds[:, 1] = scores[:, 1]
    torch.testing.assert_close(explanation.values, of_streams(streams, seeds), **CLOSE)
    smallest = torch.minimum(scores[:, 1].abs(), scores[rows, other].abs())
    left = (explanation.values[:, 0] / streams[:, 0]).abs()
    assert bool((left <= 2 * EPSILON / smallest).all())  # nothing but what the two stabilisers differ by


def test_the_ledger_of_a_dueling_network_of_modules_closes_and_its_streams_get_what_the_formulas_say() -> None:
    torch.manual_seed(0)
    network = Dueling().double().eval()
    features = drawn(BATCH, 5)
    explanation = Explainer(network, "epsilon_plus")(features, 3, layers=True)
    assert float(gap(explanation).max()) <= 1e-9
    with torch.no_grad():
        streams = torch.cat([network.value(features), network.advantage(features)], 1)
    wanted = of_streams(streams, torch.tensor([0.0, 0.0, 0.0, 1.0]) * explanation.score[:, None])
    came = {account.place: account.relevance for account in explanation.layers}
    torch.testing.assert_close(came["Linear (value.2)"], wanted[:, 0], **CLOSE)
    torch.testing.assert_close(came["Linear (advantage.2)"], wanted[:, 1:].sum(1), **CLOSE)


def test_a_sum_that_is_used_twice_stays_one_of_its_own() -> None:
    def twice(streams: Tensor) -> Tensor:
        both = streams[:, :1] + streams[:, 1:]
        return both - 0.5 * both.mean(1, keepdim=True)

    streams = drawn(BATCH, 1 + ACTIONS) + 3
    explanation = Explainer(Calls(twice), "epsilon")(streams, 0, layers=True)
    assert [account.place[:3] for account in explanation.layers][-3:] == ["add", "get", "get"]
    both = streams[:, :1] + streams[:, 1:]
    mean = 0.5 * both.mean(1)
    quotient = explanation.score / steady(both[:, 0] - mean)
    of_both = -both * (0.5 / ACTIONS) * quotient[:, None]
    of_both[:, 0] += both[:, 0] * quotient
    torch.testing.assert_close(explanation.values[:, 1:], streams[:, 1:] * of_both / both, rtol=1e-5, atol=0)
    assert float(gap(explanation).max()) <= 1e-9


@pytest.mark.parametrize("way", [lambda s: s - s.mean(0, keepdim=True), lambda s: s - s.mean((0, 1), keepdim=True)])
def test_a_mean_over_the_batch_is_refused_within_a_sum_too(way: Callable[[Tensor], Tensor]) -> None:
    with pytest.raises(UnsupportedError, match="over the batch"):
        Explainer(Calls(way))(drawn(BATCH, ACTIONS))


# --- C51 and the softmax ---------------------------------------------------------------------------------------------


def of_logits(logits: Tensor, seeds: Tensor) -> Tensor:
    """logits times p_i (z_i - Q) R / Q of every action: the gradient of the expected value, times the input."""
    probabilities = logits.softmax(-1)
    expected = (probabilities * VALUES).sum(-1, keepdim=True)
    return logits * probabilities * (VALUES - expected) * (seeds / steady(expected[..., 0]))[..., None]


def read_out() -> nn.Sequential:
    """From logits (batch, actions * atoms) to Q-values: what comes after the layer of a C51 head."""
    return nn.Sequential(nn.Unflatten(1, (ACTIONS, ATOMS)), nn.Softmax(-1), Expectation(VALUES)).double()


@pytest.mark.parametrize("composite", sorted(COMPOSITES))
def test_the_atoms_logits_get_their_gradient_times_input_under_every_composite(composite: str) -> None:
    logits = 3 * drawn(BATCH, ACTIONS * ATOMS)
    explainer = Explainer(read_out(), composite, (-99.0, 99.0))
    for action in range(ACTIONS):
        explanation = explainer(logits, action)
        seeds = functional.one_hot(torch.tensor(action), ACTIONS) * explanation.score[:, None]
        wanted = of_logits(logits.view(BATCH, ACTIONS, ATOMS), seeds)
        torch.testing.assert_close(explanation.values, wanted.flatten(1), **CLOSE)
        assert float(gap(explanation).max()) <= 1e-9


def test_the_gradient_is_torchs_own() -> None:
    logits = drawn(BATCH, ACTIONS * ATOMS).requires_grad_()
    scores = read_out()(logits)
    (gradient,) = torch.autograd.grad(scores[:, 1].sum(), logits)
    explanation = Explainer(read_out(), "epsilon")(logits.detach(), 1)
    score = scores[:, 1].detach()
    wanted = logits.detach() * gradient * (score / steady(score))[:, None]
    torch.testing.assert_close(explanation.values, wanted, **CLOSE)


def test_what_the_softmax_does_not_give_to_its_inputs_counts_as_a_bias() -> None:
    logits = drawn(BATCH, ACTIONS * ATOMS)
    explanation = Explainer(read_out(), "epsilon")(logits, 2, layers=True)
    (account,) = [account for account in explanation.layers if account.place.startswith("Softmax")]
    rest = account.relevance - explanation.values.sum(1)
    torch.testing.assert_close(account.parts["bias"], rest, **CLOSE)
    torch.testing.assert_close(explanation.ledger["bias"], rest, **CLOSE)
    assert float(rest.abs().min()) > 1e-6


def test_a_c51_head_follows_its_formulas_down_to_the_features() -> None:
    layer = Layer("head", drawn(ACTIONS * ATOMS, 5, seed=1), drawn(ACTIONS * ATOMS, seed=2))
    network, features = expectation_head(layer, 5, VALUES).double(), drawn(BATCH, 5).abs()
    explanation = Explainer(network, "epsilon")(features, 0)
    weight, bias = (tensor.double() for tensor in network[0].parameters())
    sums = features @ weight.T + bias
    seeds = torch.tensor([1.0, 0.0, 0.0, 0.0]) * explanation.score[:, None]
    of_atoms = of_logits(sums.view(BATCH, ACTIONS, ATOMS), seeds).flatten(1)
    torch.testing.assert_close(explanation.values, features * ((of_atoms / steady(sums)) @ weight), **CLOSE)
    assert float(gap(explanation).max()) <= 1e-9


class CleanRL(nn.Module):
    """The forward of CleanRL's C51, as its script spells it."""

    def __init__(self, head: nn.Linear) -> None:
        super().__init__()
        self.network = head
        self.register_buffer("atoms", VALUES.float())

    def forward(self, inputs: Tensor) -> Tensor:
        logits = self.network(inputs)
        probabilities = torch.softmax(logits.view(len(inputs), ACTIONS, ATOMS), dim=2)
        return (probabilities * self.atoms).sum(2)  # type: ignore[no-any-return]


def test_the_rebuilt_head_and_cleanrls_own_forward_are_explained_alike() -> None:
    layer = Layer("head", drawn(ACTIONS * ATOMS, 5, seed=1), drawn(ACTIONS * ATOMS, seed=2))
    rebuilt, own = expectation_head(layer, 5, VALUES).double(), CleanRL(linear(layer)).double()
    features = drawn(BATCH, 5)
    one, other = (Explainer(network, "epsilon_plus")(features, "contrast") for network in (rebuilt, own))
    torch.testing.assert_close(one.values, other.values, **CLOSE)
    for part, amount in one.ledger.items():
        torch.testing.assert_close(amount, other.ledger[part], **CLOSE)


@pytest.mark.parametrize("scale", [1.0, 1e-2, 1e-4])
def test_the_ledger_of_c51_closes_in_single_precision_however_small_the_q_value(scale: float) -> None:
    layer = Layer("head", scale * drawn(6 * 51, 64, seed=1), scale * drawn(6 * 51, seed=2))
    network, features = expectation_head(layer, 64, torch.linspace(-10, 10, 51)), drawn(64, 64).float().abs()
    explainer = Explainer(network, "epsilon_plus")
    for target in ("score", "contrast", "advantage"):
        assert float(gap(explainer(features, target)).max()) <= 1e-5


def test_a_dueling_c51_shares_every_atoms_logit_between_its_streams() -> None:
    """As Rainbow has it (Hessel et al. 2018, arXiv:1710.02298)."""

    def rainbow(streams: Tensor) -> Tensor:
        value = streams[:, :ATOMS].view(-1, 1, ATOMS)
        advantage = streams[:, ATOMS:].view(-1, ACTIONS, ATOMS)
        logits = value + advantage - advantage.mean(1, keepdim=True)
        return (torch.softmax(logits, 2) * VALUES).sum(2)

    streams = drawn(BATCH, (1 + ACTIONS) * ATOMS)
    explanation = Explainer(Calls(rainbow), "epsilon")(streams, 1)
    each = streams.view(BATCH, 1 + ACTIONS, ATOMS)
    logits = each[:, :1] + each[:, 1:] - each[:, 1:].mean(1, keepdim=True)
    seeds = torch.tensor([0.0, 1.0, 0.0, 0.0]) * explanation.score[:, None]
    below = of_logits(logits, seeds)[:, 1] / steady(logits[:, 1])
    counted = torch.tensor([1.0, -1 / ACTIONS, 1 - 1 / ACTIONS, -1 / ACTIONS, -1 / ACTIONS], dtype=torch.float64)
    torch.testing.assert_close(explanation.values, (each * counted[:, None] * below[:, None]).flatten(1), **CLOSE)
    assert float(gap(explanation).max()) <= 1e-9


# --- QR-DQN ----------------------------------------------------------------------------------------------------------


def test_every_quantile_gets_its_part_of_the_mean() -> None:
    quantiles = drawn(BATCH, 20 * ACTIONS)
    network = Calls(lambda values: values.view(-1, 20, ACTIONS).mean(1))
    explanation = Explainer(network, "epsilon")(quantiles, 2)
    wanted = torch.zeros(BATCH, 20, ACTIONS, dtype=torch.float64)
    quotient = explanation.score / steady(explanation.score)
    wanted[:, :, 2] = quantiles.view(BATCH, 20, ACTIONS)[:, :, 2] / 20 * quotient[:, None]
    torch.testing.assert_close(explanation.values, wanted.flatten(1), **CLOSE)
    assert float(gap(explanation).max()) <= 1e-9


def test_the_folded_mean_over_quantiles_is_explained_as_the_two_steps_are() -> None:
    layer = Layer("head", drawn(20 * ACTIONS, 5, seed=3), drawn(20 * ACTIONS, seed=4))
    folded, head = linear(quantile_mean(layer, 20)).double(), linear(layer).double()
    network = nn.Sequential(head, Calls(lambda values: values.view(-1, 20, ACTIONS).mean(1)))
    features = drawn(BATCH, 5).abs() + 0.1
    one, other = (Explainer(each, "epsilon")(features, 1) for each in (folded, network))
    torch.testing.assert_close(one.values, other.values, rtol=1e-3, atol=1e-6)  # float32 weights; 20 stabilisers for 1
    assert float(gap(one).max()) <= 1e-9 and float(gap(other).max()) <= 1e-9


def test_a_critic_may_give_its_values_without_a_second_dimension() -> None:
    class Critic(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.policy, self.critic = nn.Linear(4, 3), nn.Linear(4, 1)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return self.policy(x), self.critic(x)[:, 0]

    network, inputs = Critic().double(), torch.rand(3, 4, dtype=torch.float64)
    explanation = Explainer(network, "epsilon")(inputs, "value")
    assert torch.allclose(explanation.score, network(inputs)[1])
    expected = inputs * network.critic.weight
    assert torch.allclose(explanation.values, expected, rtol=1e-4)

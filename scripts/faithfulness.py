"""Measure which maps name the pixels that matter: take them away and see what is left of the decision.

.venv/bin/python scripts/faithfulness.py breakout pong      # about two minutes on one core

Deletion: of every state the pixels with the most relevance for the action taken are replaced, in all stacked frames, by
the background (the median of each pixel over the states). Told is what is left of that action's advantage, its logit
less the mean of all, as a mean over games, with half the width of a 95 % interval that is a bootstrap over games. Less
is better; pixels at random leave nearly all. Another fill gives another order: name it with every figure.

And bf16 against float32 on the same states: the largest difference of a map, in parts of its largest value, and cosine.
"""

import argparse
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[1]))  # the inspector

from inspector.agent import Agent
from inspector.atari.environment import make_environment
from inspector.load import load_agent
from inspector.lrp import COMPOSITES, METHODS, Composite, Epsilon, Explainer, Gamma, make_explainer
from inspector.rollout import rollout

FRACTIONS = (0.005, 0.01, 0.02, 0.05)
GAMMAS = {f"gamma {gamma:g} everywhere": Composite(Epsilon(), Gamma(gamma=gamma)) for gamma in (0.05, 0.25, 1.0)}


def states_of(agent: Agent, seed: int, count: int) -> tuple[Tensor, Tensor]:
    """Every eighth network input of a game's play after a start, and the actions taken there."""
    game = make_environment(str(agent.facts.environment), agent.preprocessing, agent.action_count)
    steps = list(islice(rollout(agent, game, seed=seed), 40, 40 + 8 * count, 8))
    game.close()
    inputs = torch.from_numpy(np.stack([step.network_input for step in steps]))
    return inputs, torch.tensor([step.decision.action for step in steps])


def advantage(agent: Agent, inputs: Tensor, actions: Tensor) -> Tensor:
    """Logit of each action less the mean of all."""
    with torch.inference_mode():
        scores = agent.network(inputs)[0]
    return scores.gather(1, actions[:, None])[:, 0] - scores.mean(1)


def deleted(inputs: Tensor, relevance: Tensor, background: Tensor, fraction: float) -> Tensor:
    """The inputs without that fraction of their pixels, the most relevant ones."""
    order = relevance.sum(1).flatten(1).argsort(1, descending=True)
    gone = torch.zeros(order.shape, dtype=torch.bool)
    gone.scatter_(1, order[:, : round(fraction * order.shape[1])], True)
    return torch.where(gone.view(-1, 1, *inputs.shape[2:]), background, inputs)


def interval(left: Tensor, games: int) -> str:
    """Mean over games, and half the width of its 95 % interval."""
    means = left.view(games, -1).mean(1).numpy()
    again = np.random.default_rng(0).choice(means, (2000, games)).mean(1)
    low, high = np.quantile(again, (0.025, 0.975))
    return f"{means.mean():6.2f} ±{(high - low) / 2:4.2f}"


def main() -> None:
    """Print the tables of the agents named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("agents", nargs="+", help="as for inspector record")
    parser.add_argument("--games", type=int, default=8)
    parser.add_argument("--states", type=int, default=25, help="of each game")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name in arguments.agents:
        agent = load_agent(name)
        played = [states_of(agent, seed, arguments.states) for seed in range(arguments.games)]
        inputs, actions = (torch.cat(parts) for parts in zip(*played, strict=True))
        print(f"\n{name}: {len(inputs)} states of {arguments.games} games; the action taken leads by", end=" ")
        print(interval(advantage(agent, inputs, actions), arguments.games))
        tell_deletion(agent, inputs, actions, arguments.games)
        tell_bf16(agent, inputs, actions)


def tell_deletion(agent: Agent, inputs: Tensor, actions: Tensor, games: int) -> None:
    """Print what is left after deletion by every method."""
    background = inputs.flatten(0, 1).median(0).values
    print(f"{'left after deletion of':32}" + "".join(f"{fraction:>14.1%}" for fraction in FRACTIONS))
    for name in ("random", *METHODS, *COMPOSITES, *GAMMAS):
        if name == "random":
            relevance = torch.rand(inputs.shape, generator=torch.Generator().manual_seed(0))
        else:
            explainer = make_explainer(agent.network, GAMMAS.get(name, name), agent.input_bounds)
            relevance = explainer(inputs, actions=actions).values
        less = (deleted(inputs, relevance, background, fraction) for fraction in FRACTIONS)
        cells = (interval(advantage(agent, each, actions), games) for each in less)
        print(f"{name:32}" + "".join(f"{cell:>14}" for cell in cells), flush=True)


def tell_bf16(agent: Agent, inputs: Tensor, actions: Tensor) -> None:
    """Print how far maps in bf16 are from those in float32."""
    print(f"{'bf16: error of largest value':32}{'median':>14}{'worst':>14}{'cosine: median':>16}{'worst':>14}")
    for name in COMPOSITES:
        exact, coarse = (
            Explainer(agent.network, name, agent.input_bounds, precision=precision)(inputs, actions=actions)
            for precision in ("float32", "bfloat16")
        )
        one, other = exact.values.flatten(1), coarse.values.flatten(1)
        error = (one - other).abs().amax(1) / one.abs().amax(1)
        cosine = torch.cosine_similarity(one, other)
        print(
            f"{name:32}{error.median():14.1%}{error.max():14.1%}{cosine.median():16.4f}{cosine.min():14.4f}", flush=True
        )


if __name__ == "__main__":
    main()

"""What the processes of a sweep do: play for states, explain them under a checkpoint, let a checkpoint play."""

import copy
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from inspector.agent import Agent
from inspector.atari.environment import make_environment
from inspector.atari.objects.choice import find_for
from inspector.explaining import resolve_action
from inspector.load import Member
from inspector.lrp import Explanation, make_explainer
from inspector.probe import State
from inspector.probe_file import arrays_of, read_probe
from inspector.records import LEDGER_PARTS, Step
from inspector.regions import RegionSummer, RegionSums
from inspector.rollout import rollout
from inspector.sweep import Arrays
from inspector.track.atoms import AtomMeter, joined_atoms
from inspector.watching import Watcher

BATCH = 32
ORTHOGONAL = (nn.Linear, nn.modules.conv._ConvNd)
"""Layers that PPO's trainers give orthogonal weights."""

THIRDS = ("start", "middle", "end")
"""Phases of a game that nobody knows better: thirds of the episode."""


@dataclass(frozen=True, slots=True)
class Explaining:
    """What is explained, and how.

    Attributes:
        composite: Name of a composite, or a TOML file.
        target: `score` of the best action, `contrast`, `advantage`, `value`, or the number of an action.
    """

    composite: str
    target: str


def collect_states(
    member: Member, regions: Path | None, source: int, *, seed: int, episodes: int, max_steps: int, every: int
) -> Arrays:
    """Let a checkpoint play, and keep a state now and then.

    Args:
        member: Who plays.
        regions: The user's own regions; None for those of the game.
        source: Frames that it was trained for.
        seed: Of the games and of sampled actions.
        episodes: How many games.
        max_steps: Decisions of a game after which it is left.
        every: Decisions from one kept state to the next.
    """
    agent = member.load()
    finder = find_for(str(agent.facts.environment), regions)
    watcher = Watcher(finder, agent.input_shape[1:])
    states: list[State] = []
    for number in range(episodes):
        kept: list[State] = []
        for step, stack, _ in watcher.watch_all(_keeping(_episode(agent, seed + number, max_steps), every)):
            newest = step.seen[-1]
            phase = finder.phase(newest) if newest else None
            observation = np.rint(step.network_input * agent.preprocessing.divisor).astype(np.uint8)
            kept.append(State(observation, step.screen, stack, source, number, step.index, phase or ""))
        thirds = (THIRDS[3 * place // len(kept)] for place in range(len(kept)))
        states += [
            state if state.phase else replace(state, phase=third) for state, third in zip(kept, thirds, strict=True)
        ]
    return arrays_of(states)


def explain_probe(
    member: Member, probe: Path, explaining: Explaining, *, random_seed: int | None = None, device: str = "cpu"
) -> Arrays:
    """Explain every state of a probe set under a checkpoint.

    Args:
        member: The checkpoint.
        probe: File of the probe set.
        explaining: What is explained, and how.
        random_seed: Gives the network new random weights instead; None keeps its own.
        device: Where the network runs.

    Returns:
        What `_Explained` says, one row a state.
    """
    agent = _agent(member, random_seed, device)
    explained, (observations, summers) = RegionExplainer(agent, explaining), _prepared_now(probe)
    pairs = zip(_batches(observations, agent), summers, strict=True)
    return joined_arrays([explained(inputs, summer) for inputs, summer in pairs])


def measure_atoms(member: Member, probe: Path, *, random_seed: int | None = None, device: str = "cpu") -> Arrays:
    """Measure ATOMs on every state of a probe set; arguments as `explain_probe`, results as `AtomMeter`."""
    agent = _agent(member, random_seed, device)
    measured, (observations, summers) = AtomMeter(agent.network), _prepared_now(probe)
    pairs = zip(_batches(observations, agent), summers, strict=True)
    return joined_atoms([measured(torch.from_numpy(inputs).to(agent.device), summer) for inputs, summer in pairs])


def _agent(member: Member, random_seed: int | None, device: str) -> Agent:
    agent = member.load(device)
    return agent if random_seed is None else with_random_weights(agent, random_seed)


def _batches(observations: NDArray[np.uint8], agent: Agent) -> Iterator[NDArray[np.float32]]:
    for start in range(0, len(observations), BATCH):
        yield inputs_of(observations[start : start + BATCH], agent.preprocessing.divisor)


def _prepared_now(probe: Path) -> tuple[NDArray[np.uint8], list[RegionSummer]]:
    return _prepared(str(probe), probe.stat().st_mtime_ns)


def play_game(
    member: Member,
    regions: Path | None,
    explaining: Explaining,
    *,
    seed: int,
    max_steps: int,
    every: int,
    device: str = "cpu",
) -> Arrays:
    """Let a checkpoint play a whole game, and explain decisions of its own now and then.

    Args:
        member: Who plays.
        regions: The user's own regions; None for those of the game.
        explaining: What is explained, and how.
        seed: Of the game and of sampled actions.
        max_steps: Decisions after which the game is left.
        every: Decisions from one explained to the next.
        device: Where the network runs.

    Returns:
        As `explain_probe`, with `steps`, `return`, `length` (in decisions) and `finished` of the game.
    """
    agent = member.load(device)
    watcher = Watcher(find_for(str(agent.facts.environment), regions), agent.input_shape[1:])
    explained, total = RegionExplainer(agent, explaining), _Total()
    kept = _keeping(total.watch(_episode(agent, seed, max_steps)), every)
    parts, indices = [], []
    steps = watcher.watch_all(kept)
    while batch := list(islice(steps, BATCH)):
        summer = RegionSummer([watched.covers for watched in batch], agent.input_shape[1:])
        inputs = np.stack([watched.step.network_input for watched in batch])
        parts.append(explained(inputs, summer))
        indices += [watched.step.index for watched in batch]
    game = {"return": total.reward, "length": total.length, "finished": total.finished}
    return joined_arrays(parts) | {"steps": np.array(indices)} | {name: np.array(value) for name, value in game.items()}


def inputs_of(observations: NDArray[np.uint8], divisor: float) -> NDArray[np.float32]:
    """Observations as a network takes them."""
    return np.divide(observations, np.float32(divisor), dtype=np.float32)


def with_random_weights(agent: Agent, seed: int) -> Agent:
    """The same agent, untrained: with new random weights; its own network stays.

    An even seed draws weights as torch initialises its layers, an odd one as stable-baselines3 and CleanRL do for PPO:
    orthogonal, without biases. How the agent's own began is not known, and the two scatter differently.
    """
    network = copy.deepcopy(agent.network)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        for module in network.modules():
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                reset()
            if seed % 2 and isinstance(module, ORTHOGONAL):
                nn.init.orthogonal_(module.weight, 2**0.5)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
    return Agent(network, agent.output, agent.action_count, agent.preprocessing, agent.facts)


class RegionExplainer:
    """Explains network inputs under one agent, and adds the relevance up by regions.

    Args:
        agent: Whose decisions; its network must not change meanwhile.
        explaining: What is explained, and how.
    """

    def __init__(self, agent: Agent, explaining: Explaining) -> None:
        self._device = agent.device
        self._explainer = make_explainer(agent.network, explaining.composite, agent.input_bounds, frozen=True)
        self._action = resolve_action(explaining.target, tuple(map(str, range(agent.action_count))))
        self._target = explaining.target

    def __call__(self, inputs: NDArray[np.float32], summer: RegionSummer) -> Arrays:
        """Sums by region (batch, regions, stack), and what else is known of each decision."""
        explanation = self._explain(inputs)
        values = explanation.values.float().cpu().numpy()
        finite = explanation.finite.cpu().numpy()
        sums: RegionSums = summer(
            values if finite.all() else np.where(finite[:, None, None, None], values, np.float32(0))
        )
        outputs = explanation.outputs
        ledger = [
            explanation.ledger[part].double().cpu().numpy() for part in LEDGER_PARTS if part in explanation.ledger
        ]
        return {
            "positive": sums.positive,
            "absolute": sums.absolute,
            "area": sums.area,
            "relevant_area": sums.relevant_area,
            "score": explanation.score.double().cpu().numpy(),
            "scores": outputs.scores.float().cpu().numpy(),
            "ledger": np.stack(ledger, 1) if ledger else np.zeros((len(inputs), 0)),
            "finite": finite,
        }

    def maps(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Signed relevance of network inputs, in their shape."""
        return self._explain(inputs).values.float().cpu().numpy()

    def _explain(self, inputs: NDArray[np.float32]) -> Explanation:
        tensor = torch.from_numpy(inputs).to(self._device)
        return self._explainer(tensor, self._target if self._action is None else self._action)


class _Total:
    """Adds up a game while it is played."""

    def __init__(self) -> None:
        self.reward, self.length, self.finished = 0.0, 0, False

    def watch(self, steps: Iterator[Step]) -> Iterator[Step]:
        for step in steps:
            self.reward += step.reward
            self.length += 1
            self.finished = step.terminated or step.truncated
            yield step


def _episode(agent: Agent, seed: int, max_steps: int) -> Iterator[Step]:
    """One game, or its first decisions; the same seed gives the same start."""
    with closing(make_environment(str(agent.facts.environment), agent.preprocessing, agent.action_count)) as game:
        for step in islice(rollout(agent, game, seed=seed), max_steps):
            yield step
            if step.terminated or step.truncated:
                return


def _keeping(steps: Iterator[Step], every: int) -> Iterator[Step]:
    return (step for step in steps if step.index % every == every - 1)


@lru_cache(maxsize=1)
def _prepared(probe: str, _changed: int) -> tuple[NDArray[np.uint8], list[RegionSummer]]:
    """Observations of a probe set, and the summer of each batch; made once in a process, unless the file changes."""
    whole = read_probe(Path(probe))
    observations, covers = whole.observations, whole.covers
    size = (observations.shape[2], observations.shape[3])
    starts = range(0, len(observations), BATCH)
    return observations, [RegionSummer(covers[start : start + BATCH], size) for start in starts]


def joined_arrays(parts: list[Arrays]) -> Arrays:
    """What several batches gave, one behind the other."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}

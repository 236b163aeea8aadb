"""Let an agent play: a generator of steps."""

from collections.abc import Iterator

import numpy as np

from inspector.agent import Agent
from inspector.atari.environment import AtariEnvironment
from inspector.records import Step


def samples(agent: Agent, greedy: bool | None) -> bool:
    """Whether the agent's actions are sampled: policies are, Q-networks are not, unless told otherwise."""
    return agent.output == "logits" if greedy is None else not greedy


def rollout(agent: Agent, environment: AtariEnvironment, *, seed: int, greedy: bool | None = None) -> Iterator[Step]:
    """Play game after game, without end; stop it with `itertools.islice` or a break.

    Invariant: the screen and the network input of a step are those that its decision was made on; its screens,
    memory, reward and lives are what came of it.

    Args:
        agent: Who plays.
        environment: What it plays, made by the agent's own recipe.
        seed: Of the console, of the no-op starts and of sampled actions. The same seed gives the same games.
        greedy: True takes the best action, False samples; None samples policies only.

    Yields:
        One `Step` a decision.
    """
    generator = np.random.default_rng(seed) if samples(agent, greedy) else None
    divisor = np.float32(agent.preprocessing.divisor)
    episode = 0
    while True:
        observation, info = environment.reset(seed=seed if episode == 0 else None)
        index, over, has_lives = 0, False, info["lives"] > 0
        while not over:
            network_input = observation.astype(np.float32) / divisor
            decision = agent.decide(network_input[None], generator)[0]
            observation, reward, terminated, truncated, after = environment.step(decision.action)
            over = terminated or truncated
            yield Step(
                episode=episode,
                index=index,
                frame=info["frame"],
                screen=info["screen"],
                screens=after["screens"],
                rams=after["rams"],
                network_input=network_input,
                decision=decision,
                reward=reward,
                lives=after["lives"] if has_lives else None,
                terminated=terminated,
                truncated=truncated,
                seen=info["seen"],
            )
            info, index = after, index + 1
        episode += 1

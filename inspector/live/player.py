"""An agent that plays decision by decision, and explains each before it acts; agents can change places in mid-game."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from inspector.agent import Agent
from inspector.atari.environment import NATIVE_RATE, AtariEnvironment, make_environment, title_of
from inspector.atari.objects import ObjectFinder
from inspector.attention import NOTHING, Attention, RegionShares, attend, share_out
from inspector.errors import CheckpointError
from inspector.explaining import Interpreter, resolve_action
from inspector.lrp import METHODS, CompositeLike, composite_of
from inspector.records import Decision, Relevance, Step
from inspector.rollout import samples
from inspector.watching import Watcher

_KEPT = 8
"""Explainers kept: each holds a network's weights, split by sign."""

_NO_SCREENS = np.empty((0, 1, 1, 3), np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Thought:
    """A decision before it is acted on, with its explanation.

    Attributes:
        step: What was decided on, and the decision; nothing has come of it yet.
        relevance: Its explanation.
        attention: Summary of that relevance.
        regions: Where it lies, by region.
        target_name: What was explained, as a person reads it.
        target_action: The action that the target is about; None for the value.
    """

    step: Step
    relevance: Relevance
    attention: Attention
    regions: RegionShares
    target_name: str
    target_action: int | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a decision.

    Attributes:
        reward: Unclipped.
        life_lost: Whether it cost a life.
        over: Whether the game ended with it.
    """

    reward: float
    life_lost: bool
    over: bool


class Player:
    """Lets an agent play.

    Args:
        agents: Checkpoints of one training run, ascending.
        finder: Finds the regions of the game.
        place: Which of them plays first; -1 is the last.
        composite: What explains; a file is read once, so that all checkpoints are explained alike.
        target: What is explained: `score`, `contrast`, `advantage`, `value`, or an action by name or number.
        seed: Of the game and of sampled actions.
        greedy: True takes the best action, False samples; None samples policies only.

    Attributes:
        agent: Who plays.
        game: What is played.
        finder: Finds its regions.
        composite: What explains.
        taken: Decisions taken since play began.
        steps: Those of this game.
        return_so_far: Unclipped return of this game.
        lives: Lives left; None where the game has none.

    Raises:
        GameError: If the game does not exist or does not fit.
        UnsupportedError: If the network cannot be explained.
        UsageError: If there is no such target or composite.
    """

    def __init__(
        self,
        agents: Sequence[Agent],
        finder: ObjectFinder,
        *,
        place: int = -1,
        composite: CompositeLike = "epsilon_plus",
        target: str = "score",
        seed: int = 0,
        greedy: bool | None = None,
    ) -> None:
        self._agents = agents
        self.composite = _read_once(composite)
        self._place = place % len(agents)
        self.agent = agents[self._place]
        self.game: AtariEnvironment = make_environment(
            str(self.agent.facts.environment), self.agent.preprocessing, self.agent.action_count
        )
        self.finder, self._watcher = finder, Watcher(finder, self.agent.input_shape[1:])
        self._generator = np.random.default_rng(seed) if samples(self.agent, greedy) else None
        self._chance = self._generator.bit_generator.state if self._generator else None
        self._interpreters: OrderedDict[tuple[int, str], Interpreter] = OrderedDict()
        self._episode, self._seed = -1, seed
        self._is_over, self._has_jumped, self._deciders, self.taken = True, False, set[int](), 0
        self.target = target
        self.new_game()

    @property
    def title(self) -> str:
        """Name of the game."""
        return title_of(self.game.name)

    @property
    def place_text(self) -> str:
        """Which checkpoint this is, of how many."""
        return f"checkpoint {self._place + 1} of {len(self._agents)}" if len(self._agents) > 1 else ""

    @property
    def place_count(self) -> int:
        """Number of checkpoints."""
        return len(self._agents)

    @property
    def region_names(self) -> tuple[str, ...]:
        """Regions that the finder knows."""
        return self.finder.names

    @property
    def decision_rate(self) -> float:
        """Decisions a second at the game's own speed."""
        return NATIVE_RATE / self.agent.preprocessing.frame_skip

    @property
    def target(self) -> str:
        """What is explained."""
        return self._target

    @target.setter
    def target(self, target: str) -> None:
        action = resolve_action(target, self.game.action_names)
        target = target if action is None else self.game.action_names[action]
        self._interpreter(self._place, self.agent, target)  # an error is told where the wish was, and all stays
        self._target = target

    @property
    def follows_seed(self) -> bool:
        """Whether no other checkpoint decided and no game was left: so `inspector record` plays with this seed."""
        return not self._has_jumped and self._deciders <= {self._place}

    def change_checkpoint(self, by: int) -> None:
        """Let another checkpoint go on from the same state; from the last the first follows.

        Raises:
            InspectorError: If it cannot be opened, does not fit the game as it is played, or has not what is explained;
                all stays as it was then.
        """
        place = (self._place + by) % len(self._agents)
        agent = self._agents[place]
        _check_fits(agent, self.agent)
        self._interpreter(place, agent, self._target)
        self.agent, self._place = agent, place

    def new_game(self) -> None:
        """Begin a game, whether or not the one before has ended."""
        self._has_jumped |= not self._is_over
        self._observation, self._info = self.game.reset(seed=self._seed if self._episode < 0 else None)
        self._is_over = False
        self._episode += 1
        self.steps, self.return_so_far = 0, 0.0
        self.lives: int | None = self._info["lives"] or None

    def think(self) -> Thought:
        """Decide on the present state and explain the decision; the game stands still.

        Chance is the same however often this is asked of one state: the decision changes with the agent alone.
        """
        step = self._step()
        interpreter = self.interpreter()
        (relevance,) = interpreter.explain([step])
        attention = attend(relevance.values) if relevance.finite else NOTHING
        watched = self._watcher.watch(step)
        regions = share_out(relevance.values, watched.covers, watched.newest)
        about = interpreter.target_action(step.decision.action)
        return Thought(step, relevance, attention, regions, interpreter.target_text(step.decision), about)

    def act(self, thought: Thought) -> tuple[Step, Outcome]:
        """Do what was decided. After the end of a game this is to be called again only after `new_game`.

        Returns:
            The step with all that came of it, and that in short.
        """
        observation, reward, terminated, truncated, info = self.game.step(thought.step.decision.action)
        lives = info["lives"] if self.lives is not None else None
        lost = lives is not None and self.lives is not None and lives < self.lives
        step = replace(
            thought.step,
            screens=info["screens"],
            rams=info["rams"],
            reward=reward,
            lives=lives,
            terminated=terminated,
            truncated=truncated,
        )
        self._observation, self._info, self.lives = observation, info, lives
        if self._generator is not None:
            self._chance = self._generator.bit_generator.state
        self.steps, self.taken = self.steps + 1, self.taken + 1
        self.return_so_far += reward
        self._deciders.add(self._place)
        self._is_over = terminated or truncated
        return step, Outcome(reward, lost, self._is_over)

    def close(self) -> None:
        """Release the game."""
        self.game.close()

    def __enter__(self) -> "Player":
        """The player itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Release the game."""
        self.close()

    def interpreter(self) -> Interpreter:
        """What explains the agent that plays."""
        return self._interpreter(self._place, self.agent, self._target)

    def _interpreter(self, place: int, agent: Agent, target: str) -> Interpreter:
        """What explains a target of an agent; the last few stay prepared."""
        key = place, target
        if key not in self._interpreters:
            names = self.game.action_names
            self._interpreters[key] = Interpreter(agent, names, self.composite, target, frozen=True)
        self._interpreters.move_to_end(key)
        while len(self._interpreters) > _KEPT:
            self._interpreters.popitem(last=False)
        return self._interpreters[key]

    def _step(self) -> Step:
        if self._generator is not None and self._chance is not None:
            self._generator.bit_generator.state = self._chance
        divisor = np.float32(self.agent.preprocessing.divisor)
        network_input: NDArray[np.float32] = self._observation.astype(np.float32) / divisor
        decision: Decision = self.agent.decide(network_input[None], self._generator)[0]
        return Step(
            episode=self._episode,
            index=self.steps,
            frame=self._info["frame"],
            screen=self._info["screen"],
            screens=_NO_SCREENS,
            rams=None,
            network_input=network_input,
            decision=decision,
            reward=0.0,
            lives=self.lives,
            terminated=False,
            truncated=False,
            seen=self._info["seen"],
        )


def _read_once(composite: CompositeLike) -> CompositeLike:
    """A composite that needs no file any more."""
    return composite if isinstance(composite, str) and composite in METHODS else composite_of(composite)


def _check_fits(agent: Agent, playing: Agent) -> None:
    """See that an agent can take over the game of another.

    Raises:
        CheckpointError: If its input is made in another way, or its scores mean something else.
    """
    kinds = [
        {"actions": one.action_count, "output": one.output} | asdict(one.preprocessing) for one in (agent, playing)
    ]
    for name, found in kinds[0].items():
        if found != kinds[1][name]:
            raise CheckpointError(
                f"{agent.facts.checkpoint.path} has {name} {found}, where the game is played with {kinds[1][name]}: "
                "checkpoints of one run belong in one series"
            )

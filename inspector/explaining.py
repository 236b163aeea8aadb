"""Explain steps: from decisions in numpy to the explainer in torch and back."""

from typing import Any

import numpy as np
import torch

from inspector.agent import Agent
from inspector.draw.moment import Measure
from inspector.errors import UsageError
from inspector.lrp import (
    COMPOSITES,
    CompositeLike,
    Explainer,
    GradientExplainer,
    Sensitivity,
    composite_table,
    make_explainer,
)
from inspector.records import LEDGER_PARTS, Decision, Relevance, Step

NAMED_TARGETS = ("score", "contrast", "advantage", "value")


class Interpreter:
    """Explains the decisions of one agent, always the same target by the same composite.

    Args:
        agent: Whose decisions.
        action_names: Name of every action.
        composite: A composite: a preset's name, a TOML file, or one made in Python; or a method by gradients, `taylor`
            or `sensitivity`.
        target: `score` of the action taken, `contrast` (less the best other action), `advantage` (less the mean of
            all), `value` of the critic, or always one action, by name or number.
        frozen: The network does not change as long as this is used; else changes are noticed, as in training.

    Attributes:
        composite: Name of the composite or method, as the page shows it.
        rules: The composite's rules, for the manifest; None where the name says it all.
        measure: What maps hold: `relevance` for and against, or `sensitivity`, which has a size alone.
        frames_told_apart: Whether stacked frames get different maps; under a flat first layer they do not.

    Raises:
        UsageError: If there is no such target, or composite, or no critic.
        UnsupportedError: If the network has an operation without a rule.
    """

    def __init__(
        self,
        agent: Agent,
        action_names: tuple[str, ...],
        composite: CompositeLike,
        target: str,
        *,
        frozen: bool = False,
    ):
        self._device, self._names, self._output = agent.device, action_names, agent.output
        self._explainer = make_explainer(agent.network, composite, agent.input_bounds, frozen=frozen)
        self.composite, self.rules = account_of_explainer(self._explainer)
        self.measure: Measure = "sensitivity" if isinstance(self._explainer, Sensitivity) else "relevance"
        self.action = resolve_action(target, action_names)
        self.target = target if self.action is None else action_names[self.action]
        self.frames_told_apart = self._tells_frames_apart(agent)

    @property
    def line_name(self) -> str:
        """What the explained score is, as a person reads it."""
        return line_name(self._output, self.target)

    def target_text(self, decision: Decision) -> str:
        """What is explained of one decision, as a person reads it after «relevance for»."""
        about = self.target_action(decision.action)
        if about is None:
            return "the value"
        name = self._names[about]
        if self.target == "contrast":
            others = decision.scores.astype(np.float64)
            others[about] = -np.inf
            return f"{name} over {self._names[int(others.argmax())]}"
        return f"{name} over the mean" if self.target == "advantage" else name

    def target_action(self, taken: int) -> int | None:
        """The action that the target is about; None for the value, which is about none."""
        if self.action is not None:
            return self.action
        return None if self.target == "value" else taken

    def explain(self, steps: list[Step]) -> list[Relevance]:
        """Explain steps as one batch."""
        inputs = np.stack([step.network_input for step in steps])
        return self._explain(inputs, [step.decision.action for step in steps])

    def _tells_frames_apart(self, agent: Agent) -> bool:
        """Whether the frames of a stack of noise get maps of their own; an error shows here before a game is begun."""
        noise = np.random.default_rng(0).random((1, *agent.input_shape)) * agent.input_bounds[1]
        (relevance,) = self._explain(noise.astype(np.float32), [0])
        return not relevance.values.any() or bool((relevance.values != relevance.values[:1]).any())

    def _explain(self, inputs: np.ndarray, taken: list[int]) -> list[Relevance]:
        tensor = torch.from_numpy(inputs).to(self._device)
        actions = torch.tensor(taken, device=self._device)
        if self.action is None:
            explanation = self._explainer(tensor, self.target, actions=actions)
        else:
            explanation = self._explainer(tensor, torch.full_like(actions, self.action))
        values = explanation.values.float().cpu().numpy()
        score = explanation.score.double().cpu().numpy()
        parts = [part for part in LEDGER_PARTS if part in explanation.ledger]
        ledger = {part: explanation.ledger[part].double().cpu().numpy() for part in parts}
        return [
            Relevance(
                values=values[i],
                target=self.target,
                score=float(score[i]),
                ledger={part: float(ledger[part][i]) for part in parts},
                finite=bool(np.isfinite(inputs[i]).all() and np.isfinite(values[i]).all()),
            )
            for i in range(len(taken))
        ]


def account_of_explainer(explainer: Explainer | GradientExplainer) -> tuple[str, dict[str, Any] | None]:
    """The name of what explains, and its rules where it is no preset."""
    if isinstance(explainer, GradientExplainer):
        return explainer.name, None
    composite = explainer.composite
    if COMPOSITES.get(composite.name) == composite:
        return composite.name, None
    return composite.name or "own rules", composite_table(composite)


def line_name(output: str, target: str) -> str:
    """Name of a target's score: `logit of the action taken`, `Q-value of LEFT`, `value`.

    Args:
        output: `logits` or `q_values`.
        target: A named target, or the name of an action.
    """
    if target == "value":
        return target
    unit = "logit" if output == "logits" else "Q-value"
    if target not in NAMED_TARGETS:
        return f"{unit} of {target}"
    return f"{unit if target == 'score' else target} of the action taken"


def resolve_action(target: str, action_names: tuple[str, ...]) -> int | None:
    """Index of the action that a target names; None for a target that follows the action taken.

    Raises:
        UsageError: If it is neither.
    """
    if target in NAMED_TARGETS:
        return None
    folded = [name.casefold() for name in action_names]
    if target.casefold() in folded:
        return folded.index(target.casefold())
    if target.isdecimal() and int(target) < len(action_names):
        return int(target)
    raise UsageError(
        f"no target {target!r}; there are {', '.join(NAMED_TARGETS)}, the actions {', '.join(action_names)}, "
        f"and their numbers 0 to {len(action_names) - 1}"
    )

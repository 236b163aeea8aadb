"""Layer-wise relevance propagation: which inputs made a network decide. Knows torch, knows no game."""

from inspector.lrp.composite import COMPOSITES, Composite
from inspector.lrp.explain import Explainer, Explanation
from inspector.lrp.rules import (
    Rule,
    Shares,
    Signal,
    alpha_beta_rule,
    epsilon_rule,
    flat_rule,
    gamma_rule,
    z_box_rule,
    z_plus_rule,
)
from inspector.lrp.targets import TARGETS, Outputs
from inspector.records import LEDGER_PARTS

__all__ = [
    "COMPOSITES",
    "LEDGER_PARTS",
    "TARGETS",
    "Composite",
    "Explainer",
    "Explanation",
    "Outputs",
    "Rule",
    "Shares",
    "Signal",
    "alpha_beta_rule",
    "epsilon_rule",
    "flat_rule",
    "gamma_rule",
    "z_box_rule",
    "z_plus_rule",
]

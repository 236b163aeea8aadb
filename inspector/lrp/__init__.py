"""Layer-wise relevance propagation: which inputs made a network decide. Knows torch, knows no game."""

from inspector.lrp.argmax import Argmax
from inspector.lrp.composite import COMPOSITES, RULES, Composite
from inspector.lrp.composite_file import CompositeLike, composite_from_file, composite_of, composite_table
from inspector.lrp.explain import Explainer
from inspector.lrp.first_rules import Flat, WSquare, ZBox
from inspector.lrp.gradients import METHODS, GradientExplainer, Sensitivity, Taylor, make_explainer
from inspector.lrp.layers import LinearLayer
from inspector.lrp.plan import Account
from inspector.lrp.registry import register_rule, unregister_rule
from inspector.lrp.rules import AlphaBeta, Epsilon, Gamma, Rule, ZPlus
from inspector.lrp.run import Explanation, Run
from inspector.lrp.signal import Shares, Signal
from inspector.lrp.targets import TARGETS, Outputs
from inspector.records import LEDGER_PARTS

__all__ = [
    "COMPOSITES",
    "LEDGER_PARTS",
    "METHODS",
    "RULES",
    "TARGETS",
    "Account",
    "AlphaBeta",
    "Argmax",
    "Composite",
    "CompositeLike",
    "Epsilon",
    "Explainer",
    "Explanation",
    "Flat",
    "Gamma",
    "GradientExplainer",
    "LinearLayer",
    "Outputs",
    "Rule",
    "Run",
    "Sensitivity",
    "Shares",
    "Signal",
    "Taylor",
    "WSquare",
    "ZBox",
    "ZPlus",
    "composite_from_file",
    "composite_of",
    "composite_table",
    "make_explainer",
    "register_rule",
    "unregister_rule",
]

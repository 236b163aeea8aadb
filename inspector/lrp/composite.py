"""Composites: which rule for which layer. Tables, and the named presets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from inspector.errors import UsageError
from inspector.lrp.layers import LayerKind
from inspector.lrp.rules import (
    Rule,
    alpha_beta_rule,
    epsilon_rule,
    flat_rule,
    gamma_rule,
    z_box_rule,
    z_plus_rule,
)


@dataclass(frozen=True, slots=True)
class Composite:
    """A rule for every kind of layer.

    Attributes:
        dense: Rule of fully connected layers.
        convolution: Rule of convolutions.
        first: By kind of layer, the rule of a layer that no other layer stands before, where it is not that of its
            kind. Both trunks of a network with two have a first layer.
        bounded: The bounds of the network input have to be known.
    """

    dense: Rule
    convolution: Rule
    first: Mapping[LayerKind, Rule] = field(default_factory=dict)
    bounded: bool = False

    def rule(self, kind: LayerKind, *, first: bool) -> Rule:
        """The rule of a layer of this kind; `first` if no other layer stands before it."""
        usual = self.dense if kind == "dense" else self.convolution
        return self.first.get(kind, usual) if first else usual


COMPOSITES: Mapping[str, Composite] = MappingProxyType(
    {
        "epsilon": Composite(dense=epsilon_rule, convolution=epsilon_rule),
        "epsilon_plus": Composite(dense=epsilon_rule, convolution=z_plus_rule),
        "epsilon_plus_flat": Composite(
            dense=epsilon_rule,
            convolution=z_plus_rule,
            first={"dense": flat_rule, "convolution": flat_rule},
        ),
        "epsilon_gamma_box": Composite(
            dense=epsilon_rule,
            convolution=gamma_rule,
            first={"convolution": z_box_rule},
            bounded=True,
        ),
        "epsilon_alpha2_beta1": Composite(dense=epsilon_rule, convolution=alpha_beta_rule),
    }
)
"""The presets by name.

Source: the composites of these names in zennit (Anders et al. 2021, arXiv:2106.13200), whose meanings they keep.
"""


def composite_named(name: str) -> Composite:
    """A preset.

    Raises:
        UsageError: If there is none of that name.
    """
    try:
        return COMPOSITES[name]
    except KeyError:
        raise UsageError(f"there is no composite {name!r}: choose one of {', '.join(COMPOSITES)}") from None

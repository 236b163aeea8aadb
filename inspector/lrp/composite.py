"""Composites: which rule for which layer. Tables, and the named presets."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from types import MappingProxyType

from inspector.errors import UsageError
from inspector.lrp.argmax import Argmax
from inspector.lrp.first_rules import Flat, WSquare, ZBox
from inspector.lrp.layers import LayerKind
from inspector.lrp.rules import AlphaBeta, Epsilon, Gamma, Rule, ZPlus


@dataclass(frozen=True, slots=True)
class Composite:
    """A rule for every kind of layer.

    Attributes:
        dense: Rule of fully connected layers.
        convolution: Rule of convolutions.
        first: By kind of layer, the rule of a layer that no other layer stands before, where it is not that of its
            kind. Both trunks of a network with two have a first layer.
        layers: By name of a module, which may hold `*` and `?`, the rule of single layers; the first that fits counts,
            and before all others.
        name: What a recording calls it; composites of the same rules are equal, whatever their names.
    """

    dense: Rule
    convolution: Rule
    first: Mapping[LayerKind, Rule] = field(default_factory=dict)
    layers: Mapping[str, Rule] = field(default_factory=dict)
    name: str = field(default="", compare=False)

    @property
    def bounded(self) -> bool:
        """Whether the bounds of the network input have to be known."""
        rules = (self.dense, self.convolution, *self.first.values(), *self.layers.values())
        return any(isinstance(rule, ZBox) for rule in rules)

    def rule(self, kind: LayerKind, *, first: bool, name: str = "") -> Rule:
        """The rule of a layer of this kind and name; `first` if no other layer stands before it."""
        for pattern, rule in self.layers.items():
            if fnmatchcase(name, pattern):
                return rule
        usual = self.dense if kind == "dense" else self.convolution
        return self.first.get(kind, usual) if first else usual

    def check(self, names: Collection[str]) -> None:
        """Check that every entry of `layers` is there for a layer.

        Args:
            names: Of the network's layers.

        Raises:
            UsageError: If one fits none of them: most likely it is misspelt.
        """
        for pattern in self.layers:
            if not any(fnmatchcase(name, pattern) for name in names):
                known = ", ".join(dict.fromkeys(filter(None, names))) or "none with a name"
                raise UsageError(
                    f"the composite has a rule for layers {pattern!r}, which fits no layer of the network; its layers "
                    f"are {known}"
                )


RULES: Mapping[str, type[Rule]] = MappingProxyType(
    {
        "epsilon": Epsilon,
        "z_plus": ZPlus,
        "alpha_beta": AlphaBeta,
        "gamma": Gamma,
        "z_box": ZBox,
        "w_square": WSquare,
        "flat": Flat,
        "argmax": Argmax,
    }
)
"""The rules of layers with weights, by name."""

_PRESETS = {
    "epsilon": Composite(dense=Epsilon(), convolution=Epsilon()),
    "epsilon_plus": Composite(dense=Epsilon(), convolution=ZPlus()),
    "epsilon_plus_flat": Composite(
        dense=Epsilon(), convolution=ZPlus(), first={"dense": Flat(), "convolution": Flat()}
    ),
    "epsilon_gamma_box": Composite(dense=Epsilon(), convolution=Gamma(), first={"convolution": ZBox()}),
    "epsilon_alpha2_beta1": Composite(dense=Epsilon(), convolution=AlphaBeta()),
    "epsilon_alpha2_beta1_flat": Composite(
        dense=Epsilon(), convolution=AlphaBeta(), first={"dense": Flat(), "convolution": Flat()}
    ),
    "deep_taylor": Composite(dense=ZPlus(), convolution=ZPlus(), first={"dense": ZBox(), "convolution": ZBox()}),
    "argmax": Composite(dense=ZPlus(), convolution=Argmax(), first={"convolution": ZPlus()}),
}

COMPOSITES: Mapping[str, Composite] = MappingProxyType(
    {name: replace(composite, name=name) for name, composite in _PRESETS.items()}
)
"""The presets by name.

Source: those that begin with epsilon are the composites of these names in zennit (Anders et al. 2021,
arXiv:2106.13200), whose meanings they keep; `deep_taylor` Montavon et al. 2017, doi:10.1016/j.patcog.2016.11.008;
`argmax` Huber et al. 2019, doi:10.1007/978-3-030-30179-8_16.
"""


GRADIENT_METHODS = ("sensitivity", "taylor")
"""The methods beside LRP that `inspector.lrp.gradients` offers; no composite may take their names."""


def composite_named(name: str) -> Composite:
    """A preset.

    Raises:
        UsageError: If there is none of that name.
    """
    if name in GRADIENT_METHODS:
        raise UsageError(f"{name} is no composite but a method by gradients: use make_explainer(network, {name!r})")
    try:
        return COMPOSITES[name]
    except KeyError:
        raise UsageError(
            f"there is no composite {name!r}: choose one of {', '.join(COMPOSITES)}, or give a TOML file"
        ) from None

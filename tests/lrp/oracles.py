"""Other people's LRP, helped to be right: what the engine has to agree with.

zennit and captum read modules, not functions. Left alone they are wrong, silently, about sums, functional activations
and batch norm, and captum knows few layers; `test_oracle_faults` lists it with numbers. Here each gets the network in
the form that it understands. Only results are compared: nothing of zennit (LGPL) is copied.
"""

import copy
import operator
import warnings
from functools import singledispatch

import torch
from torch import Tensor, fx, nn

from tests import torchvision_stub  # noqa: F401 - before zennit
from tests.lrp.networks import Playing
from tests.lrp.reference import MAX_POOLS, TABLES, WEIGHTED, Layers, Reference, Shared, folded
from tests.lrp.reference import Residual as Sum
from tests.lrp.reference_networks import Impala, NatureScores, Residual, sum_attributes

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from captum.attr import LRP
    from captum.attr._utils.custom_modules import Addition_Module
    from captum.attr._utils.lrp_rules import EpsilonRule
    from torchvision.models.video.resnet import BasicBlock, VideoResNet
    from zennit import composites, rules, types
    from zennit.canonizers import AttributeCanonizer, SequentialMergeBatchNorm
    from zennit.core import Composite as ZennitComposite

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def best(scores: Tensor) -> Tensor:
    """Seeds (batch, actions) that explain the best score of each decision: its value there, 0 elsewhere."""
    scores = scores.detach()
    return scores * nn.functional.one_hot(scores.argmax(1), scores.shape[1])


# --- zennit ----------------------------------------------------------------------------------------------------------


class ExactMerge(SequentialMergeBatchNorm):
    """Merges batch norm and leaves an identity; zennit 0.5.1 leaves a division by sqrt(1 + eps)."""

    def register(self, linears: tuple[nn.Module, ...], batch_norm: nn.Module) -> None:
        self.eps = batch_norm.eps
        super().register(linears, batch_norm)
        batch_norm.eps = 0.0

    def remove(self) -> None:
        super().remove()
        self.batch_norm.eps = self.eps


def zennit_composite(name: str, bounds: tuple[float, float] = (0.0, 1.0), *, exact: bool = True) -> ZennitComposite:
    """zennit's composite of that name, or one made of its rules; its own way of merging where not `exact`."""
    ours = [ExactMerge() if exact else SequentialMergeBatchNorm(), AttributeCanonizer(sum_attributes)]
    low, high = bounds
    base, box = composites.layer_map_base(), rules.ZBox(low=low, high=high)
    return {
        "epsilon": lambda: composites.LayerMapComposite([*base, (types.Linear, rules.Epsilon())], canonizers=ours),
        "epsilon_plus": lambda: composites.EpsilonPlus(canonizers=ours),
        "epsilon_plus_flat": lambda: composites.EpsilonPlusFlat(canonizers=ours),
        "epsilon_gamma_box": lambda: composites.EpsilonGammaBox(low=low, high=high, canonizers=ours),
        "epsilon_alpha2_beta1": lambda: composites.EpsilonAlpha2Beta1(canonizers=ours),
        "epsilon_alpha2_beta1_flat": lambda: composites.EpsilonAlpha2Beta1Flat(canonizers=ours),
        "deep_taylor": lambda: composites.SpecialFirstLayerMapComposite(
            [*base, (types.Linear, rules.ZPlus())], [(types.Linear, box)], canonizers=ours
        ),
    }[name]()


def by_zennit(network: nn.Module, composite: str | ZennitComposite, inputs: Tensor, seeds: Tensor) -> Tensor:
    """Relevance of the inputs where that of the scores is `seeds`; the network returns scores and stays as it is."""
    composite = zennit_composite(composite) if isinstance(composite, str) else composite
    inputs = inputs.detach().clone().requires_grad_()
    with composite.context(copy.deepcopy(network)) as hooked:
        return torch.autograd.grad(hooked(inputs), inputs, seeds)[0]


# --- captum ----------------------------------------------------------------------------------------------------------


class Rectifier(nn.Module):
    """A ReLU that captum does not know: by the epsilon rule the sums around it are right, by a pass they are not."""

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.relu(inputs)


EXACT = (Rectifier, *MAX_POOLS)


class _Tracer(fx.Tracer):
    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        return isinstance(module, WEIGHTED) or super().is_leaf_module(module, name)


def for_captum(network: nn.Module) -> nn.Module:
    """A copy with an addition module for every sum, batch norm folded, and the epsilon rule on every layer.

    captum hands relevance through a ReLU module, and a gradient through a sum. Where one tensor goes into both, it adds
    the two as if they were the same. So activations get the epsilon rule too; as it stands for a pass there, and for
    winner takes all in maximum pooling, with next to no stabiliser.
    """
    root = copy.deepcopy(network)
    graph = _Tracer().trace(root)
    named = dict(root.named_modules())
    for at, node in enumerate(graph.nodes):
        module = named.get(node.target) if node.op == "call_module" else None
        if isinstance(module, NORMS):
            before = node.args[0].target
            root.set_submodule(before, folded(named[before], module))
            node.replace_all_uses_with(node.args[0])
            graph.erase_node(node)
        elif isinstance(module, nn.ReLU) or node.target in (nn.functional.relu, torch.relu):
            _put(root, node, f"_relu{at}", Rectifier(), node.args[:1])
        elif isinstance(module, nn.Flatten):
            node.op, node.target, node.args = "call_function", torch.flatten, (node.args[0], module.start_dim)
        elif node.target in (operator.add, operator.iadd):
            _put(root, node, f"_add{at}", Addition_Module(), node.args)
    explained = fx.GraphModule(root, graph).eval()
    for module in explained.modules():
        if not list(module.children()):
            module.rule = EpsilonRule(1e-30 if isinstance(module, EXACT) else 1e-9)
    return explained


def _put(root: nn.Module, node: fx.Node, name: str, module: nn.Module, args: tuple[fx.node.Argument, ...]) -> None:
    root.add_module(name, module)
    node.op, node.target, node.args, node.kwargs = "call_module", name, args, {}


def by_captum(network: nn.Module, inputs: Tensor, actions: Tensor) -> Tensor:
    """Relevance of the inputs for the scores of these actions, by the epsilon rule with 1e-9 everywhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it sets hooks
        return LRP(for_captum(network)).attribute(inputs.detach().clone(), target=actions).detach()


# --- our own reference -----------------------------------------------------------------------------------------------


def by_reference(
    network: nn.Module,
    composite: str,
    inputs: Tensor,
    seeds: Tensor,
    bounds: tuple[float, float] = (0.0, 1.0),
    stabiliser: float = 1e-6,
) -> Shared:
    """The slow float64 reference on a network that `layers_of` knows."""
    return Reference(layers_of(network), TABLES[composite], bounds, stabiliser)(inputs, seeds)


@singledispatch
def layers_of(module: nn.Module) -> Layers:
    """A network as a list of layers, batch norm folded, in the order in which its forward runs them."""
    return [module]


@layers_of.register
def _(module: nn.Sequential) -> Layers:
    layers: list[nn.Module | Sum] = []
    for layer in (layer for child in module for layer in layers_of(child)):
        if isinstance(layer, NORMS):
            layers[-1] = folded(layers[-1], layer)
        else:
            layers.append(layer)
    return layers


@layers_of.register
def _(module: Playing) -> Layers:
    return _all(module.trunk, module.policy)


@layers_of.register
def _(module: NatureScores) -> Layers:
    return _all(module.convolutions, nn.Flatten(), module.dense, module.policy)


@layers_of.register
def _(module: Impala) -> Layers:
    return _all(module.trunk, nn.ReLU(), nn.Flatten(), module.dense, nn.ReLU(), module.policy)


@layers_of.register
def _(module: Residual) -> Layers:
    return [Sum([nn.ReLU(), module.first, nn.ReLU(), module.second])]


@layers_of.register
def _(module: VideoResNet) -> Layers:
    stages = (module.layer1, module.layer2, module.layer3, module.layer4)
    return _all(module.stem, *stages, module.avgpool, nn.Flatten(), module.fc)


@layers_of.register
def _(module: BasicBlock) -> Layers:
    shortcut = () if module.downsample is None else layers_of(module.downsample)
    return [Sum(_all(module.conv1, module.conv2), shortcut), module.relu]


def _all(*modules: nn.Module) -> Layers:
    return [layer for module in modules for layer in layers_of(module)]

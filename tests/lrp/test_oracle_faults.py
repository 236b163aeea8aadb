"""Where zennit 0.5.1 and captum 0.9.0 are wrong, with what they give, what is right, and why.

Each test asserts both: that the oracle still gives the wrong number, so that a repaired release is noticed and can be
trusted with more, and that the inspector gives the right one.
"""

import copy
import warnings
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as everybody calls it

from inspector.lrp import Composite, Epsilon, Explainer, Flat, Gamma
from tests import torchvision_stub  # noqa: F401 - before zennit
from tests.lrp.networks import screens, small
from tests.lrp.oracles import best, by_reference, by_zennit, zennit_composite
from tests.lrp.reference import Reference, Residual, Table, share
from tests.lrp.reference_networks import clips, impala, r3d_18

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from captum.attr import LRP
    from captum.attr._utils.custom_modules import Addition_Module
    from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule, GammaRule
    from zennit import composites, rules, types
    from zennit.canonizers import SequentialMergeBatchNorm
    from zennit.torchvision import ResNetCanonizer

EPSILON = Composite(dense=Epsilon(), convolution=Epsilon())
FLAT = Composite(dense=Flat(), convolution=Flat())


class Run(nn.Module):
    """A network whose forward is the function given, over modules by name."""

    def __init__(self, forward: Callable[["Run", Tensor], Tensor], **modules: nn.Module) -> None:
        super().__init__()
        self.run = forward
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.run(self, inputs)


def inspected(network: nn.Module, composite: str | Composite, inputs: Tensor, **options: object) -> Tensor:
    """What the inspector gives for the best score."""
    return Explainer(network, composite, **options)(inputs).values


def by_plain_captum(network: nn.Module, inputs: Tensor) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it sets hooks
        return LRP(network).attribute(inputs.clone(), target=network(inputs).argmax(1)).detach()


def apart(found: Tensor, right: Tensor) -> float:
    """Largest difference, as a part of the largest relevance."""
    return float(((found - right).abs().max() / right.abs().max()).detach())


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


# --- zennit: what is no module is not seen ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["epsilon_plus", "epsilon_gamma_box"])
def test_zennit_doubles_relevance_at_every_plain_sum(name: str) -> None:
    """The gradient of x + y is 1 for both, so zennit gives all relevance to x, and all of it again to y.

    Right is R_x = x R / (x + y): both together get what came in. IMPALA has six blocks, and zennit 2^6 = 64 times too
    much; 63 with z-plus, which loses a little in the branches. Without biases the inputs have to get the score.
    """
    network, inputs = without_biases(impala(size=20, critic=False)).double(), screens(3, size=20).double()
    seeds = best(network(inputs))
    plain = zennit_composite(name)
    plain.canonizers = []
    wrong = by_zennit(network, plain, inputs, seeds).sum((1, 2, 3)) / seeds.sum(1)
    right = inspected(network, name, inputs, input_bounds=(0.0, 1.0))
    assert torch.allclose(wrong, torch.full_like(wrong, 64.0), rtol=0.02)
    assert torch.allclose(right.sum((1, 2, 3)), seeds.sum(1), rtol=1e-3)
    assert apart(right, by_reference(network, name, inputs, seeds).inputs) <= 1e-9


def without_biases(network: nn.Module) -> nn.Module:
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
    return network


@pytest.fixture(scope="module")
def video() -> tuple[nn.Module, Tensor, Tensor]:
    """torchvision's r3d_18 without biases, a clip, and the right relevance of its best score."""
    network, inputs = without_biases(r3d_18(biased=False)).double(), clips(1, 4, 24).double()
    return network, inputs, by_reference(network, "epsilon_plus", inputs, best(network(inputs))).inputs


@pytest.mark.parametrize("canonizers", [[], [ResNetCanonizer()]], ids=["without", "with"])
def test_zennit_is_wrong_about_video_networks_with_and_without_its_canonizer(
    video: tuple[nn.Module, Tensor, Tensor], canonizers: list[ResNetCanonizer]
) -> None:
    """`ResNetCanonizer` knows the two-dimensional blocks of torchvision alone, and passes others by without a warning.

    Eight plain sums make 2^8 = 256. (With biases it is 256 without the canonizer and 213 with it, which merges batch
    norm at least, instead of 0.82: clip of 8x56x56.)
    """
    network, inputs, right = video
    seeds = best(network(inputs))
    wrong = by_zennit(network, composites.EpsilonPlus(canonizers=canonizers), inputs, seeds)
    assert torch.allclose(wrong.sum() / seeds.sum(), torch.tensor(256.0, dtype=torch.float64), rtol=1e-3)
    assert torch.allclose(right.sum(), seeds.sum(), rtol=1e-3)


def test_the_inspector_is_right_about_the_video_network_that_zennit_is_wrong_about(
    video: tuple[nn.Module, Tensor, Tensor],
) -> None:
    network, inputs, right = video
    assert apart(inspected(network, "epsilon_plus", inputs), right) <= 1e-9


def test_zennit_scales_relevance_with_the_division_of_the_input() -> None:
    """A network that divides by 255 itself: the gradient of the division is 1/255, and so zennit multiplies relevance.

    Right is to pass: how bright the screens are written down does not change what counts.
    """
    network, inputs = small().trunk, screens(3, frames=2, size=12).double()
    dividing = Run(lambda self, screens: self.trunk(screens / 255.0), trunk=network)
    seeds = best(network(inputs))
    right = by_zennit(network, "epsilon_plus", inputs, seeds)
    wrong = by_zennit(dividing, "epsilon_plus", inputs * 255.0, seeds)
    assert apart(wrong * 255.0, right) <= 1e-9
    assert apart(inspected(dividing, "epsilon_plus", inputs * 255.0), right) <= 1e-9


def test_zennit_does_not_see_a_functional_activation() -> None:
    """zennit lets relevance pass an `nn.Tanh`; at `torch.tanh` there is no module, and its gradient 1 - tanh(z)^2 is
    multiplied on. With one hidden unit all relevance shrinks by that factor."""
    one, two = nn.Linear(4, 1).double(), nn.Linear(1, 2).double()
    functional = Run(lambda self, x: self.two(torch.tanh(self.one(x))), one=one, two=two)
    modules = nn.Sequential(one, nn.Tanh(), two)
    inputs = torch.randn(5, 4, dtype=torch.float64)
    seeds = best(modules(inputs))
    right = by_zennit(modules, "epsilon", inputs, seeds)
    wrong = by_zennit(functional, "epsilon", inputs, seeds)
    assert apart(wrong, right * (1 - torch.tanh(one(inputs)) ** 2)) <= 1e-12
    assert apart(wrong, right) > 0.1
    assert apart(inspected(functional, "epsilon", inputs), right) <= 1e-12


def test_zennit_gives_the_value_stream_of_a_dueling_head_the_whole_score() -> None:
    """Q = V + A - mean A is linear: V gets V and the advantages get A - mean A, less what the stabiliser takes.

    With functions, zennit hands Q to V by the gradient 1, and (1 - 1/n) Q and -Q/n to the advantages, together nothing.
    The sum over the inputs is right all the same: conservation alone proves nothing. Here V reads the first half of the
    inputs and A the second.
    """
    value, advantage = nn.Linear(3, 1, bias=False).double(), nn.Linear(3, 4, bias=False).double()

    def dueling(self: Run, inputs: Tensor) -> Tensor:
        advantages = self.advantage(inputs[:, 3:])
        return self.value(inputs[:, :3]) + advantages - advantages.mean(1, keepdim=True)

    network = Run(dueling, value=value, advantage=advantage)
    nn.init.constant_(value.weight, 0.5)
    nn.init.uniform_(advantage.weight, 0.1, 1.0)  # all well above 0: the stabiliser takes next to nothing
    inputs = torch.rand(5, 6, dtype=torch.float64)
    score = best(network(inputs)).sum(1)
    wrong = by_zennit(network, "epsilon", inputs, best(network(inputs)))
    right = inspected(network, "epsilon", inputs)
    assert torch.allclose(wrong.sum(1), score, rtol=1e-4) and torch.allclose(right.sum(1), score, rtol=1e-4)
    assert torch.allclose(wrong[:, :3].sum(1), score, rtol=1e-4)
    assert torch.allclose(right[:, :3].sum(1), value(inputs[:, :3])[:, 0], rtol=1e-4)
    assert (value(inputs[:, :3])[:, 0] - score).abs().min() > 0.05  # or the two could not be told apart


def test_zennit_masks_relevance_at_a_functional_relu_below_a_flat_layer() -> None:
    """A rule that does not look at the inputs gives relevance to dead units as well. The convention is to let it pass
    the activation; at a functional ReLU zennit multiplies with the gradient, 0 there. One network, two maps."""
    layers = [nn.Conv2d(2, 4, 3).double(), nn.Conv2d(4, 3, 3).double()]
    modules = nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.Flatten())
    functional = Run(lambda self, x: self.two(F.relu(self.one(x))).flatten(1), one=layers[0], two=layers[1])
    inputs = torch.randn(3, 2, 6, 6, dtype=torch.float64)
    flat = composites.LayerMapComposite([(types.Activation, rules.Pass()), (types.Linear, rules.Flat())])
    seeds = best(modules(inputs))
    right, wrong = (by_zennit(network, flat, inputs, seeds) for network in (modules, functional))
    assert apart(wrong, right) > 0.2
    for network in (modules, functional):
        assert apart(inspected(network, FLAT, inputs), right) <= 1e-12


# --- zennit: what it keeps per module --------------------------------------------------------------------------------


def test_zennit_forgets_what_a_shared_layer_saw_first() -> None:
    """A layer used twice: the hook keeps one input, and the second overwrites the first. The first use is then
    explained with the inputs of the second. captum refuses such a network, which is honest."""
    layer, last = nn.Linear(6, 6).double(), nn.Linear(6, 3).double()
    network = Run(lambda self, x: self.last(self.act(self.layer(self.act(self.layer(x))))), layer=layer, last=last)
    network.act = nn.ReLU()
    inputs = torch.randn(4, 6, dtype=torch.float64)
    seeds = best(network(inputs))
    unrolled = nn.Sequential(layer, nn.ReLU(), copy.deepcopy(layer), nn.ReLU(), last)
    right = by_zennit(unrolled, "epsilon", inputs, seeds)
    assert apart(by_zennit(network, "epsilon", inputs, seeds), right) > 0.5
    assert apart(inspected(network, "epsilon", inputs), right) <= 1e-9
    with pytest.raises(RuntimeError, match="is being used more than once"):
        by_plain_captum(Run(lambda self, x: self.layer(torch.relu(self.layer(x))), layer=layer), inputs)


def test_zennit_takes_for_the_first_layer_the_one_that_was_registered_first() -> None:
    """Flat belongs to the layer that sees the input. zennit goes by the order of `named_modules`."""
    late, early = nn.Linear(5, 3).double(), nn.Linear(4, 5).double()
    network = Run(lambda self, x: self.late(torch.relu(self.early(x))), late=late, early=early)
    inputs = torch.rand(3, 4, dtype=torch.float64)
    seeds = best(network(inputs))
    wrong = by_zennit(network, "epsilon_plus_flat", inputs, seeds)
    right = inspected(network, "epsilon_plus_flat", inputs)
    assert apart(wrong, wrong[:, :1].expand_as(wrong)) > 0.1  # not flat
    assert apart(right, by_zennit(nn.Sequential(early, nn.ReLU(), late), "epsilon_plus_flat", inputs, seeds)) <= 1e-12


def test_zennit_leaves_the_eps_of_a_merged_batch_norm(video: tuple[nn.Module, Tensor, Tensor]) -> None:
    """After the merge the batch norm is to be the identity, and still divides by sqrt(1 + eps): 5e-6 for each.

    It adds up, and where a residual sum comes close to 0 it is amplified: 2e-5 to 9e-3 of the largest relevance on
    r3d_18, by weights and clip. Without biases the explained score itself is too small by that.
    """
    blocks = [nn.Sequential(nn.Conv2d(2, 2, 3, bias=False), nn.BatchNorm2d(2)) for _ in range(4)]
    network = nn.Sequential(*blocks, nn.Flatten(), nn.Linear(32, 3, bias=False)).double().eval()
    inputs = torch.randn(3, 2, 12, 12, dtype=torch.float64)
    scores = network(inputs).detach()
    with composites.EpsilonPlus(canonizers=[SequentialMergeBatchNorm()]).context(network) as hooked:
        assert torch.allclose(hooked(inputs) / scores, torch.full_like(scores, (1 + 1e-5) ** -2), rtol=1e-10)
    assert torch.equal(network(inputs), scores)
    assert torch.allclose(Explainer(network)(inputs).outputs.scores, scores, rtol=1e-13)
    video_network, clip, right = video
    stock = zennit_composite("epsilon_plus", exact=False)
    assert 1e-6 < apart(by_zennit(video_network, stock, clip, best(video_network(clip))), right) < 1e-3


# --- captum ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "shape"),
    [(lambda: nn.Conv3d(1, 2, 2), (1, 2, 2, 2)), (nn.Flatten, (1, 2, 2)), (nn.Identity, (2,))],
    ids=["Conv3d", "Flatten", "Identity"],
)
def test_captum_knows_no_rule_for_some_common_layers(make: Callable[[], nn.Module], shape: tuple[int, ...]) -> None:
    """No video network, and none with a flatten module, can be explained before the user has set rules by hand."""
    torch.manual_seed(0)
    layer, inputs = make().double(), torch.rand(2, *shape, dtype=torch.float64)
    features = layer(inputs).flatten(1)
    network = Run(
        lambda self, x: self.last(self.layer(x).flatten(1)), layer=layer, last=nn.Linear(features.shape[1], 2)
    )
    network = network.double()
    with pytest.raises(TypeError, match=rf"{type(layer).__name__}.* has no rule defined"):
        by_plain_captum(network, inputs)
    layers = [layer, nn.Flatten(), network.last]
    layers = layers[1:] if isinstance(layer, nn.Identity) else layers
    right = Reference(layers, Table("epsilon", "epsilon"))(inputs, best(network(inputs))).inputs
    assert apart(inspected(network, "epsilon", inputs), right) <= 1e-12


@pytest.mark.parametrize(("shift", "mirror"), [(0.0, 1.0), (0.5, 1.0), (0.0, -1.0)], ids=["bias", "x < 0", "z < 0"])
def test_captum_has_half_of_the_gamma_rule(shift: float, mirror: float) -> None:
    """Gamma strengthens the contributions of the output's own sign, and the bias if it has that sign.

    captum strengthens positive weights alone, whatever the signs of input and output, and never the bias.
    """
    network, inputs = nn.Sequential(nn.Linear(6, 4)).double(), torch.rand(5, 6, dtype=torch.float64) - shift
    nn.init.constant_(network[0].bias, mirror * 0.5)
    with torch.no_grad():
        network[0].weight.abs_().mul_(torch.tensor([1.0, -0.5, 1.0, 1.0, -0.5, 1.0]).double() * mirror)
    scores = network(inputs)
    weight = network[0].weight + 0.25 * network[0].weight.clamp(min=0)
    chosen = scores.argmax(1, keepdim=True)
    captums = inputs * weight[chosen[:, 0]] * (scores / (inputs @ weight.T + network[0].bias)).gather(1, chosen)
    network[0].rule = GammaRule(0.25)
    wrong = by_plain_captum(network, inputs)
    right = share("gamma", network[0], inputs, best(scores)).inputs
    assert apart(wrong, captums.detach()) <= 1e-6
    assert apart(wrong, right) > 0.01
    assert apart(inspected(network, Composite(dense=Gamma(), convolution=Gamma()), inputs), right) <= 1e-12


def test_captum_forgets_the_rules_after_one_call() -> None:
    """Rules are set on the modules, and taken off at the end of every call: the second one is the epsilon rule's."""
    network, inputs = nn.Sequential(nn.Linear(6, 4)).double(), torch.rand(3, 6, dtype=torch.float64)
    network[0].rule = Alpha1_Beta0_Rule()
    explainer, target = LRP(network), network(inputs).argmax(1)
    first, second = (explainer.attribute(inputs.clone().requires_grad_(), target=target).detach() for _ in range(2))
    assert apart(second, first) > 0.1
    ours = Explainer(network, "epsilon")
    assert torch.equal(ours(inputs).values, ours(inputs).values)
    assert apart(ours(inputs).values, second) <= 1e-5


def test_captum_adds_relevance_to_gradients_in_front_of_an_activation() -> None:
    """Relevance passes a ReLU module as it is, a gradient comes out of a sum. In a residual block that begins with its
    activation, as IMPALA's do, both meet in one tensor, are added, and multiplied with it. It needs no plain sum: the
    addition is captum's own module."""
    one, inner, last = (nn.Linear(*sizes).double() for sizes in ((5, 4), (4, 4), (4, 2)))

    def block(self: Run, inputs: Tensor) -> Tensor:
        features = self.one(inputs)
        return self.last(self.add(features, self.inner(self.relu(features))))

    network = Run(block, one=one, inner=inner, last=last, relu=nn.ReLU(), add=Addition_Module())
    inputs = torch.randn(4, 5, dtype=torch.float64)
    layers = [one, Residual([nn.ReLU(), inner]), last]
    seeds = best(network(inputs))
    right = Reference(layers, Table("epsilon", "epsilon"), stabiliser=1e-9)(inputs, seeds).inputs
    assert apart(by_plain_captum(network, inputs), right) > 0.1
    tiny = Composite(dense=Epsilon(stabiliser=1e-9), convolution=Epsilon(stabiliser=1e-9))
    assert apart(inspected(network, tiny, inputs), right) <= 1e-3

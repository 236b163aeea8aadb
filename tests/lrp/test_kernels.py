"""Convolutions by packed weights, their transposes in three ways, and bfloat16: all the same numbers as torch's own."""

import inspect

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from inspector.errors import UsageError
from inspector.lrp import COMPOSITES, Explainer, Explanation
from inspector.lrp.backward import Blocks, Flipped, Reaching
from inspector.lrp.kernels import Kernel, empty_laid_out, laid_out
from tests.lrp.networks import nature, screens, started
from tests.lrp.reference_networks import clips, impala

CONVOLVE = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
SHAPES = {1: (4, 20), 2: (4, 13, 12), 3: (4, 5, 9, 8)}


def cosine(one: Tensor, other: Tensor) -> Tensor:
    """Of each decision."""
    return functional.cosine_similarity(one.flatten(1).double(), other.flatten(1).double())


def assert_closed(explanation: Explanation, part: float) -> None:
    total = torch.stack(list(explanation.ledger.values())).sum(0)
    scale = torch.maximum(explanation.score.abs(), explanation.values.abs().flatten(1).sum(1))
    assert ((total - explanation.score).abs() <= part * scale).all()


def close(found: Tensor, expected: Tensor, part: float = 1e-5) -> bool:
    return bool((found - expected).abs().max() <= part * expected.abs().max())


# --- packed weights --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stride", "padding", "dilation", "groups"), [(1, 0, 1, 1), (2, 1, 1, 1), (1, 2, 2, 1), (1, 1, 1, 2)]
)
@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_a_kernel_equals_torchs_convolution_at_batches_of_many_sizes(
    dimensions: int, stride: int, padding: int, dilation: int, groups: int
) -> None:
    torch.manual_seed(0)
    weight, bias = torch.randn(6, 4 // groups, *[3] * dimensions), torch.randn(6)
    settings = [[setting] * dimensions for setting in (stride, padding, dilation)]
    kernel = Kernel(weight, *settings, groups)
    for batch in (1, 2, 3, 8, 1, 5, 17, 2, 1):
        inputs = torch.randn(batch, *SHAPES[dimensions])
        for given in (inputs, laid_out(inputs), inputs.flip(-1).transpose(-1, -1), inputs[:, :1].expand_as(inputs)):
            for offset in (None, bias):
                expected = CONVOLVE[dimensions](given, weight, offset, *settings, groups=groups)
                assert close(kernel(given, offset), expected)


def test_a_kernel_is_packed_where_torch_can_and_the_result_is_a_fresh_tensor() -> None:
    weight, inputs = torch.randn(8, 4, 3, 3), torch.randn(2, 4, 9, 9)
    kernel = Kernel(weight, (1, 1), (0, 0), (1, 1), 1)
    one = kernel(inputs)
    kept, two = one.clone(), kernel(-inputs)
    assert torch.equal(one, kept)
    assert one.data_ptr() != two.data_ptr()
    if torch.backends.mkldnn.is_available():
        assert [run.__qualname__ for run in kernel._runs.values()] == ["Kernel._packed.<locals>.run"]


def test_double_precision_and_groups_are_never_packed() -> None:
    for weight, groups in ((torch.randn(4, 4, 3, 3).double(), 1), (torch.randn(4, 2, 3, 3), 2)):
        kernel = Kernel(weight, (1, 1), (0, 0), (1, 1), groups)
        kernel(torch.randn(2, 4, 5, 5, dtype=weight.dtype))
        assert [run.__name__ for run in kernel._runs.values()] == ["_plain"]


WITHOUT_KINKS = ("epsilon_plus", "epsilon_plus_flat", "epsilon_gamma_box", "epsilon_alpha2_beta1", "deep_taylor")


ODD = [
    ((3, 1, 3, 1), (2, 1, 2, 1), (2, 2), (1, 1), (2, 2)),  # a kernel of one column, dilated: crashed
    ((3, 1, 8, 2), (8, 1, 4, 2), (1, 3), (1, 0), (1, 1)),  # outputs one column wide: read beyond the weight
    ((2, 1, 4, 2), (2, 1, 4, 4), (1, 2), (3, 1), (1, 1)),  # a kernel wider than the image
    ((2, 3, 5, 5, 1), (2, 3, 2, 1, 1), (3, 3, 2), (0, 2, 3), (3, 3, 3)),
    ((2, 16, 2, 2), (16, 16, 3, 3), (2, 2), (1, 1), (1, 1)),
]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("shape", "weights", "stride", "padding", "dilation"), ODD)
def test_sizes_that_onednn_gets_wrong_are_computed_rightly(
    shape: tuple[int, ...],
    weights: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
    dtype: torch.dtype,
) -> None:
    torch.manual_seed(2)
    weight, bias = torch.randn(weights).to(dtype), torch.randn(weights[0]).to(dtype)
    inputs = torch.rand(shape).to(dtype)
    kernel = Kernel(weight, stride, padding, dilation, 1)
    convolve = CONVOLVE[len(stride)]
    expected = convolve(inputs.double(), weight.double(), bias.double(), stride, padding, dilation)
    for given in (inputs, laid_out(inputs)):
        assert close(kernel(given, bias).double(), expected, 1e-5 if dtype == torch.float32 else 0.01)


@pytest.mark.parametrize("shape", [(2, 3, 9, 9), (2, 4, 9), (2, 4, 2, 2), (4, 9, 9)])
def test_inputs_that_do_not_fit_a_packed_layer_are_refused_and_harm_nothing(shape: tuple[int, ...]) -> None:
    network = nn.Sequential(nn.Conv2d(4, 3, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2))
    inputs = torch.rand(2, 4, 9, 9)
    network(inputs)
    explainer = Explainer(network)
    expected = explainer(inputs).values
    with pytest.raises(UsageError, match=r"do not fit the network at Conv2d \(0\)"):
        explainer(torch.rand(shape))
    with pytest.raises(UsageError, match=r"Conv2d \(0\): values are torch.float64 on cpu, weights torch.float32 on"):
        explainer(inputs.double())
    assert torch.equal(explainer(inputs).values, expected)


@pytest.mark.filterwarnings("ignore:TF32 acceleration")
@pytest.mark.parametrize("batch", [3, 16])
@pytest.mark.parametrize("name", WITHOUT_KINKS)
def test_without_mkldnn_the_plain_functions_run(name: str, batch: int) -> None:
    """Batches of 16 and more torch would give to NNPACK, which is coarse where a denominator is small."""
    network, inputs = nature(), screens(batch)
    expected = Explainer(network, name, (0.0, 1.0))(inputs)
    with torch.backends.mkldnn.flags(enabled=False):
        found = Explainer(network, name, (0.0, 1.0))(inputs)
    assert close(found.values, expected.values)
    assert torch.allclose(found.score, expected.score, rtol=1e-5)
    assert_closed(found, 1e-5)


@pytest.mark.filterwarnings("ignore:TF32 acceleration")
def test_an_explainer_goes_on_when_mkldnn_is_switched_off_and_on() -> None:
    explainer, inputs = Explainer(nature()), screens(2)
    expected = explainer(inputs).values
    with torch.backends.mkldnn.flags(enabled=False):
        assert close(explainer(inputs).values, expected)
        assert close(explainer(screens(3)).values[:2], explainer(screens(3)[:2]).values)
    assert torch.equal(explainer(inputs).values, expected)


@pytest.mark.parametrize("name", COMPOSITES)
def test_a_decision_is_explained_alike_in_batches_of_many_sizes(name: str) -> None:
    """Where a unit is 0 but for rounding, epsilon relevance jumps, as the gradient does: a few parts in 10000."""
    explainer, inputs = Explainer(nature(), name, (0.0, 1.0)), screens(16)
    together = explainer(inputs)
    bound = 1e-5 if name in WITHOUT_KINKS else 1e-3
    for size in (1, 2) if name == "argmax" else (1, 3, 8, 1, 13):
        alone = explainer(inputs[:size])
        assert close(alone.values, together.values[:size], bound)
        assert torch.allclose(alone.score, together.score[:size], rtol=1e-5, atol=1e-6)
        assert torch.equal(alone.values, explainer(inputs[:size]).values)


def test_inputs_in_any_memory_layout_are_explained_alike_and_come_back_in_their_shape() -> None:
    explainer, inputs = Explainer(nature(), "epsilon_plus"), screens(4)
    expected = explainer(inputs).values
    for given in (
        inputs.to(memory_format=torch.channels_last),
        inputs.transpose(2, 3).contiguous().transpose(2, 3),
        inputs.repeat_interleave(2, 0)[::2],
        inputs.flip(3).flip(3),
    ):
        found = explainer(given).values
        assert found.shape == given.shape
        assert close(found, expected)


# --- transposes ------------------------------------------------------------------------------------------------------


def transposed_by_autograd(
    weight: Tensor, quotient: Tensor, shape: tuple[int, ...], stride: list[int], padding: list[int], dilation: list[int]
) -> Tensor:
    inputs = torch.zeros(shape, dtype=weight.dtype, requires_grad=True)
    outputs = CONVOLVE[len(stride)](inputs, weight, None, stride, padding, dilation)
    return torch.autograd.grad(outputs, inputs, quotient)[0]


GEOMETRIES = [
    ((3, 3), (1, 1), (0, 0), (1, 1), (7, 6)),
    ((8, 8), (4, 4), (0, 0), (1, 1), (84, 84)),
    ((4, 4), (2, 2), (0, 0), (1, 1), (20, 20)),
    ((4, 4), (2, 2), (1, 1), (1, 1), (9, 12)),
    ((3, 3), (2, 2), (1, 1), (1, 1), (10, 9)),
    ((3, 5), (2, 2), (1, 0), (1, 1), (8, 9)),
    ((2, 2), (3, 3), (0, 0), (1, 1), (9, 10)),
    ((7, 7), (2, 2), (3, 3), (1, 1), (16, 15)),
    ((3, 3), (2, 1), (1, 2), (1, 1), (8, 7)),
    ((3, 2), (1, 2), (2, 0), (2, 1), (9, 9)),
    ((3,), (2,), (1,), (2,), (11,)),
    ((3, 3, 3), (1, 1, 1), (1, 1, 1), (1, 1, 1), (4, 5, 6)),
    ((3, 3, 3), (1, 1, 1), (0, 2, 1), (1, 1, 2), (4, 5, 7)),
    ((1, 1, 1), (1, 1, 1), (1, 0, 1), (1, 1, 1), (3, 3, 3)),
    ((3, 7, 7), (1, 2, 2), (1, 3, 3), (1, 1, 1), (4, 12, 12)),
    ((3, 3, 3), (2, 2, 2), (1, 1, 1), (1, 1, 1), (4, 7, 6)),
    ((2, 4, 4), (1, 2, 2), (0, 0, 0), (1, 1, 1), (3, 8, 9)),
]


@pytest.mark.parametrize("channels", [1, 3, 40])
@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation", "sizes"), GEOMETRIES)
def test_every_way_back_that_fits_is_the_transpose(
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
    sizes: tuple[int, ...],
    channels: int,
) -> None:
    torch.manual_seed(1)
    weight, shape = torch.randn(5, channels, *kernel, dtype=torch.float64), (2, channels, *sizes)
    settings = [list(setting) for setting in (stride, padding, dilation)]
    outputs = CONVOLVE[len(kernel)](torch.zeros(shape, dtype=torch.float64), weight, None, *settings)
    quotient = torch.randn_like(outputs)
    expected = transposed_by_autograd(weight, quotient, shape, *settings)
    ways = [Reaching(weight, *settings, 1)]
    if Flipped.fits(weight, *settings, 1):
        ways.append(Flipped(weight, padding, dilation))
    if Blocks.fits(weight, *settings, 1):
        ways.append(Blocks(weight, stride, padding))
    for way in ways:
        for given in (quotient, laid_out(quotient)):
            assert close(way(given, shape), expected, 1e-12)


def test_the_first_layers_of_nature_and_r3d_go_back_in_blocks_and_volumes_flipped() -> None:
    for shape, stride, padding in (((32, 4, 8, 8), 4, 0), ((64, 32, 4, 4), 2, 0), ((64, 3, 7, 7), 2, 3)):
        assert Blocks.fits(torch.zeros(shape), [stride] * 2, [padding] * 2, [1, 1], 1)
    assert Flipped.fits(torch.zeros(64, 64, 3, 3, 3), [1] * 3, [1] * 3, [1] * 3, 1)


def test_an_empty_tensor_is_laid_out_as_convolutions_like_it() -> None:
    empty = empty_laid_out(torch.zeros(1, dtype=torch.float64), (2, 3, 4, 5))
    assert empty.shape == (2, 3, 4, 5)
    assert empty.dtype == torch.float64
    assert empty.is_contiguous(memory_format=torch.channels_last)


# --- bfloat16 --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pictures() -> Tensor:
    return screens(16, seed=3)


@pytest.mark.parametrize("name", WITHOUT_KINKS)
def test_bfloat16_points_the_same_way_on_the_nature_network(name: str, pictures: Tensor) -> None:
    """A score that is next to nothing beside its parts suffers most; agents' own play is in test_shipped_agents."""
    exact = Explainer(nature(), name, (0.0, 1.0))(pictures, 3)
    coarse = Explainer(nature(), name, (0.0, 1.0), precision="bfloat16")(pictures, 3)
    assert coarse.values.dtype == torch.float32
    assert cosine(coarse.values, exact.values).median() >= 0.998
    assert cosine(coarse.values, exact.values).min() >= 0.97
    assert not torch.equal(coarse.values, exact.values)


def test_bfloat16_ledgers_are_kept_in_single_precision_and_close_coarsely(pictures: Tensor) -> None:
    explanation = Explainer(nature(), precision="bfloat16")(pictures, 3)
    assert {part.dtype for part in explanation.ledger.values()} == {torch.float32}
    assert_closed(explanation, 0.02)


def test_bfloat16_explains_residual_networks_and_volumes() -> None:
    torch.manual_seed(4)
    volumes = nn.Sequential(
        *(nn.Conv3d(3, 8, (3, 5, 5), (1, 2, 2), (1, 2, 2)), nn.BatchNorm3d(8), nn.ReLU(), nn.Conv3d(8, 8, 3)),
        *(nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(8, 4)),
    ).eval()
    for network, inputs in ((impala(size=28), screens(2, size=28)), (volumes, clips(2, 4, 24))):
        exact, coarse = (Explainer(network, precision=each)(inputs, 1) for each in ("float32", "bfloat16"))
        assert cosine(coarse.values, exact.values).min() >= 0.99


def test_bfloat16_leaves_the_network_in_its_own_precision() -> None:
    network = nature()
    Explainer(network, precision="bfloat16")(screens(1))
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


def test_another_precision_is_refused() -> None:
    by_anyone = inspect.unwrap(Explainer.__init__)  # the tests' type checker would say it first
    with pytest.raises(UsageError, match="no precision 'float16': choose float32 or bfloat16"):
        by_anyone(object.__new__(Explainer), nn.Linear(2, 2), precision="float16")


def test_a_network_in_double_precision_can_run_in_bfloat16() -> None:
    network = started(nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))).double()
    inputs = torch.rand(3, 1, 6, 6, dtype=torch.float64)
    exact, coarse = (Explainer(network, precision=each)(inputs, 1) for each in ("float32", "bfloat16"))
    assert coarse.values.dtype == torch.float64
    assert cosine(coarse.values, exact.values).min() >= 0.998

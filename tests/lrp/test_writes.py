"""What a network writes in place is explained as that, or refused where somebody reads it again."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from inspector.errors import UnsupportedError
from inspector.lrp import Explainer

Way = Callable[["Written", Any], Any]


class Written(nn.Module):
    """A head on whatever `way` makes of the input and of two layers."""

    def __init__(self, way: Way) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.way, self.one, self.two, self.head = way, nn.Linear(4, 4), nn.Linear(4, 4), nn.LazyLinear(2)
        self.register_buffer("scale", torch.ones(4))

    def forward(self, x: Tensor) -> Tensor:
        head: Tensor = self.head(self.way(self, x))
        return head


def inputs() -> Tensor:
    return torch.rand(3, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def ready(way: Way) -> Written:
    network = Written(way).double()
    with torch.no_grad():
        network(inputs())
    return network


def plus(y: Any, z: Any) -> Any:
    y += z
    return y


def minus(y: Any, z: Any) -> Any:
    y -= z
    return y


def times(y: Any, z: Any) -> Any:
    y *= z
    return y


def by(y: Any, z: Any) -> Any:
    y /= z
    return y


def power(y: Any, z: Any) -> Any:
    y **= z
    return y


ALONE: dict[str, tuple[Way, Way]] = {
    "+=": (lambda self, x: plus(self.one(x), x), lambda self, x: self.one(x) + x),
    "-=": (lambda self, x: minus(self.one(x), x), lambda self, x: self.one(x) - x),
    "*=": (lambda self, x: times(self.one(x), x), lambda self, x: self.one(x) * x),
    "/=": (lambda self, x: by(self.one(x), 3.0), lambda self, x: self.one(x) / 3.0),
    "out": (lambda self, x: (lambda y: torch.mul(y, 2, out=y))(self.one(x)), lambda self, x: self.one(x) * 2),
    "a flag by place": (
        lambda self, x: functional.leaky_relu(self.one(x), 0.1, True),
        lambda self, x: functional.leaky_relu(self.one(x), 0.1),
    ),
    "a size": (lambda self, x: self.one(x) / times(x.shape[1], x.dim()), lambda self, x: self.one(x) / 8),
}


@pytest.mark.parametrize("name", ALONE)
def test_what_nobody_else_reads_may_be_overwritten(name: str) -> None:
    in_place, plain = (Explainer(ready(way))(inputs()) for way in ALONE[name])
    assert torch.allclose(in_place.outputs.scores, plain.outputs.scores, rtol=1e-12)
    assert torch.equal(in_place.values, plain.values)


def kept(write: Callable[[Any, Any], Any]) -> Way:
    """A network that keeps what it overwrites, and joins it with the result."""

    def way(self: Written, x: Any) -> Any:
        y = functional.relu(self.one(x))
        skips = [y]
        y = write(y, self.two(x))
        return torch.cat([y, *skips], 1)

    return way


def written(write: Callable[[Any, Any], Any]) -> Way:
    """A network that goes on with what it has overwritten, under its old name."""

    def way(self: Written, x: Any) -> Any:
        y = self.one(x)
        write(y, self.two(x))
        return y

    return way


SHARED: dict[str, tuple[Way, str]] = {
    "+=": (kept(plus), "iadd"),
    "-=": (kept(minus), "isub"),
    "*=": (kept(times), "imul"),
    "/=": (kept(lambda y, z: by(y, 2.0)), "itruediv"),
    "**=": (kept(lambda y, z: power(y, 2)), "ipow"),
    "out": (written(lambda y, z: torch.mul(y, 2, out=y)), "mul"),
    "out of two": (written(lambda y, z: torch.add(y, z, out=y)), "add"),
    "an index": (written(lambda y, z: y.__setitem__((slice(None), 0), 1.0)), "setitem"),
    "a flag by place": (written(lambda y, z: functional.elu(y, 1.0, True)), "elu"),
    "its data": (written(lambda y, z: y.data.mul_(2)), "mul_"),
    "its transpose": (written(lambda y, z: y.mT.mul_(2)), "mul_"),
    "its diagonal": (written(lambda y, z: torch.diagonal(y).mul_(2)), "mul_"),
    "what the network stores": (lambda self, x: x * self.scale.mul_(2), "mul_"),
}


@pytest.mark.parametrize("name", SHARED)
def test_what_is_read_again_or_stored_must_not_be_overwritten(name: str) -> None:
    way, spelling = SHARED[name]
    network = ready(way)
    scale = network.scale.clone()
    with pytest.raises(UnsupportedError, match=rf"^{spelling} \(in the network's own forward\) has no rule: it overwr"):
        Explainer(network)
    assert torch.equal(network.scale, scale)


def test_data_that_are_set_on_a_tensor_are_refused() -> None:
    def setting(self: Written, x: Any) -> Any:
        y = self.one(x)
        y.data = x
        return y

    with pytest.raises(UnsupportedError, match=r"the forward of Written cannot be traced \(it sets data of a tensor\)"):
        Explainer(ready(setting))

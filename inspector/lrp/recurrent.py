"""LSTMs as small plans: dense layers, gates, products and a sum, so that their rules follow from those.

In a product of a gate and a signal the signal takes all relevance and the gate none; the sum in the cell divides what
came between what was remembered and what is new.

Source: Arras et al. 2017, arXiv:1706.07206.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from inspector.lrp.call import Call, Lifted, Ref
from inspector.lrp.dense import Dense
from inspector.lrp.layers import Parameters, Raw
from inspector.lrp.operations import Concatenation, Linear, Unit
from inspector.lrp.products import Product
from inspector.lrp.sums import Sum

_GATES = ("input gate", "forget gate", "candidate", "output gate")
"""In the order in which torch stores their weights."""


def lstm_cell(call: Call) -> Any:
    """An LSTMCell: gives its hidden state and its cell."""
    given = call.bound("input", hx=None)
    if given["hx"] is None:
        raise call.unsupported("it starts without a memory: let the network take and pass on (hidden, cell)")
    hidden, cell = (call.signal(part) for part in given["hx"])
    return _step(call, call.module, "", call.signal(given["input"]), hidden, cell)


def lstm(call: Call) -> Any:
    """An LSTM on one step: a sequence that `unsqueeze(0)` made, with hidden state and cell made so as well."""
    module = call.module
    given = call.bound("input", hx=None)
    simple = module.num_layers == 1 and not module.bidirectional and not module.batch_first and not module.proj_size
    if not simple:
        raise call.unsupported("only one layer, one direction and batch_first=False have one: use LSTMCell")
    memory = given["hx"] if isinstance(given["hx"], tuple) else ()
    if not all(isinstance(value, Lifted) for value in (given["input"], *memory)) or len(memory) != 2:
        raise call.unsupported(
            "only one step of it has one: pass input.unsqueeze(0) and (hidden.unsqueeze(0), cell.unsqueeze(0))"
        )
    hidden, cell = _step(call, module, "_l0", given["input"].ref, *(part.ref for part in memory))
    return Lifted(hidden), (Lifted(hidden), Lifted(cell))


def _step(call: Call, module: nn.Module, suffix: str, source: Ref, hidden: Ref, cell: Ref) -> tuple[Ref, Ref]:
    """One step of an LSTM; gives hidden state and cell."""
    both = call.add(Concatenation(call.place, 1), source, hidden)
    rule = call.builder.rule("dense", call.path, both)

    def row(number: int, unit: Callable[[Tensor], Tensor]) -> Ref:
        place = f"{call.place}, {_GATES[number]}"
        layer = Dense(_parameters(module, suffix, number), call.builder.dtype)
        return call.add(Unit(place, unit, nonnegative=number != 2), call.add(Linear(place, layer, rule), both))

    take_in, keep, candidate, let_out = (
        row(number, torch.tanh if number == 2 else torch.sigmoid) for number in range(4)
    )
    new = call.add(Product(f"{call.place}, new", 0), take_in, candidate)
    kept = call.add(Product(f"{call.place}, kept", 0), keep, cell)
    after = call.add(Sum(f"{call.place}, cell", (1.0, 1.0)), kept, new)
    shown = call.add(Unit(f"{call.place}, shown", torch.tanh), after)
    return call.add(Product(f"{call.place}, hidden", 0), let_out, shown), after


def _parameters(module: Any, suffix: str, number: int) -> Parameters:
    """Weight and bias of one gate: on the input and the hidden state one after the other."""
    names = [f"{kind}_{way}{suffix}" for kind in ("weight", "bias") for way in ("ih", "hh")]

    def read() -> Raw:
        return tuple(getattr(module, name, None) for name in names)

    def make(raw: Raw) -> tuple[Tensor, Tensor | None]:
        rows = slice(number * module.hidden_size, (number + 1) * module.hidden_size)
        weights = [tensor[rows] for tensor in raw[:2] if tensor is not None]
        biases = [tensor[rows] for tensor in raw[2:] if tensor is not None]
        return torch.cat(weights, 1), torch.stack(biases).sum(0) if biases else None

    return Parameters(read, make)

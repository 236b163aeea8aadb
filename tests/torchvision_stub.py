"""Lets torchvision be imported beside a torch that it was not built for; zennit, an oracle of ours, imports it.

Such a torchvision cannot load its compiled operators, and fails at import where it describes two of them to torch. Here
these two are declared, and no more: to call one is still an error. Import this module before zennit.
"""

import torch

try:
    import torchvision
except RuntimeError:  # operator torchvision::nms does not exist
    _library = torch.library.Library("torchvision", "DEF")  # lives as long as this module
    for _operator in ("nms", "qnms"):
        _library.define(f"{_operator}(Tensor boxes, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision  # noqa: F401 - the second attempt

"""What every test starts from: types and shapes are checked at run time, and torch keeps to one thread."""

import signal

from jaxtyping import install_import_hook

import tests.typechecker  # the hook looks it up by name

install_import_hook("inspector", f"{tests.typechecker.__name__}.checked")

import torch

torch.set_num_threads(1)

# A shell that starts the tests in the background lets them ignore Ctrl-C, which some of them send.
signal.signal(signal.SIGINT, signal.default_int_handler)

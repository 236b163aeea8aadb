"""`inspector doctor`: is everything there that recording needs? Each finding names its cure."""

import importlib
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from fractions import Fraction
from importlib import metadata
from typing import Literal

from inspector import __version__

PACKAGES = {
    "gymnasium": ("gymnasium", "gymnasium"),
    "ale-py": ("ale-py", "ale_py"),
    "h5py": ("h5py", "h5py"),
    "pyarrow": ("pyarrow", "pyarrow"),
    "safetensors": ("safetensors", "safetensors"),
}
"""Packages of which only the version matters: the name shown, the distribution, the module."""

OLDEST_TORCH = (2, 10)
OPENCV_WHEELS = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: What it is.
        status: `ok`; `note`, if it merely could be better; `missing`, if recording needs it.
        detail: What was found, one line.
        cure: What to do; empty if there is nothing to do.
    """

    name: str
    status: Literal["ok", "note", "missing"]
    detail: str
    cure: str = ""


def examine() -> list[Finding]:
    """Look at everything: the versions, the codec, the games, the device, the terminal."""
    findings = [Finding("inspector", "ok", __version__), Finding("python", "ok", platform.python_version())]
    findings += [package(name, *where) for name, where in PACKAGES.items()]
    return [*findings, torch(), *device(), opencv(), *opencv_wheels(), av(), h264(), games(), terminal()]


def healthy(findings: list[Finding]) -> bool:
    """Whether all that recording needs is there."""
    return all(finding.status != "missing" for finding in findings)


def package(name: str, distribution: str, module: str) -> Finding:
    """Can it be imported, and which version is it?"""
    try:
        importlib.import_module(module)
        return Finding(name, "ok", metadata.version(distribution))
    except Exception as error:  # a broken binary fails in its own ways
        return Finding(name, "missing", failure(error), f"pip install {distribution}")


def failure(error: Exception) -> str:
    """An exception in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def torch() -> Finding:
    """Is torch there, and new enough?"""
    cure = f"pip install 'torch>={OLDEST_TORCH[0]}.{OLDEST_TORCH[1]}'"
    try:
        version = str(importlib.import_module("torch").__version__)
    except Exception as error:
        return Finding("torch", "missing", failure(error), cure)
    release = tuple(int(part) for part in version.split("+")[0].split(".")[:2])
    if release < OLDEST_TORCH:
        return Finding("torch", "missing", f"{version} is too old to load foreign files safely", cure)
    return Finding("torch", "ok", version)


def device() -> Iterator[Finding]:
    """Where will the network run?"""
    try:
        import torch

        if torch.cuda.is_available():
            yield Finding("device", "ok", f"cuda: {torch.cuda.get_device_name()}")
        else:
            yield Finding("device", "ok", f"cpu, {os.cpu_count()} cores; no CUDA device, which is fine")
    except Exception:  # torch's own finding tells why
        return


def opencv() -> Finding:
    """Can OpenCV be imported? On a bare machine the desktop wheel lacks the system's libGL."""
    try:
        return Finding("opencv", "ok", str(importlib.import_module("cv2").__version__))
    except Exception as error:
        return Finding("opencv", "missing", failure(error), opencv_cure(str(error)))


def opencv_cure(message: str) -> str:
    """What to do about an OpenCV that cannot be imported.

    Args:
        message: Text of the exception.
    """
    if "libGL" in message:
        return (
            "apt install libgl1, or: pip uninstall opencv-python; pip install --force-reinstall opencv-python-headless"
        )
    return "pip install opencv-python-headless"


def opencv_wheels() -> Iterator[Finding]:
    """Two OpenCV wheels write the same files: the second breaks the first when either goes."""
    there = [name for name in OPENCV_WHEELS if is_installed(name)]
    if len(there) > 1:
        spare = ", ".join(there)
        yield Finding("opencv wheels", "note", f"{spare} write the same files", "keep one of them, and reinstall it")


def is_installed(distribution: str) -> bool:
    """Whether a distribution of this name is installed."""
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


def av() -> Finding:
    """PyAV, and the FFmpeg libraries that it carries."""
    try:
        module = importlib.import_module("av")
        libraries = ("libavcodec", "libavformat", "libavutil")
        found = ", ".join(f"{name} {'.'.join(map(str, module.library_versions[name]))}" for name in libraries)
        return Finding("av", "ok", f"{module.__version__} with {found}")
    except Exception as error:
        return Finding("av", "missing", failure(error), "pip install av")


def h264() -> Finding:
    """Can an H.264 film be written? Not every FFmpeg is built with x264; only opening it tells."""
    try:
        import av

        encoder = av.CodecContext.create("libx264", "w")
        assert isinstance(encoder, av.VideoCodecContext)
        encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = 64, 64, "yuv420p", Fraction(30)
        encoder.open()
        return Finding("h264", "ok", "libx264 opens")
    except Exception as error:
        cure = "pip install --force-reinstall av: the wheel carries x264, builds of your own may not"
        return Finding("h264", "missing", failure(error), cure)


def games() -> Finding:
    """Are the Atari ROMs there, and whole? Breakout's stands for all; ale-py checks its digest."""
    cure = "pip install --force-reinstall ale-py: its wheel carries the ROMs; unset ALE_ROMS_DIR if you set it"
    try:
        from ale_py import roms

        with redirect_stdout(sys.stderr):  # it prints where it looks, if ALE_ROMS_DIR is set
            path = roms.get_rom_path("breakout")
    except Exception as error:
        return Finding("games", "missing", failure(error), cure)
    if path is None:
        return Finding("games", "missing", "ale-py does not know Breakout", cure)
    return Finding("games", "ok", f"{len(list(path.parent.glob('*.bin')))} ROMs in {path.parent}")


def terminal() -> Finding:
    """What will the progress look like?"""
    from rich.console import Console

    console = Console(stderr=True)
    size = f"{console.width}x{console.height}"
    colours = console.color_system or "no colour"
    kind = "a terminal" if sys.stderr.isatty() else "not a terminal: progress comes in plain lines"
    settings = [f"{name}={os.environ[name]}" for name in ("TERM", "COLORTERM", "NO_COLOR") if os.environ.get(name)]
    return Finding("terminal", "ok", ", ".join([kind, size, colours, *settings]))

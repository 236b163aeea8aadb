"""What is installed is what is needed: the package, the agents as data, the licence; no trainers."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import inspector

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names of the files in a wheel that was just built."""
    folder = tmp_path_factory.mktemp("wheel")
    code = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(code, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob(f"relevance_inspector-{inspector.__version__}-*.whl")
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def test_every_module_is_in_the_wheel(wheel: set[str]) -> None:
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "inspector").rglob("*.py")}
    assert {name for name in wheel if name.endswith(".py")} == modules


def test_every_agent_is_in_the_wheel_with_its_weights_and_its_card(wheel: set[str]) -> None:
    suffixes = {".toml", ".safetensors", ".md"}
    there = [path for path in (ROOT / "agents").glob("*/**/*") if path.suffix in suffixes]
    shipped = {f"inspector/bundles/{path.relative_to(ROOT / 'agents').as_posix()}" for path in there}
    for agent in ("breakout", "motion-digits", "pong"):
        assert {f"inspector/bundles/{agent}/{name}" for name in ("agent.toml", "card.md")} <= shipped
        assert any(name.startswith(f"inspector/bundles/{agent}/checkpoints/") for name in shipped)
    assert {name for name in wheel if name.startswith("inspector/bundles/")} >= shipped


def test_licence_and_command_are_in_the_wheel(wheel: set[str]) -> None:
    endings = ("licenses/LICENSE", "entry_points.txt", "METADATA")
    assert all(any(name.endswith(ending) for name in wheel) for ending in endings)

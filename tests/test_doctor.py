"""The doctor tells the truth about this machine, and about machines that lack something."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from inspector.doctor import Finding, examine, healthy, opencv_cure

ROOT = Path(__file__).parents[1]
LIBGL = "libGL.so.1: cannot open shared object file: No such file or directory"


@pytest.fixture(scope="module")
def findings() -> dict[str, Finding]:
    return {finding.name: finding for finding in examine()}


def diagnose(*paths: Path, **environment: str) -> tuple[int, dict[str, dict[str, str]]]:
    """Run the command in a process of its own; the paths come first where Python looks for modules."""
    search = os.pathsep.join(map(str, [*paths, ROOT]))
    done = subprocess.run(
        [sys.executable, "-m", "inspector", "doctor", "--json"],
        env=os.environ | {"PYTHONPATH": search} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, {finding["name"]: finding for finding in json.loads(done.stdout)["findings"]}


def test_this_machine_can_record(findings: dict[str, Finding]) -> None:
    assert healthy(list(findings.values()))
    assert [finding for finding in findings.values() if finding.status != "ok"] == []


def test_the_versions_are_those_of_the_modules(findings: dict[str, Finding]) -> None:
    import av
    import cv2
    import torch

    assert findings["torch"].detail == torch.__version__
    assert findings["opencv"].detail == cv2.__version__
    assert findings["av"].detail.startswith(f"{av.__version__} with libavcodec ")


def test_everything_that_records_is_looked_at(findings: dict[str, Finding]) -> None:
    assert set(findings) >= {"python", "inspector", "torch", "gymnasium", "ale-py", "h5py", "pyarrow", "opencv", "av"}
    assert set(findings) >= {"h264", "games", "device", "terminal"}


def test_a_missing_package_is_named_with_its_cure_and_the_exit_code_is_1(tmp_path: Path) -> None:
    (tmp_path / "pyarrow.py").write_text("raise ImportError('no such thing')")
    code, findings = diagnose(tmp_path)
    assert code == 1
    assert findings["pyarrow"]["status"] == "missing"
    assert findings["pyarrow"]["cure"] == "pip install pyarrow"
    assert findings["h5py"]["status"] == "ok"


def test_a_missing_libgl_is_named_with_both_cures(tmp_path: Path) -> None:
    (tmp_path / "cv2.py").write_text(f"raise ImportError({LIBGL!r})")
    code, findings = diagnose(tmp_path)
    assert code == 1
    assert LIBGL in findings["opencv"]["detail"]
    assert "apt install libgl1" in findings["opencv"]["cure"]
    assert "opencv-python-headless" in findings["opencv"]["cure"]


def test_another_import_error_of_opencv_is_not_blamed_on_libgl() -> None:
    assert opencv_cure("No module named 'cv2'") == "pip install opencv-python-headless"


def test_an_old_torch_is_refused(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("__version__ = '2.5.1+cpu'")
    code, findings = diagnose(tmp_path)
    assert code == 1
    assert findings["torch"]["detail"].startswith("2.5.1+cpu is too old")
    assert findings["torch"]["cure"] == "pip install 'torch>=2.10'"


def test_roms_that_are_not_there_are_named_and_json_stays_json(tmp_path: Path) -> None:
    code, findings = diagnose(ALE_ROMS_DIR=str(tmp_path))
    assert code == 1
    assert findings["games"]["status"] == "missing"
    assert "ALE_ROMS_DIR" in findings["games"]["cure"]


def test_two_opencv_wheels_together_are_a_note_and_no_failure(tmp_path: Path) -> None:
    for name in ("opencv_python", "opencv_contrib_python"):
        folder = tmp_path / f"{name}-5.0.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 5.0.0\n")
    code, findings = diagnose(tmp_path)
    assert code == 0
    assert findings["opencv wheels"]["status"] == "note"
    assert "opencv-python, opencv-python-headless, opencv-contrib-python" in findings["opencv wheels"]["detail"]

"""The command line's manners: it is quick, says one line an error, keeps results and progress apart."""

import argparse
import dataclasses
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

import inspector
from inspector import arguments, cli, commands, errors, help_texts, lrp, options
from inspector.console import moving_bar, plain_lines
from inspector.records import Preprocessing
from inspector.session import Progress

HEAVY = ("torch", "cv2", "av", "numpy", "pyarrow", "gymnasium", "ale_py", "h5py")
HELPS = [["--help"]] + [[name, "--help"] for name in ("record", "show", "recover", "agents", "doctor")]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "inspector", *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def every_parser() -> dict[str, argparse.ArgumentParser]:
    """The parser of every command, and the one above them."""
    parser = cli.build_parser()
    inner = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return {"": parser, **inner.choices}


# --- the package ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", inspector.__all__)
def test_every_public_name_resolves_and_is_listed(name: str) -> None:
    assert getattr(inspector, name) is not None
    assert name in dir(inspector)


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'explain_all'"):
        _ = inspector.explain_all  # type: ignore[attr-defined]


# --- help -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", HELPS, ids=" ".join)
def test_help_imports_nothing_slow(arguments: list[str]) -> None:
    script = (
        "import sys; from inspector.cli import main\n"
        f"try: main({arguments!r})\n"
        f"except SystemExit: print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
    assert "examples:" in done.stdout


def test_help_takes_less_than_a_fifth_of_a_second_of_processor_time() -> None:
    def cost() -> float:
        before = os.times()
        run("--help")
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    assert min(cost() for _ in range(3)) < 0.2


@pytest.mark.parametrize("parser", every_parser().values(), ids=every_parser().keys())
def test_every_option_is_explained_in_one_line(parser: argparse.ArgumentParser) -> None:
    for action in parser._actions:
        if not isinstance(action, argparse._SubParsersAction):
            assert action.help, action.option_strings
            assert "\n" not in action.help
            assert len(action.help) <= 60, action.help


def test_help_names_every_exit_code_that_an_error_can_give() -> None:
    known = {int(code) for code in re.findall(r"^  (\d+) ", help_texts.EXIT_CODES, flags=re.MULTILINE)}
    family = [errors.InspectorError, *errors.InspectorError.__subclasses__()]
    assert known == {0, 2, 130} | {error.exit_code for error in family}


@pytest.mark.parametrize("name", [name for name in every_parser() if name])
def test_the_examples_of_the_help_can_be_parsed(name: str) -> None:
    parser = every_parser()[name]
    examples = re.findall(rf"^  inspector {name} ?(.*)$", str(parser.epilog), flags=re.MULTILINE)
    assert examples
    for example in examples:
        parser.parse_args(example.split())


def test_help_names_every_composite_and_every_target() -> None:
    assert set(arguments.COMPOSITES) == set(lrp.COMPOSITES)
    assert set(arguments.METHODS) == set(lrp.METHODS)
    assert lrp.TARGETS == arguments.TARGETS
    told = every_parser()["record"].format_help()
    assert all(name in told for name in (*arguments.COMPOSITES, *arguments.METHODS, *arguments.TARGETS))


@pytest.mark.parametrize("given", ["deep_taylor", "sensitivity", "mine.toml", "rules/mine", "./deep_taylor"])
def test_a_composite_may_be_a_name_a_method_or_a_file(given: str) -> None:
    arguments = cli.build_parser().parse_args(["record", "breakout", "--composite", given])
    assert arguments.composite == given


def test_every_choice_of_preprocessing_has_a_flag() -> None:
    assert set(options.PREPROCESSING) == {field.name for field in dataclasses.fields(Preprocessing)}
    assert set(options.PREPROCESSING) <= {action.dest for action in every_parser()["record"]._actions}


def test_every_flag_that_a_message_about_an_agent_names_is_one_of_the_command() -> None:
    package = Path(inspector.__file__).parent
    texts = [path.read_text() for folder in ("load", "atari") for path in (package / folder).glob("*.py")]
    named = {flag for text in texts for flag in re.findall(r"(?<![\w-])--[a-z]+(?:-[a-z]+)*", text)}
    known = {option for action in every_parser()["record"]._actions for option in action.option_strings}
    assert {"--output-kind", "--height", "--factory"} <= named <= known


def test_without_a_command_the_help_goes_to_stderr_and_the_code_is_2() -> None:
    done = run()
    assert done.returncode == 2
    assert done.stdout == ""
    assert "commands" in done.stderr


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"inspector {inspector.__version__}\n"


@pytest.mark.parametrize("how", [{"NO_COLOR": "1"}, {}], ids=["environment", "flag"])
def test_colours_can_be_switched_off(how: dict[str, str]) -> None:
    flags = [] if how else ["--no-color"]
    painted = run("--help", FORCE_COLOR="1", TERM="xterm-256color")
    plain = run(*flags, "--help", FORCE_COLOR="1", TERM="xterm-256color", **how)
    assert "\x1b[38;5;" in painted.stdout or "\x1b[36m" in painted.stdout
    assert not re.search(r"\x1b\[(3\d|38;\d+;\d+)m", plain.stdout)


# --- usage ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["record"], "AGENT"),
        (["record", "breakout", "--episodes", "0"], "0 is not at least 1"),
        (["record", "breakout", "--steps", "some"], "invalid count value: 'some'"),
        (["record", "breakout", "--steps", "5", "--episodes", "1"], "not allowed with argument"),
        (["record", "breakout", "--greedy", "--sample"], "not allowed with argument"),
        (["record", "breakout", "--fps", "25"], "invalid choice: 25"),
        (["record", "breakout", "--no-explain", "--save-relevance"], "not allowed with argument"),
        (["record", "breakout", "--composite", "guess"], "there is no 'guess': choose one of epsilon, "),
        (["show", "breakout", "--height", "0"], "0 is not at least 1"),
        (["record", "breakout", "--sticky", "1.5"], "not a probability"),
        (["record", "breakout", "--seed", "-1"], "-1 is negative"),
        (["dance"], "invalid choice: 'dance'"),
    ],
)
def test_wrong_usage_says_what_is_wrong_and_the_code_is_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_only_what_was_said_of_the_input_is_handed_on() -> None:
    command = "show a.zip --frame-skip 2 --no-fire-reset --sticky 0 --env ALE/Pong-v5"
    size_flags = "--height 96 --width 80 --no-max-pool --max-frames 1000"
    handed = options.source(cli.build_parser().parse_args(f"{command} {size_flags}".split()))
    size = {"height": 96, "width": 80, "max_pool": False, "max_frames": 1000}
    assert handed["preprocessing"] == {"frame_skip": 2, "fire_reset": False, "sticky": 0.0, **size}
    assert handed["environment"] == "ALE/Pong-v5"
    assert handed["checkpoint"] == "last"


@pytest.mark.parametrize("name", ["abacus", "cuda:99", "meta", "cpu:0:1"])
def test_a_device_that_cannot_be_used_is_named(name: str) -> None:
    with pytest.raises(errors.UsageError, match=f"--device {name} cannot be used: .+; leave it out"):
        options.device(name)


def test_a_device_that_can_be_used_is_taken() -> None:
    assert options.device("cpu") == "cpu"
    assert options.device("cpu:0") == "cpu:0"
    assert options.device("auto") in ("cpu", "cuda")


# --- errors ---------------------------------------------------------------------------------------------------------


def test_an_agent_that_is_not_there_is_one_line_and_code_3(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["show", str(tmp_path / "nobody.zip")]) == 3
    out, err = capfd.readouterr()
    assert out == ""
    assert re.fullmatch(r"error: .*nobody\.zip.*\n", err)


def test_a_folder_that_is_no_recording_is_one_line_and_code_5(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["recover", str(tmp_path)]) == 5
    out, err = capfd.readouterr()
    assert out == ""
    assert re.fullmatch(r"error: .+\n", err)


def test_debug_shows_the_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(errors.RecordingError):
        cli.main(["recover", str(tmp_path), "--debug"])
    monkeypatch.setenv("INSPECTOR_DEBUG", "1")
    with pytest.raises(errors.RecordingError):
        cli.main(["recover", str(tmp_path)])


def test_an_unexpected_error_is_one_line_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: argparse.Namespace) -> int:
        raise ZeroDivisionError("a bug\nover two lines")

    monkeypatch.setattr(commands, "doctor", broken)
    assert cli.main(["doctor"]) == 1
    assert capsys.readouterr().err == (
        "error: ZeroDivisionError: a bug over two lines (unexpected; --debug shows where)\n"
    )


def test_an_interrupt_before_anything_was_recorded_is_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "doctor", interrupted)
    assert cli.main(["doctor"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_a_hostile_name_in_an_error_cannot_steer_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["show", str(tmp_path / "evil\x1b[2J\x07.zip")]) == 3
    assert "\x1b" not in capfd.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["doctor"]], ids=" ".join)
def test_a_reader_that_goes_away_is_no_traceback(arguments: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "inspector", *arguments],
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(write)
    assert done.stderr == ""
    assert done.returncode in (0, 1)


# --- progress -------------------------------------------------------------------------------------------------------


def replay(total_steps: int | None, total_episodes: int | None, seconds_a_step: float, steps: int) -> list[str]:
    """The lines that a log gets for a recording of that speed."""
    lines: list[str] = []
    now = 0.0
    update = plain_lines(lines.append, lambda: now)
    for step in range(1, steps + 1):
        now = step * seconds_a_step
        update(Progress(step, total_steps, 0, total_episodes, step / 15, 2.0))
    return lines


def test_a_log_gets_a_line_every_tenth() -> None:
    lines = replay(1000, None, 0.001, 1000)
    assert len(lines) == 10
    assert lines[0] == " 10%  100 steps, film 0:06, return 2  1000 steps/s"
    assert lines[-1].startswith("100%  1000 steps")


def test_a_log_of_unknown_length_gets_a_line_a_minute() -> None:
    lines = replay(None, 1, 1.0, 300)
    assert [line.split()[0] for line in lines] == ["60", "120", "180", "240", "300"]


def test_a_slow_recording_says_so_every_minute_between_the_tenths() -> None:
    assert len(replay(100, None, 30.0, 100)) == 50


def test_a_terminal_gets_a_bar_with_rate_and_time_left_in_one_line_of_80_columns() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    with moving_bar(console) as update:
        update(Progress(1, 2000, 0, None, 0.0, 0.0))
        update(Progress(1000, 2000, 0, None, 66.6, 12.0))
    assert isinstance(console.file, io.StringIO)
    lines = re.sub(r"\x1b\[[0-9?;]*[A-Za-z]", "", console.file.getvalue()).replace("\r", "\n").splitlines()
    shown = [line for line in lines if "1000 steps" in line]
    assert re.search(r"━╸? +1000 steps, film 1:06, return 12 \d+ steps/s [-:0-9]+ left", shown[-1])
    assert max(map(len, lines)) <= 80


# --- doctor ---------------------------------------------------------------------------------------------------------


def test_doctor_prints_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["healthy"] is True
    assert err == ""

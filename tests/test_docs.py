"""The documents keep their word: every example in them runs."""

import re
import shlex
from pathlib import Path

import pytest

from inspector import cli
from inspector.lrp import COMPOSITES, METHODS, RULES, composite_from_file

DOCS = Path(__file__).parents[1] / "docs"
LRP = DOCS / "lrp.md"


def blocks(path: Path, language: str) -> list[str]:
    """The examples of a document in one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(), flags=re.MULTILINE | re.DOTALL)


def write_files(folder: Path) -> list[Path]:
    """The files of a document, each named in its first line."""
    found = []
    for text in blocks(LRP, "toml"):
        found.append(folder / text.splitlines()[0].removeprefix("# "))
        found[-1].write_text(text)
    return found


def test_the_python_examples_of_the_engine_run_one_after_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "example"}
    examples = blocks(LRP, "python")
    assert len(examples) >= 7
    for number, text in enumerate(examples):
        exec(compile(text, f"{LRP.name}, example {number}", "exec"), names)  # noqa: S102 - our own document
    assert "bias took" in capsys.readouterr().out


def test_the_composites_of_the_document_can_be_read(tmp_path: Path) -> None:
    for path in write_files(tmp_path):
        assert composite_from_file(path).name == path.stem


def test_the_commands_of_the_documents_can_be_parsed() -> None:
    commands = [line for text in blocks(LRP, "console") for line in text.splitlines()]
    assert commands
    for line in commands:
        program, *arguments = shlex.split(line, comments=True)
        assert program == "inspector"
        cli.build_parser().parse_args(arguments)


def test_every_rule_composite_and_method_is_described() -> None:
    text = LRP.read_text()
    for name in (*RULES, *COMPOSITES, *METHODS):
        assert re.search(rf"^\| `{name}`", text, flags=re.MULTILINE), name


def test_every_source_of_a_rule_stands_in_the_document() -> None:
    text = LRP.read_text()
    documented = [rule.__doc__ or "" for rule in (*RULES.values(), *METHODS.values())]
    sources = {source for doc in documented for source in re.findall(r"(?:doi|arXiv):[\w./()-]*\w", doc)}
    assert len(sources) >= 6
    assert [source for source in sources if source not in text] == []


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: path.name)
def test_links_within_the_documents_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), target

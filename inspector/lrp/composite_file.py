"""Composites in TOML files, and what a recording says of one.

name = "soft"                                # for the page; else the file's own name
description = "gamma, fading towards the scores"
like = "epsilon_gamma_box"                   # a preset to start from; else dense and convolution are needed
dense = "epsilon"
convolution = {rule = "gamma", gamma = 0.1, stabiliser = 1e-6}

[first]                                      # layers that no other layer stands before
convolution = "z_box"

[layers]                                     # single layers, by the names of their modules
"trunk.conv?" = {rule = "alpha_beta", alpha = 1, beta = 0}
"""

import math
import os
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, get_args

from inspector.errors import UsageError
from inspector.lrp.composite import COMPOSITES, GRADIENT_METHODS, RULES, Composite, composite_named
from inspector.lrp.first_rules import ZBox
from inspector.lrp.layers import LayerKind
from inspector.lrp.rules import Rule

CompositeLike = str | os.PathLike[str] | Composite
"""A preset's name, a TOML file, or a composite itself."""

_KINDS: tuple[LayerKind, ...] = get_args(LayerKind)
_KEYS = ("name", "description", "like", *_KINDS, "first", "layers")
_LONGEST_NAME = 32
_AN_OWN_RULE = '{rule = "gamma", gamma = 0.1}'


def composite_of(given: CompositeLike) -> Composite:
    """The composite that is meant.

    Args:
        given: A preset's name; a path, where it ends in `.toml` or is not just a name; or a composite, which is
            returned as it is.

    Raises:
        UsageError: If there is no such preset, or the file does not hold a composite.
    """
    if isinstance(given, Composite):
        return given
    if not isinstance(given, (str, os.PathLike)):
        raise UsageError(
            f"the composite is a {type(given).__name__}: pass a preset's name, a TOML file, or a Composite; "
            f"presets are {', '.join(COMPOSITES)}"
        )
    path = Path(given)
    if not isinstance(given, str) or path.suffix == ".toml" or path.name != given:
        return composite_from_file(path)
    return composite_named(given)


def composite_from_file(path: str | os.PathLike[str]) -> Composite:
    """Read a composite from a TOML file; docs/lrp.md describes what may stand in it.

    Raises:
        UsageError: If the file cannot be read, or holds anything that is no part of a composite.
    """
    try:
        return _composite(_table(Path(path)), Path(path).stem)
    except UsageError as error:
        raise UsageError(f"{os.fspath(path)}: {error}") from error


def composite_table(composite: Composite) -> dict[str, Any]:
    """The rules of a composite with all their options, as a file would hold them."""
    return {
        **{kind: _rule_table(getattr(composite, kind)) for kind in _KINDS},
        "first": {kind: _rule_table(rule) for kind, rule in composite.first.items()},
        "layers": {pattern: _rule_table(rule) for pattern, rule in composite.layers.items()},
    }


def _rule_table(rule: Rule) -> dict[str, Any]:
    names = {kind: name for name, kind in RULES.items()}
    return {"rule": names.get(type(rule), type(rule).__name__), **asdict(rule)}


def _table(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        raise UsageError(f"there is no such file; give one, or a preset: {', '.join(COMPOSITES)}") from None
    except OSError as error:
        raise UsageError(f"it cannot be read ({error.strerror}); give a TOML file") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f'it is not TOML ({error}); the shortest composite is: like = "epsilon_plus"') from error


def _composite(table: dict[str, Any], stem: str) -> Composite:
    _refuse_others(table, _KEYS, "")
    like = _like(table)
    if missing := [kind for kind in _KINDS if like is None and kind not in table]:
        raise UsageError(
            f'{missing[0]} has no rule; write {missing[0]} = "epsilon", or start from one: like = "epsilon"'
        )
    usual = {kind: _usual(table[kind], kind) for kind in _KINDS if kind in table}
    first, layers = _section(table, "first"), _section(table, "layers")
    _refuse_others(first, _KINDS, "first: ")
    composite = Composite(
        dense=usual["dense"] if like is None or "dense" in usual else like.dense,
        convolution=usual["convolution"] if like is None or "convolution" in usual else like.convolution,
        first={
            **({} if like is None else like.first),
            **{kind: _rule(first[kind], f"first.{kind}") for kind in _KINDS if kind in first},
        },
        layers={pattern: _rule(entry, f"layers.{pattern!r}") for pattern, entry in layers.items()},
        name=_name(table, stem),
    )
    if COMPOSITES.get(composite.name, composite) != composite or composite.name in GRADIENT_METHODS:
        raise UsageError(f'the name {composite.name!r} belongs to something else here; write name = "another"')
    return composite


def _name(table: Mapping[str, Any], stem: str) -> str:
    """The composite's name, short enough for the page."""
    if not isinstance(table.get("description", ""), str):
        raise UsageError(f"description is {_shown(table['description'])}; write a text in quotes")
    name = table.get("name", stem[:_LONGEST_NAME])
    if not (isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME and name.isprintable()):
        raise UsageError(f"name is {_shown(name)}; write one line of up to {_LONGEST_NAME} letters in quotes")
    return name


def _like(table: Mapping[str, Any]) -> Composite | None:
    name = table.get("like")
    if name is None:
        return None
    if not isinstance(name, str) or name not in COMPOSITES:
        raise UsageError(f"like is {_shown(name)}; write one of {', '.join(COMPOSITES)}, in quotes")
    return COMPOSITES[name]


def _usual(entry: Any, kind: LayerKind) -> Rule:
    rule = _rule(entry, kind)
    if isinstance(rule, ZBox):
        raise UsageError(f"{kind}: z_box needs bounds, which only first layers have; write it under [first]")
    return rule


def _section(table: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = table.get(name, {})
    if not isinstance(section, dict):
        raise UsageError(f"{name} is {_shown(section)}; write a table that begins with [{name}]")
    return section


def _rule(entry: Any, place: str) -> Rule:
    """The rule that an entry names, alone or in a table with its options."""
    if isinstance(entry, dict) and "rule" not in entry:
        raise UsageError(f"{place} is a table without a rule; write {_AN_OWN_RULE}, and a name with dots in quotes")
    options = dict(entry) if isinstance(entry, dict) else {"rule": entry}
    name = options.pop("rule")
    if not isinstance(name, str):
        raise UsageError(f"{place} is {_shown(name)}; write the name of a rule in quotes, or {_AN_OWN_RULE}")
    if name not in RULES:
        raise UsageError(f"{place}: there is no rule {_shown(name)}; write one of {', '.join(RULES)}")
    known = tuple(option.name for option in fields(RULES[name]))
    _refuse_others(options, known, f"{place}, rule {name}: ")
    try:
        return RULES[name](**{option: _number(value, f"{place}: {option}") for option, value in options.items()})
    except ValueError as error:
        raise UsageError(f"{place}: {error}") from error


def _number(value: Any, place: str) -> float:
    try:
        number = math.nan if isinstance(value, bool) or not isinstance(value, (int, float)) else float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise UsageError(f"{place} is {_shown(value)}; write a finite number")
    return number


def _refuse_others(table: Mapping[str, Any], known: tuple[str, ...], place: str) -> None:
    for key in table:
        if key not in known:
            raise UsageError(f"{place}there is nothing called {_shown(key)}; there are {', '.join(known)}")


def _shown(value: Any) -> str:
    """A value as it was found, in one line that is not too long."""
    if isinstance(value, int) and abs(value) > 10**40:
        return "a number of too many digits"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."

"""Pieces that the pages of tracks and profiles are made of: sections, tables, lists, facts; all text is escaped."""

from collections.abc import Iterable, Mapping
from html import escape


def section_html(name: str, title: str, content: str) -> str:
    """A part of the page with its heading; its content is HTML already."""
    return f'<section aria-labelledby="{name}"><h2 id="{name}">{escape(title)}</h2>{content}</section>'


def table_html(head: Iterable[str], body: str, *, kind: str, caption: str, label: str) -> str:
    """A table that can be scrolled by itself where the page is narrow.

    Args:
        head: Names of the columns.
        body: Its rows as HTML.
        kind: What sort of table it is, for the style.
        caption: What stands above it.
        label: What it is called where it cannot be seen.
    """
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}">'
        f'<table class="{kind}"><caption>{escape(caption)}</caption><thead><tr>{names}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def list_html(texts: Iterable[str]) -> str:
    """A list."""
    return "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in texts) + "</ul>"


def facts_html(rows: Iterable[tuple[str, str, str]]) -> str:
    """Names, values and what they mean, as a table."""
    body = "".join(_fact(*row) for row in rows)
    return f'<table class="facts"><tbody>{body}</tbody></table>'


def _fact(name: str, value: str, meaning: str) -> str:
    more = f"<td>{escape(meaning)}</td>" if meaning else ""
    wide = "" if meaning else ' colspan="2"'
    return f'<tr><th scope="row">{escape(name)}</th><td{wide}>{escape(value)}</td>{more}</tr>'


def definitions_html(definitions: Mapping[str, str]) -> str:
    """What the numbers mean, by name."""
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in definitions.items())
    return section_html("measures", "What the numbers mean", f"<dl>{items}</dl>")

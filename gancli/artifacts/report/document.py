"""What all pages share: the document around its sections, headings, tiles of figures."""

import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path

from gancli.artifacts.report.markup import text

_HERE = Path(__file__).parent
RELOAD = (
    "<label class=switch><input type=checkbox id=reload checked> reload every half minute</label>"
)


def document(title: str, body: str, *, live: bool, times: str = "[]") -> str:
    """Return a page that needs no other file and asks for none.

    Args:
        title: Of the window.
        body: HTML.
        live: Whether the file is still rewritten, so that the page reloads itself; the body then
            holds the switch :data:`RELOAD`.
        times: Steps and seconds of a training as JSON, from which readouts tell the time.
    """
    script = (_HERE / "script.js").read_text(encoding="utf-8")
    style = (_HERE / "style.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'"
    )
    return (
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        "<meta name=generator content=gancli><meta name=color-scheme content='light dark'>"
        f'<meta http-equiv=Content-Security-Policy content="{policy}">'
        f"<title>{text(title)} - gancli</title><link rel=icon href='data:,'>"
        f"<style>{style}</style></head>"
        f"<body data-live={int(live)} data-times='{times}'><main>{body}</main>"
        f"<script>{script}</script></body></html>\n"
    )


def section(title: str, content: str) -> str:
    """Return a section of a page under its heading."""
    name = title.lower().replace(" ", "-")
    return f"<section aria-labelledby={name}><h2 id={name}>{text(title)}</h2>{content}</section>"


def trouble(title: str, sentences: Iterable[tuple[str, str]]) -> str:
    """Return a section that stands out, of sentences and where each belongs; empty if none."""
    lines = "".join(
        f"<li>{text(sentence)}{f' <small>{text(place)}</small>' if place else ''}</li>"
        for sentence, place in sentences
    )
    if not lines:
        return ""
    return (
        f"<section class=trouble aria-labelledby=trouble><h2 id=trouble>{text(title)}</h2>"
        f"<ul>{lines}</ul></section>"
    )


def tiles(figures: Iterable[tuple[str, str, str]]) -> str:
    """Return figures as tiles: of each its name, its value and a note."""
    shown = "".join(
        f"<div><dt>{text(name)}</dt><dd>{text(value)}<small>{text(note)}</small></dd></div>"
        for name, value, note in figures
    )
    return f"<dl class=tiles>{shown}</dl>"

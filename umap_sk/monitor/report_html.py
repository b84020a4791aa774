"""A report as HTML for notebooks: a table of the phases, and the loss curve."""

from collections.abc import Mapping
from html import escape
from typing import Any, TypeAlias

from umap_sk.monitor.units import format_bytes

STYLE = "font-family: sans-serif; font-size: 0.85em; border-collapse: collapse"
CELL = "padding: 0.2em 0.8em; text-align: left; vertical-align: middle; background: none"
BAR = "display: inline-block; height: 0.6em; margin-left: 0.5em; background: #1f77c4; border-radius: 2px"
CURVE_WIDTH, HEIGHT, PADDING = 320, 70, 6  # pixels

Loss: TypeAlias = tuple[int, int, float]
"""A point of the loss curve: the epoch, the number of vertices of its level, and the loss per row."""

Phase: TypeAlias = dict[str, Any]
"""A phase of a report: its "name", its "seconds", and any counts, sizes and texts by their names."""


def render_html(phases: list[Phase], rest: Mapping[str, object], losses: list[Loss]) -> str:
    """Return a table of the phases, a line with the other entries, and the loss curve."""
    longest = max((entry["seconds"] for entry in phases), default=0) or 1
    rows = "".join(_render_row(entry, longest) for entry in phases)
    head = "".join(f'<th style="{CELL}">{word}</th>' for word in ("phase", "seconds", "figures"))
    total = sum(entry["seconds"] for entry in phases)
    notes = [f"{total:.3f} s in all", *(f"{escape(str(key))}={escape(str(value))}" for key, value in rest.items())]
    table = f'<table style="{STYLE}"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    line = f'<div style="font-family: sans-serif; font-size: 0.85em; padding: 0.2em 0.8em">{", ".join(notes)}</div>'
    return f"<div>{table}{line}{_render_curve(losses)}</div>"


def _render_row(entry: Phase, longest: float) -> str:
    """Return the table row of a phase: its name, its seconds with a bar, and its figures that are not 0."""
    bar = f'<span style="{BAR}; width: {6 * entry["seconds"] / longest:.2f}em"></span>'
    figures = ", ".join(
        f"{escape(key.replace('_', ' '))} {_render_figure(key, value)}"
        for key, value in entry.items()
        if key not in ("name", "seconds") and value != 0
    )
    cells = f"<b>{escape(str(entry['name']))}</b>", f"{entry['seconds']:.3f}{bar}", figures
    return "<tr>" + "".join(f'<td style="{CELL}">{cell}</td>' for cell in cells) + "</tr>"


def _render_figure(key: str, value: Any) -> str:
    if key == "bytes":
        return format_bytes(value)
    if isinstance(value, list):
        return " &rarr; ".join(_render_figure("", part) for part in value)
    return f"{value:,}" if isinstance(value, int) else escape(str(value))


def _render_curve(losses: list[Loss]) -> str:
    """Return the loss over the epochs as a picture with a line for each level, or "" for fewer than two points."""
    if len(losses) < 2:
        return ""
    low, high = min(loss for _, _, loss in losses), max(loss for _, _, loss in losses)
    across, up = (CURVE_WIDTH - 2 * PADDING) / losses[-1][0], (HEIGHT - 2 * PADDING) / ((high - low) or 1)
    lines = ""
    for vertices in dict.fromkeys(size for _, size, _ in losses):
        points = " ".join(
            f"{PADDING + across * epoch:.1f},{HEIGHT - PADDING - up * (loss - low):.1f}"
            for epoch, size, loss in losses
            if size == vertices
        )
        lines += f'<polyline points="{points}" fill="none" stroke="#1f77c4" stroke-width="1.6"/>'
    caption = f"loss per row, sampled: {losses[0][2]:.3f} &rarr; {losses[-1][2]:.3f} in {losses[-1][0]:,} epochs"
    return (
        f'<div style="font-family: sans-serif; font-size: 0.85em; padding: 0.2em 0.8em">{caption}<br>'
        f'<svg width="{CURVE_WIDTH}" height="{HEIGHT}" role="img" aria-label="{caption}">{lines}</svg></div>'
    )

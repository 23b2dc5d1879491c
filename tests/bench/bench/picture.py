# SPDX-License-Identifier: GPL-2.0-or-later
"""The report as an SVG picture: a panel for each load, a bar for each candidate, rate on the left and CPU on the right."""

from html import escape

from .report import Medians, number

ROW, GAP, TITLE, MARGIN = 18, 26, 34, 16
LABEL_WIDTH, BAR_WIDTH, VALUE_WIDTH = 210, 300, 70
COLUMN = BAR_WIDTH + VALUE_WIDTH + 20
WIDTH = MARGIN * 2 + LABEL_WIDTH + 2 * COLUMN
LANLET, KERNEL, OTHER = "#1b6ca8", "#9aa5ad", "#c77d2b"


def colour(candidate, about):
    if candidate.startswith("lanlet"):
        return LANLET
    return OTHER if about["has_helper"] else KERNEL


def text(x, y, words, size=12, anchor="start", weight="normal"):
    return f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}">{escape(words)}</text>'


def bar(x, y, value, largest, fill):
    width = max(1.0, BAR_WIDTH * value / largest) if largest else 1.0
    return (f'<rect x="{x}" y="{y}" width="{width:.1f}" height="{ROW - 5}" fill="{fill}"/>'
            + text(f"{x + width + 5:.1f}", y + ROW - 8, number(value), size=11))


def panel(document, medians, group, load, y):
    """Returns (elements, height)."""
    about = document["groups"][group]
    units = about["loads"][load]
    cells = {name: medians.cells.get((group, load, name), {}) for name in medians.candidates(group)}
    cells = {name: cell for name, cell in cells.items() if "rate" in cell}
    if not cells:
        return [], 0
    left, right = MARGIN + LABEL_WIDTH, MARGIN + LABEL_WIDTH + COLUMN
    parts = [text(MARGIN, y + 14, f"{about['title']}: {load}", 13, weight="bold"),
             text(left, y + TITLE - 5, units["unit"], 11), text(right, y + TITLE - 5, f"helper's {units['cpu_unit']}", 11)]
    most = {field: max((cell.get(field, 0) for cell in cells.values()), default=0) for field in ("rate", "cpu")}
    for i, (name, cell) in enumerate(cells.items()):
        top = y + TITLE + i * ROW
        fill = colour(name, document["candidates"][name])
        parts.append(text(left - 8, top + ROW - 8, document["candidates"][name]["label"], 11, "end"))
        parts.append(bar(left, top, cell["rate"], most["rate"], fill))
        if "cpu" in cell:
            parts.append(bar(right, top, cell["cpu"], most["cpu"], fill))
    return parts, TITLE + len(cells) * ROW + GAP


def svg(document):
    medians = Medians(document["records"])
    y = MARGIN + 24
    parts = [text(MARGIN, MARGIN + 8, f"{document['machine']}, {document['date']}; medians of {document['repeats']}", 12)]
    for group in medians.groups():
        for load in medians.loads(group):
            elements, height = panel(document, medians, group, load, y)
            parts += elements
            y += height
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{y}" fill="white"/>', *parts, "</svg>", "",
    ])

"""Which colour, marker and dashes a series has: those of its name, the same in every figure of a page."""

from __future__ import annotations

import re
from dataclasses import dataclass

from study.record import parts_of

# For the colour-blind too, as far as so many can be: no two have the same marker. On white, and on black.
COLORS = {
    "blue": ("#0077bb", "#56b4f5"),
    "red": ("#cc3311", "#ff7b5a"),
    "teal": ("#00857a", "#2ec9b7"),
    "orange": ("#b85c00", "#f2a44e"),
    "magenta": ("#aa3377", "#ee88c8"),
    "olive": ("#6b6b00", "#cccc44"),
    "indigo": ("#4b3fb5", "#a79bff"),
    "gray": ("#555555", "#bdbdbd"),
    "green": ("#1b6e1b", "#77d877"),
    "brown": ("#85562a", "#d3a676"),
    "cyan": ("#117c99", "#62cfee"),
    "wine": ("#77224f", "#d87aa8"),
}

NAMED = {
    "none": ("blue", "o"),
    "batch": ("red", "s"),
    "layer": ("teal", "^"),
    "group": ("orange", "D"),
    "instance": ("magenta", "v"),
    "rms": ("olive", "P"),
    "renorm": ("indigo", "X"),
    "weight": ("gray", "p"),
    "full": ("green", ">"),
    "noisy": ("brown", "h"),
    "dropout": ("cyan", "d"),
    "bln": ("wine", "<"),
}
ALIASES = {"bn": "batch", "ln": "layer", "gn": "group", "in": "instance", "brn": "renorm", "wn": "weight",
           "fn": "full", "rmsnorm": "rms"}

DASHES = ("-", (0, (4, 1.8)), (0, (1.2, 1.4)), (0, (5, 1.5, 1.2, 1.5)))
# What has no known name begins with what the fewest known names have.
OTHERS = ("indigo", "orange", "teal", "magenta", "green", "gray", "cyan", "olive", "brown", "wine", "blue", "red")
MARKERS = ("o", "^", "D", "v", "s", "P", "X", "<", ">", "p", "h", "d")


@dataclass(frozen=True)
class Style:
    color: str  # a name in COLORS
    marker: str
    dashes: object


def known_word(name: str) -> str | None:
    """The normalization that a series is named by, at its beginning or after a comma: "batch, lr 0.1" is of batch."""
    for part in name.lower().split(","):
        words = re.findall(r"[a-z]+|[0-9.]+", part)
        first = ALIASES.get(words[0], words[0]) if words else ""
        # "layer 3" is none, nor is "full data".
        if first in NAMED and not (first in ("layer", "full", "group", "weight") and len(words) > 1):
            return first
    return None


def drawn_series(figure):
    """A single series over the norms' names has of each norm the colour."""
    names = figure.get("categories", [])
    if len(figure["series"]) != 1 or 2 * sum(known_word(name) is not None for name in names) < max(len(names), 1):
        return figure["series"]
    points = figure["series"][0]["points"]
    return [{"name": name, "points": [point for point in points if point["x"] == index]}
            for index, name in enumerate(names)]


def first_free(choices, taken, count):
    """Comes round when all are taken."""
    return next((one for one in choices if one not in taken), choices[count % len(choices)])


def styles_of(record) -> dict[str, Style]:
    """By name. Those that are drawn in one figure differ in colour as long as there are colours, but for one
    normalization in several settings, which differ in marker and dashes."""
    figures = [[series["name"] for series in drawn_series(figure)]
               for claim in record["claims"] for figure in parts_of(claim, "figures")]
    names = list(dict.fromkeys(name for figure in figures for name in figure))
    styles: dict[str, Style] = {}

    def add(name, color=None, marker=None):
        beside = [styles[other] for figure in figures if name in figure for other in figure if other in styles]
        count = len(styles)
        color = color or first_free(OTHERS, {one.color for one in beside}, count)
        marker = marker or first_free(MARKERS, {one.marker for one in beside}, count)
        styles[name] = Style(color, marker, first_free(DASHES, {one.dashes for one in beside if one.color == color},
                                                       count))

    for name in names:
        if ALIASES.get(name.lower(), name.lower()) in NAMED:
            add(name, *NAMED[known_word(name)])
    for name in names:
        if name not in styles and known_word(name):
            add(name, NAMED[known_word(name)][0])
    for name in names:
        if name not in styles:
            add(name)
    return styles


def css_variables(dark: bool) -> str:
    return " ".join(f"--{name}: {pair[dark]};" for name, pair in COLORS.items())

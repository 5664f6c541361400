"""Figures of a study as SVG that a page holds: text in the page's font, every colour a variable of its style."""

from __future__ import annotations

import html
import io
import math
import re

from study import wording
from study.styles import COLORS, Style, drawn_series

WIDTH, AXES_HEIGHT = 4.2, 2.6  # inches; a phone shows 72 units an inch a little larger than they are
FONT_SIZE = 9
ROW_HEIGHT = 0.165  # of a legend
CHARACTER = 0.068  # about the width of one, in inches

# Colours that only stand for what the page puts in their place.
TEXT, GRID, GROUND = "#000000", "#e1e1e1", "#fefefe"
MOST_MARKERS = 12  # of a line


class Curve:
    """A series as it is drawn: its points, not a number where it has no mean that can stand on the axis."""

    def __init__(self, series, figure, percent, offset):
        self.name = series["name"]
        logs = figure["log_x"] and not figure.get("categories"), figure["log_y"]
        shown = [point for point in sorted(series["points"], key=lambda one: one["x"])
                 if point["x"] > 0 or not logs[0]]
        scale = 100 if percent else 1
        self.x = [point["x"] + offset for point in shown]
        # Of an accuracy the values do not say so: it is that of guessing.
        lost = [max(point.get("values", []).count(None), point.get("diverged", 0)) for point in shown]
        self.diverged = [point["mean"] is None or 0 < len(point.get("values", [])) <= count
                         for point, count in zip(shown, lost)]
        self.partial = [count > 0 and not diverged for count, diverged in zip(lost, self.diverged)]
        drawn = [point["mean"] is not None and (point["mean"] > 0 or not logs[1]) for point in shown]
        self.mean = [scale * point["mean"] if known else math.nan for point, known in zip(shown, drawn)]
        self.low, self.high = ([mean if point[end] is None else scale * point[end]
                                for point, mean in zip(shown, self.mean)] for end in ("low", "high"))
        if percent:  # Student's t knows nothing of the ends of what it is of
            self.low, self.high = ([min(max(value, 0), 100) for value in ends] for ends in (self.low, self.high))
        self.values = [scale * value for point, known in zip(shown, drawn) if known
                       for value in point.get("values", []) if value is not None]
        every = max(1, math.ceil(len(shown) / MOST_MARKERS))
        self.marked = [index for index, known in enumerate(drawn)
                       if index % every == 0 or known and False in drawn[max(index - 1, 0):index + 2]]

    @property
    def has_interval(self):
        return any(low < high for low, high in zip(self.low, self.high))

    def places_where(self, wanted):
        """So many marks as a line has, and where one begins."""
        return [index for index, one in enumerate(wanted)
                if one and (index in self.marked or not wanted[index - 1] or index == 0)]


class Drawing:
    def __init__(self, figure, styles: dict[str, Style]):
        self.figure, self.styles = figure, styles
        self.categories = figure.get("categories", [])
        points = [point for series in figure["series"] for point in series["points"]]
        means = [point["mean"] for point in points]
        self.percent = wording.is_share(figure["y_label"], means)
        shown = drawn_series(figure)
        places = [point["x"] for series in shown for point in series["points"]]
        # Where no two share a place, each stands in the middle of its own; its name may be that of the place.
        self.apart = bool(self.categories) and len(set(places)) == len(places)
        self.named_by_place = self.apart and all(series["name"] == self.categories[int(point["x"])]
                                                 for series in shown for point in series["points"])
        step = min(0.22, 0.7 / max(len(shown), 1)) if self.categories and not self.apart else 0
        self.curves = [Curve(series, figure, self.percent, (index - (len(shown) - 1) / 2) * step)
                       for index, series in enumerate(shown)]
        # Names that do not fit side by side stand one below the other.
        room = (WIDTH - 0.7) / max(len(self.categories), 1)
        self.crossed: list[float] = []
        self.clipped = False
        self.sideways = any(len(name) * CHARACTER > room for name in self.categories)

    @property
    def value_label(self):
        label = self.figure["y_label"]
        return f"{label} (%)" if self.percent and "%" not in label else label

    def legend_entries(self):
        from matplotlib.lines import Line2D

        entries = []
        for curve in self.curves:
            style = self.styles[curve.name]
            color = COLORS[style.color][0]
            entries.append(Line2D([], [], color=color, marker=style.marker, markersize=5, linewidth=1.6,
                                  markeredgecolor=GROUND, markeredgewidth=0.5, label=curve.name,
                                  linestyle="none" if self.categories else style.dashes))
        return [] if len(entries) == 1 or self.named_by_place else entries

    def sign_entries(self):
        """Of what the curves' marks mean."""
        from matplotlib.lines import Line2D

        word = wording.missing_word(self.figure["y_label"])
        signs = [(any(any(curve.diverged) for curve in self.curves), word, {"marker": "x", "markeredgewidth": 1.5}),
                 (any(any(curve.partial) for curve in self.curves), f"some seeds {word}",
                  {"marker": "o", "markerfacecolor": GROUND, "markeredgewidth": 1.2}),
                 (self.clipped, "longer interval", {"marker": ">" if self.sideways else "^"})]
        return [Line2D([], [], linestyle="none", markersize=5, color=TEXT, label=label, **look)
                for shown, label, look in signs if shown]

    def draw(self):
        from matplotlib.figure import Figure

        self.find_limits()
        entries, signs = self.legend_entries(), self.sign_entries()
        columns = max(1, min(4, len(entries), int(WIDTH / (0.55 + CHARACTER * max(
            (len(entry.get_label()) for entry in entries), default=1)))))
        rows = math.ceil(len(entries) / columns)
        height = AXES_HEIGHT
        if self.sideways:
            rows_of_one = 1 if self.apart else len(self.curves)
            height = 0.6 + len(self.categories) * max(0.3, 0.13 * rows_of_one + 0.12)
        entries_height = rows * ROW_HEIGHT
        total = height + entries_height + (ROW_HEIGHT if signs else 0) + (0.1 if rows or signs else 0)
        figure = Figure(figsize=(WIDTH, total), layout="constrained")
        figure.get_layout_engine().set(w_pad=0.03, h_pad=0.03, rect=(0, 0, 1, height / total))
        axes = figure.add_subplot()
        (axes.set_xlim if self.sideways else axes.set_ylim)(*self.limits)
        for curve in self.curves:
            self._draw_curve(axes, curve)
        self._decorate(axes)
        look = {"loc": "upper left", "frameon": False, "columnspacing": 1.2, "borderpad": 0.1, "labelspacing": 0.25}
        if entries:
            figure.legend(handles=entries, ncol=columns, bbox_to_anchor=(0, 1), handlelength=2.2, handletextpad=0.5,
                          **look)
        if signs:
            figure.legend(handles=signs, ncol=len(signs), bbox_to_anchor=(0, 1 - entries_height / total),
                          handlelength=1, handletextpad=0.4, **look)
        return figure

    def find_limits(self):
        """Intervals of few seeds may be many times as long as these differ: they take at most half of an axis, and
        where one is longer an arrow says so."""
        logarithmic = self.figure["log_y"]
        means = [value for curve in self.curves for value in curve.mean if not math.isnan(value)]
        values = means + [value for curve in self.curves for value in curve.values]
        ends = [value for curve in self.curves for value in (*curve.low, *curve.high) if not math.isnan(value)]
        if logarithmic:
            values, ends = ([math.log10(value) for value in some if value > 0] for some in (values, ends))
        if not values:
            values = ends = [0.0, 1.0]
        low, high = min(values), max(values)
        reach = 0.5 * (high - low) or (0.5 if logarithmic else abs(high) * 0.05 or 0.5)
        low, high = max(min([low, *ends]), low - reach), min(max([high, *ends]), high + reach)
        pad = 0.06 * (high - low) or reach
        low, high = low - pad, high + pad
        if self.percent:
            low, high = max(low, -1), min(high, 100 + 0.03 * (100 - low))
        if logarithmic:
            low, high = 10.0 ** low, 10.0 ** high
        self.limits = low, high
        self.worst = low if self.percent else high
        self.clipped = any(end < low for curve in self.curves for end in curve.low) or any(
            end > high for curve in self.curves for end in curve.high)

    def _draw_curve(self, axes, curve):
        style = self.styles[curve.name]
        color = COLORS[style.color][0]
        marks = {"marker": style.marker, "markersize": 5, "markeredgewidth": 0.5, "markeredgecolor": GROUND}
        if self.categories:
            self._draw_points(axes, curve, color, marks)
        else:
            if curve.has_interval:
                axes.fill_between(curve.x, curve.low, curve.high, color=color, alpha=0.18, linewidth=0)
            axes.plot(curve.x, curve.mean, color=color, linestyle=style.dashes, linewidth=1.6, markevery=curve.marked,
                      **marks)
        self._draw_arrows(axes, curve, color)
        some = curve.places_where(curve.partial)
        if some:
            places = [[curve.x[index] for index in some], [curve.mean[index] for index in some]]
            axes.plot(*(reversed(places) if self.sideways else places), color=color, linestyle="none", zorder=4,
                      **{**marks, "markerfacecolor": GROUND, "markeredgecolor": color, "markeredgewidth": 1.2})
        for index in curve.places_where(curve.diverged):
            self._mark_missing(axes, curve.x[index], color)

    def _draw_arrows(self, axes, curve, color):
        """Where an interval runs on beyond the axis."""
        from matplotlib.markers import CARETDOWN, CARETLEFT, CARETRIGHT, CARETUP

        low, high = self.limits
        arrows = (CARETLEFT, CARETRIGHT) if self.sideways else (CARETDOWN, CARETUP)
        beyond = ([end < low for end in curve.low], low), ([end > high for end in curve.high], high)
        for marker, (wanted, edge) in zip(arrows, beyond):
            for index in curve.places_where(wanted):
                place = (edge, curve.x[index]) if self.sideways else (curve.x[index], edge)
                axes.plot(*place, color=color, marker=marker, markersize=5, markeredgewidth=0, clip_on=False, zorder=4)

    def _mark_missing(self, axes, x, color):
        """At the end of the axis; of several series in one place, one beside the other."""
        from matplotlib.transforms import ScaledTranslation

        earlier = self.crossed.count(x)
        self.crossed.append(x)
        inwards = (0.09 * earlier + 0.05) * (1 if self.percent else -1)
        shift = (inwards, 0) if self.sideways else (0, inwards)
        axes.plot(*((self.worst, x) if self.sideways else (x, self.worst)), color=color, marker="x", markersize=5,
                  markeredgewidth=1.5, clip_on=False, zorder=4,
                  transform=axes.transData + ScaledTranslation(*shift, axes.figure.dpi_scale_trans))

    def _draw_points(self, axes, curve, color, marks):
        lengths = [[mean - low for mean, low in zip(curve.mean, curve.low)],
                   [high - mean for mean, high in zip(curve.mean, curve.high)]]
        look = {"color": color, "linestyle": "none", "elinewidth": 1.4, "capsize": 2.5, **marks}
        if self.sideways:
            axes.errorbar(curve.mean, curve.x, xerr=lengths, **look)
        else:
            axes.errorbar(curve.x, curve.mean, yerr=lengths, **look)

    def _decorate(self, axes):
        places, values = (axes.yaxis, axes.xaxis) if self.sideways else (axes.xaxis, axes.yaxis)
        places.set_label_text(self.figure["x_label"])
        values.set_label_text(self.value_label)
        if self.figure["log_y"]:
            set_log(values)
        else:
            set_linear(values)
        xs = sorted({point["x"] for series in self.figure["series"] for point in series["points"]})
        if self.categories:
            places.set_ticks(range(len(self.categories)), self.categories)
            (axes.set_ylim if self.sideways else axes.set_xlim)(
                *((len(self.categories) - 0.5, -0.5) if self.sideways else (-0.5, len(self.categories) - 0.5)))
        elif self.figure["log_x"]:
            axes.set_xlim(*widened([x for x in xs if x > 0], True))
            set_log(places, [x for x in xs if x > 0])
        else:
            set_linear(places, xs)
            axes.set_xlim(*widened(xs, False))
        axes.grid(True, color=GRID, linewidth=0.7)
        axes.set_axisbelow(True)
        places.set_tick_params(length=0 if self.categories else 3)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)


def widened(places, logarithmic):
    """Limits with all places inside, those without a value too."""
    if not places:
        return (0.1, 1) if logarithmic else (0, 1)
    first, last = places[0], places[-1]
    if logarithmic:
        factor = (last / first) ** 0.04 if last > first else 2
        return first / factor, last * factor
    margin = 0.04 * (last - first) or 0.5
    return first - margin, last + margin


def set_linear(axis, places=()):
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    class SameDecimals(FuncFormatter):
        def format_ticks(self, values):
            texts = [wording.plain(value, 4) for value in values]
            decimals = max((len(text.partition(".")[2]) for text in texts), default=0)
            return texts if any("×" in text for text in texts) else [wording.fixed(value, decimals) for value in values]

    whole = bool(places) and all(place == int(place) for place in places)
    axis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10] if not whole else [1, 2, 5, 10],
                                       integer=whole))
    axis.set_major_formatter(SameDecimals(lambda value, _: wording.plain(value, 4)))


def set_log(axis, places=()):
    """Ticks at powers of ten; at the places themselves where these are few powers of two."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

    low, high = axis.get_view_interval()
    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    formatter = FuncFormatter(lambda value, _: wording.plain(value, 3))
    if 2 <= len(places) <= 12 and all(math.log2(place) == int(math.log2(place)) for place in places):
        axis.set_major_locator(FixedLocator(places))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(formatter)
        return
    decades = math.log10(high / low)
    if decades > 5 or low < 1e-5:
        formatter = FuncFormatter(lambda value, _: wording.power_of_ten(round(math.log10(value))))
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 1.6 else (1,), numticks=8))
    axis.set_major_formatter(formatter)
    axis.set_minor_formatter(NullFormatter())


def settings():
    """svg: text stays text, and the same data give the same bytes."""
    return {"font.size": FONT_SIZE, "axes.labelsize": FONT_SIZE, "xtick.labelsize": FONT_SIZE - 0.5,
            "ytick.labelsize": FONT_SIZE - 0.5, "legend.fontsize": FONT_SIZE, "svg.fonttype": "none",
            "svg.hashsalt": "keel", "font.family": "DejaVu Sans", "axes.linewidth": 0.8, "path.simplify": True,
            "text.parse_math": False}


def for_page(svg: str, prefix: str) -> str:
    """The SVG element alone: ids of its own in a page, colours as variables, short coordinates."""
    svg = svg[svg.index("<svg"):]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    # It would hold for the whole page.
    svg = re.sub(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>\s*", "", svg, flags=re.DOTALL)
    # The figure's and the axes' ground: the page's.
    svg = re.sub(r'<g id="patch_[12]">\s*<path[^>]*style="fill: #ffffff[^"]*"/>\s*</g>\s*', "", svg)
    used = set(re.findall(r"url\(#([^)]+)\)", svg)) | set(re.findall(r'xlink:href="#([^"]+)"', svg))
    svg = re.sub(r' id="([^"]+)"', lambda found: f' id="{prefix}-{found[1]}"' if found[1] in used else "", svg)
    svg = re.sub(r' transform="rotate\(-?0 [^"]*"', "", svg)
    svg = re.sub(r"url\(#", f"url(#{prefix}-", svg)
    svg = re.sub(r'xlink:href="#', f'href="#{prefix}-', svg)
    svg = re.sub(r"font: [\d.]+px [^;\"]*", lambda found: re.match(r"font: [\d.]+px", found[0])[0].replace(
        "font:", "font-size:"), svg)
    # Not what stands between tags, which are words.
    svg = re.sub(r"<[^>]+>", lambda tag: with_variables(re.sub(r"-?\d+\.\d{3,}", short, tag[0])), svg)
    return re.sub(r"\n\s*", "\n", svg).strip()


def short(number) -> str:
    text = f"{float(number[0]):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def with_variables(tag: str) -> str:
    names = {pair[0]: f"var(--{name})" for name, pair in COLORS.items()}
    names |= {TEXT: "currentColor", GRID: "var(--grid)", GROUND: "var(--ground)"}
    return re.sub(r"#[0-9a-f]{6}\b", lambda found: names.get(found[0], found[0]), tag)


def titled(svg: str, title: str) -> str:
    """With a size that the page decides, and words for whoever cannot see it."""
    box = re.search(r'viewBox="([^"]+)"', svg)[1]
    rest = svg[svg.index(">") + 1:]
    return f'<svg class="plot" viewBox="{box}" role="img" aria-label="{html.escape(title, quote=True)}">{rest}'


def to_svg(figure, styles, prefix: str) -> str:
    import matplotlib

    # The settings also hold while it is written.
    with matplotlib.rc_context(settings()):
        text = io.StringIO()
        Drawing(figure, styles).draw().savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return titled(for_page(text.getvalue(), prefix), figure["title"])


def signs(figure) -> str:
    """What the marks of a figure mean, in full."""
    drawing = Drawing(figure, {})
    drawing.find_limits()
    word = wording.missing_word(figure["y_label"])
    lost = sum(math.isnan(mean) and not diverged for curve in drawing.curves
               for mean, diverged in zip(curve.mean, curve.diverged))
    counts = any("diverged" in point for series in figure["series"] for point in series["points"])
    said = [(any(any(curve.diverged) for curve in drawing.curves), f"× at the axis: {word} with every seed{', drawn as guessing' if counts else ''}."),
            (any(any(curve.partial) for curve in drawing.curves),
             f"Hollow: {word} with some seeds, "
             + ("which count as guessing." if counts else "the mean is of the others.")),
            (drawing.clipped, "An arrow at the edge: the interval is longer than the chart has room for."),
            (lost, f"{wording.count_of(lost, 'mean')} at or below 0, for which a logarithmic axis has no place.")]
    return " ".join(sentence for shown, sentence in said if shown)

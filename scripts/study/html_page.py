"""The HTML page of a study: one file that needs no other."""

from __future__ import annotations

import html
import re
from pathlib import Path

from study import figures, styles, wording
from study.record import UNFINISHED, parts_of, verdict_of

STYLE = Path(__file__).with_name("page.css")

# With a sign of its own, as colours are not for everyone.
VERDICTS = {"holds": ("yes", "✓"), "holds in part": ("part", "◐"), "does not hold": ("no", "✗"),
            "not shown": ("open", "?"), UNFINISHED: ("open", "…")}
OUTCOMES = {"yes": ("yes", "✓"), "no": ("no", "✗"), "unclear": ("open", "?")}

PLOT = re.compile(r'<svg class="plot".*?</svg>', re.DOTALL)
MATPLOTLIB = re.compile(r'<meta name="generator" content="matplotlib ([^"]*)">')


def text(value) -> str:
    """With what belongs to a number on its line."""
    return re.sub(r"(?<=\d) (?=%)", "&nbsp;", html.escape(str(value), quote=True))


def unbroken(words) -> str:
    return text(words).replace(" ", "&nbsp;")


def badge(word, signs) -> str:
    kind, sign = signs[word]
    return f'<span class="badge {kind}"><span aria-hidden="true">{sign}</span> {word}</span>'


def table(kind, titles, rows, anchor="") -> str:
    """Each cell knows its column's title, which a narrow screen shows beside it. Cells are HTML."""
    head = "".join(f'<th scope="col">{title}</th>' for title in titles)
    body = "".join("<tr>" + "".join(
        f'<td data-title="{title}"{"" if cell else " class=none"}>{cell or wording.NONE}</td>'
        for title, cell in zip(titles, row)) + "</tr>\n" for row in rows)
    place = f' id="{text(anchor)}"' if anchor else ""
    return f'<table class="{kind}"{place}><thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>\n'


def verdict(claim) -> str:
    part = wording.yes_text(claim)
    return badge(verdict_of(claim), VERDICTS) + (f" <small>{part}</small>" if part else "")


def overview(record) -> str:
    rows = [(f'<a href="#{text(claim["id"])}">{text(claim["title"])}</a>',
             text(wording.articles_of(claim)), verdict(claim),
             text(wording.sentence(claim)) + unexpected(claim)) for claim in record["claims"]]
    return table("claims", ("claim", "article", "verdict", "in one sentence"), rows)


def unexpected(claim) -> str:
    said = wording.unexpected_text(claim)
    return f' <small><a href="#{text(claim["id"])}-numbers">{said}</a></small>' if said else ""


def definitions(pairs) -> str:
    return "<dl>" + "".join(f"<div><dt>{title}</dt><dd>{value}</dd></div>\n" for title, value in pairs) + "</dl>\n"


def header(record) -> str:
    facts = [(text(title), f"<code>{text(value)}</code>" if typed else text(value))
             for title, value, typed in wording.run_facts(record)]
    articles = [(text(key), text(title)) for key, title in record["articles"].items()]
    meanings = [(badge(word, VERDICTS), text(meaning)) for word, meaning in wording.VERDICT_MEANINGS]
    return (f"<header><h1>{text(wording.TITLE)}</h1>\n<p class=lead>{text(wording.tally(record))}</p></header>\n"
            f"{overview(record)}<section class=facts><h2>What was run</h2>\n{definitions(facts)}</section>\n"
            f"<section class=facts><h2>The articles</h2>\n{definitions(articles)}</section>\n"
            f"<section class=facts><h2>How to read this</h2>\n{definitions(meanings)}"
            "<p>The verdict follows from the checks by a rule that was fixed before the run. Intervals are of 95 %, "
            "over the seeds; where two are compared, of their differences or ratios seed by seed; the mean of ratios is the geometric one. In figures, lines "
            "and points are means over the seeds, bands and bars are their intervals; those of accuracies end at 0 "
            "and 100 %. One colour is one normalization throughout: <i>none</i> is blue and <i>batch</i> red. "
            "A run whose loss was no longer a number <i>diverged</i>: its accuracy counts as that of guessing, in means and "
            "in choosing the best rate, and figures mark it.</p>\n"
            + "".join(f"<p>{text(said)}</p>\n"
                      for said in (wording.checks_text(record), wording.expected_text(record)) if said)
            + "</section>\n")


def check_rows(claim):
    for check in claim["checks"]:
        amount = wording.amount_of(check)
        found = unbroken(amount.mean) + (f" <small>{unbroken(amount.interval)}</small>" if amount.has_interval else "")
        if check["mean"] is not None and None in (check["low"], check["high"]):
            found += " <small>one seed</small>"
        yield text(check["statement"]), text(wording.rule_of(check)), found, badge(check["outcome"], OUTCOMES)


def number_rows(claim):
    expected = any(number.get("expected") is not None for number in claim["numbers"])
    for number in claim["numbers"]:
        amount = wording.number_amount(number)
        few, beside = wording.seeds_text(number), wording.beside_expected(number)
        row = [text(number["label"]), unbroken(amount.mean) + (f" <small>{few}</small>" if few else ""),
               unbroken(amount.interval)]
        if expected:
            sign = wording.UNEXPECTED.get(beside)
            mark = f'<span class="unexpected">{unbroken(sign)}</span>' if sign else f"<span class=as>{beside}</span>"
            mark = mark if beside else ""
            row += [unbroken(wording.expected_of(number)), mark]
        yield row


def plots(claim, looks, draw) -> str:
    if not parts_of(claim, "figures"):
        return ""
    made = "".join(f"<figure><figcaption>{text(figure['title'])}</figcaption>\n"
                   f"{draw(figure, looks, claim['id'] + f'-{index}')}{signs(figure)}</figure>\n"
                   for index, figure in enumerate(claim["figures"], start=1))
    return f'<div class="figures">{made}</div>\n'


def signs(figure) -> str:
    meaning = figures.signs(figure)
    return f"<p class=signs>{text(meaning)}</p>" if meaning else ""


def section(record, claim, looks, draw) -> str:
    said = "".join((f'<p>“{text(source["quote"])}”</p>' if source["quote"] else "")
                   + f"<footer>{text(record['articles'][source['article']])}</footer>" for source in claim["sources"])
    parts = [f'<section class="claim" id="{text(claim["id"])}">\n<div class=said><h2>{text(claim["title"])}</h2>\n'
             f'<p class=answer>{verdict(claim)} {text(wording.sentence(claim))}</p>\n'
             + (f'<blockquote>{said}</blockquote>\n' if said else ""),
             definitions([("Question", text(claim["question"])), ("Setting", text(claim["setting"])),
                          ("Measure and rule", text(claim["measure"]))]), "</div>\n",
             plots(claim, looks, draw)]
    if parts_of(claim, "checks"):
        parts.append(table("checks", ("check", "rule", "found, 95 % interval", "outcome"), check_rows(claim)))
    if parts_of(claim, "numbers"):
        rows, anchor = list(number_rows(claim)), f"{claim['id']}-numbers"
        parts.append(table("numbers", ("number", "mean", "95 % interval", "expected", "found is"), rows, anchor)
                     if len(rows[0]) == 5 else table("numbers", ("number", "mean", "95 % interval"), rows, anchor))
    if claim.get("pytorch"):
        parts.append(table("numbers elsewhere", [text(title) for title in wording.pytorch_titles(record)],
                           [[text(label), unbroken(mean), *map(text, rest)]
                            for label, mean, *rest in wording.pytorch_rows(claim)]))
    parts += [f"<p class=note>{text(wording.spoken(note))}</p>\n" for note in parts_of(claim, "notes")]
    took = f"{wording.duration(claim['seconds'])} of trials · " if claim["complete"] else ""
    parts.append(f'<p class=back>{took}<a href="#top">all claims</a></p>\n</section>\n')
    return "".join(parts)


def css() -> str:
    """The style with the colours of series."""
    light, dark = (styles.css_variables(dark) for dark in (False, True))
    return STYLE.read_text(encoding="utf-8").replace("/*light*/", light).replace("/*dark*/", dark)


def document(record, matplotlib_version: str | None) -> str:
    """Without a matplotlib, the figures are left empty."""
    looks = styles.styles_of(record)
    draw = figures.to_svg if matplotlib_version else (lambda figure, looks, prefix: '<svg class="plot"></svg>')
    body = "".join(section(record, claim, looks, draw) for claim in record["claims"])
    return ('<!DOCTYPE html>\n<html lang="en" id="top">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="color-scheme" content="light dark">\n'
            f'<meta name="generator" content="matplotlib {matplotlib_version}">\n'
            f"<title>{text(wording.TITLE)}</title>\n<style>\n{css()}</style>\n</head>\n<body>\n<main>\n"
            f"{header(record)}{body}</main>\n</body>\n</html>\n")


def version_of(page: str) -> str | None:
    found = MATPLOTLIB.search(page)
    return found[1] if found else None


def without_plots(page: str) -> str:
    return MATPLOTLIB.sub("", PLOT.sub("", page))

"""The Markdown page of a study: tables that can be read as text."""

from __future__ import annotations

import re

from study import wording
from study.record import parts_of, verdict_of


def escaped(text: str) -> str:
    text = re.sub(r"([\\*`|\[\]])", r"\\\1", str(text)).replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", " ".join(text.split()))


def table(titles, rows) -> list[str]:
    return [f"| {' | '.join(titles)} |", "|" + "---|" * len(titles),
            *(f"| {' | '.join(cell or wording.NONE for cell in row)} |" for row in rows), ""]


def said(record, claim) -> list[str]:
    lines = []
    for source in claim["sources"]:
        quote = f"“{escaped(source['quote'])}”, " if source["quote"] else ""
        lines += [f"> {quote}{escaped(record['articles'][source['article']])}", ">"]
    return lines[:-1] + [""] if lines else []


def verdict(claim) -> str:
    part = wording.yes_text(claim)
    return f"**{verdict_of(claim)}**" + (f" ({part})" if part else "")


def overview(record) -> list[str]:
    return table(("claim", "article", "verdict", "in one sentence"), [
        (f"[{escaped(claim['title'])}](#{claim['id']})", escaped(wording.articles_of(claim)),
         verdict(claim), " ".join(filter(None, (
             escaped(wording.sentence(claim)), said and f"({said})")))) for claim in record["claims"]
        for said in [wording.unexpected_text(claim)]])


def check_rows(claim):
    for check in claim["checks"]:
        yield (escaped(check["statement"]), escaped(wording.rule_of(check)), wording.amount_of(check).both,
               f"**{check['outcome']}**")


def number_rows(claim):
    """With what was expected, if anything was of any number."""
    expected = any(number.get("expected") is not None for number in claim["numbers"])
    for number in claim["numbers"]:
        amount = wording.number_amount(number)
        few = wording.seeds_text(number)
        row = [escaped(number["label"]), amount.mean + (f" ({few})" if few else ""), amount.interval]
        if expected:
            beside = wording.beside_expected(number)
            row.append(wording.expected_of(number)
                       + (f" (**{wording.UNEXPECTED[beside]}**)" if beside in wording.UNEXPECTED else ""))
        yield row


def section(record, claim, page: str) -> list[str]:
    lines = [f'<a id="{claim["id"]}"></a>', "", f"## {escaped(claim['title'])}", ""]
    part = wording.yes_text(claim)
    lines += [f"**{verdict_of(claim).capitalize()}{f' ({part})' if part else ''}.** {escaped(wording.sentence(claim))}".strip(), ""]
    lines += said(record, claim)
    lines += [f"- Question: {escaped(claim['question'])}", f"- Setting: {escaped(claim['setting'])}",
              f"- Measure and rule: {escaped(claim['measure'])}"]
    if claim["complete"]:
        lines += [f"- Took {wording.duration(claim['seconds'])} of trials."]
    titles = [escaped(figure["title"]) for figure in parts_of(claim, "figures")]
    if titles:
        lines += [f"- [{'Figure' if len(titles) == 1 else 'Figures'}]({page}#{claim['id']}): {'; '.join(titles)}"]
    lines += [""]
    if parts_of(claim, "checks"):
        lines += table(("check", "rule", "found (95 % interval)", "outcome"), check_rows(claim))
    if parts_of(claim, "numbers"):
        rows = list(number_rows(claim))
        titles = ("number", "mean", "95 % interval", "expected (found is)")
        lines += table(titles[:len(rows[0])], rows)
    if claim.get("pytorch"):
        lines += table(wording.pytorch_titles(record), [[escaped(cell) for cell in row] for row in wording.pytorch_rows(claim)])
    for note in parts_of(claim, "notes"):
        lines += [f"Note: {escaped(wording.spoken(note))}", ""]
    return lines


def document(record, page: str) -> str:
    """page: the name of the HTML page beside it, which has the figures."""
    lines = [f"# {wording.TITLE}", "", f"{wording.tally(record)} [With figures]({page})", ""]
    lines += overview(record)
    lines += ["Articles:", "", *(f"- {key}: {escaped(title)}" for key, title in record["articles"].items()), ""]
    lines += ["## What was run", "", *table(("", ""), [
        (title, f"`{text}`" if typed else escaped(text)) for title, text, typed in wording.run_facts(record)])]
    lines += ["Intervals are of 95 %, over the seeds, of paired differences or ratios where two are compared; the mean of ratios is the geometric one. "
              "A run whose loss was no longer a number diverged: its accuracy counts as that of guessing. A verdict follows from the checks by a rule that was "
              "fixed before the run:", ""]
    lines += [f"- {verdict}: {meaning}." for verdict, meaning in wording.VERDICT_MEANINGS]
    lines += [""]
    for text in filter(None, (wording.checks_text(record), wording.expected_text(record))):
        lines += [escaped(text), ""]
    for claim in record["claims"]:
        lines += section(record, claim, page)
    return "\n".join(lines).rstrip("\n") + "\n"

"""Numbers and times as both pages write them."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Decimal

from study.record import UNFINISHED, VERDICTS, parts_of, rounded, seeds_with_value, sentence_of, verdict_of

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
MINUS = "−"
NONE = "–"
DIVERGED, NOT_REACHED = "diverged", "not reached"

# What is a change of an accuracy is not one.
ACCURACY = re.compile(r"\baccuracy\b", re.IGNORECASE)
NO_ACCURACY = re.compile(r"\b(difference|ratio|minus|gain|loss|less|more|steps|epochs|seconds|per)\b", re.IGNORECASE)


def power_of_ten(exponent: int) -> str:
    return "10" + str(exponent).translate(SUPERSCRIPTS)


def decimals_for(spread: float) -> int:
    """So many that a spread shows two digits."""
    return 0 if spread <= 0 else max(0, 1 - math.floor(math.log10(spread)))


def fixed(value: float, decimals: int) -> str:
    """Halves are rounded up, as readers do and keel-study; what lies between bits and decimals is no reason not to."""
    text = f"{Decimal(f'{value:.12g}').quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP):f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def plain(value: float, digits: int = 3) -> str:
    """A single number: whole ones as they are."""
    if value == 0:
        return "0"
    size = abs(value)
    if not 1e-4 <= size < 1e6:
        mantissa, exponent = f"{value:.{digits - 2}e}".split("e")
        if "." in mantissa:
            mantissa = mantissa.rstrip("0").rstrip(".")
        power = power_of_ten(int(exponent))
        return power if mantissa == "1" else f"{mantissa} × {power}".replace("-", MINUS)
    if value == int(value):
        return fixed(value, 0)
    text = fixed(value, max(0, digits - 1 - math.floor(math.log10(size))))
    return text.rstrip("0").rstrip(".") if "." in text else text


def is_share(label: str, values) -> bool:
    """Whether numbers are an accuracy as a share of 1, to be shown in percent."""
    known = [value for value in values if value is not None]
    return bool(known and ACCURACY.search(label) and not NO_ACCURACY.search(label)
                and all(0 <= value <= 1 for value in known))


def missing_word(label: str) -> str:
    """What it means that there is no number."""
    return NOT_REACHED if re.search(r"\b(steps|epochs|seconds) to\b|\breach|^(steps|epochs)$", label) else DIVERGED


def spoken(sentence: str) -> str:
    """Without what programs call numbers that are none."""
    sentence = re.sub(r"(?<![\w.])[-+]?nan\b( ?%)?", DIVERGED, sentence, flags=re.IGNORECASE)
    return re.sub(r"(?<![\w.])([-+]?)inf\b( ?%)?", lambda found: f"{found[1].replace('-', MINUS)}∞", sentence)


def sentence(claim) -> str:
    return spoken(sentence_of(claim))


def is_same(low: float, high: float) -> bool:
    """But for what rounding makes of a mean of equal values."""
    return high - low <= 1e-12 * max(abs(low), abs(high))


class Amount:
    """A mean and its interval, in words: both with as many digits as the interval leaves sure."""

    def __init__(self, mean, low, high, percent=False, missing=DIVERGED):
        self.missing = missing
        scale, self.unit = (100, " %") if percent else (1, "")
        self.percent = percent
        # Rounded first, as a published page has it: then one made of the study itself says the same.
        self.values = [None if value is None else scale * rounded(float(value)) for value in (mean, low, high)]

    @property
    def has_interval(self) -> bool:
        mean, low, high = self.values
        return None not in (mean, low, high) and not is_same(low, high)

    def _texts(self):
        mean, low, high = self.values
        largest = max(abs(value) for value in (mean, low, high))
        if largest >= 1e6 or largest < 1e-4:
            return [plain(value) for value in (mean, low, high)]
        decimals = min(decimals_for((high - low) / 2), 6)
        return [fixed(value, decimals) for value in (mean, low, high)]

    @property
    def mean(self) -> str:
        if self.values[0] is None:
            return self.missing
        if self.has_interval:
            return self._texts()[0] + self.unit
        return (fixed(self.values[0], 2) if self.percent else plain(self.values[0], 4)) + self.unit

    @property
    def interval(self) -> str:
        """Empty if there is none: of one seed, or of what was the same for all."""
        if not self.has_interval:
            return ""
        _, low, high = self._texts()
        return f"{low} to {high}"

    @property
    def both(self) -> str:
        return f"{self.mean} ({self.interval})" if self.has_interval else self.mean


def amount_of(holder, percent=False) -> Amount:
    label = holder.get("label") or holder.get("statement", "")
    return Amount(holder["mean"], holder["low"], holder["high"], percent, missing_word(label))


def rule_of(check) -> str:
    """With the minus of all numbers of a page."""
    return re.sub(r"(?<![\w.])-(?=\d)", MINUS, check["rule"])


def number_amount(number) -> Amount:
    values = [*number["values"], number["mean"], number.get("expected"), number.get("expected_to")]
    return amount_of(number, is_share(number["label"], values))


def expected_of(number) -> str:
    """Empty if nothing was expected."""
    if number.get("expected") is None:
        return ""
    percent = number_amount(number).percent
    ends = [number["expected"]]
    if number.get("expected_to", ends[0]) != ends[0]:
        ends.append(number["expected_to"])
    return " to ".join(plain(100 * end if percent else end, 4) for end in ends) + (" %" if percent else "")


def pytorch_titles(record) -> tuple:
    return (f"with PyTorch {record['pytorch']}", "mean", "each seed", "here", "expected")


def pytorch_rows(claim):
    """What PyTorch found, and beside it what the claim has under the same name."""
    # Some labels end with how many seeds diverged.
    here = {re.sub(r" \(\d+ of \d+ diverged\)$", "", number["label"]): number for number in claim["numbers"]}
    for number in claim.get("pytorch", []):
        label, values = number["label"], number["values"]
        known = [value for value in values if value is not None]
        mean = sum(known) / len(known) if known else None
        shown = [Amount(value, None, None, is_share(label, values)).mean for value in (mean, *values)]
        same = here.get(label)
        yield (label, shown[0], ", ".join(one.removesuffix(" %") for one in shown[1:]),
               number_amount(same).mean if same else "", expected_of(same) if same else "")


def articles_of(claim) -> str:
    return ", ".join(source["article"] for source in claim["sources"])


def beside_expected(number) -> str:
    """On which side of what was expected the number is. Empty where one of them is missing."""
    return number.get("beside_expected", "")


# By what is meant, and by what it looks like: colours are not for everyone.
UNEXPECTED = {"higher": "▲ higher", "lower": "▼ lower"}


def unexpected(claim) -> list:
    """The numbers that are not what was expected of them."""
    return [number for number in parts_of(claim, "numbers") if beside_expected(number) in UNEXPECTED]


def unexpected_text(claim) -> str:
    """How many of a claim's numbers these are. Empty if there are none."""
    count = len(unexpected(claim))
    known = sum(bool(beside_expected(number)) for number in parts_of(claim, "numbers"))
    return f"{count} of {count_of(known, 'number')} not as expected" if count else ""


def checks_text(record) -> str:
    """How many are decided by chance where there is nothing."""
    checks = [check for claim in record["claims"] for check in parts_of(claim, "checks")]
    count = sum("interval" in check["rule"] for check in checks)
    if not count:
        return ""
    chance = plain(count / 20, 1 if count >= 20 else 2)
    return (f"Of the {count_of(len(checks), 'check')} on this page, {count} are decided by an interval. Each stands at "
            f"95 % by itself: if the truth were exactly at the bound in all of them, about {chance} would come out yes or "
            "no by chance where unclear is right. A single check that came out narrowly is weak evidence.")


def expected_text(record) -> str:
    """Where the expected numbers are from, and how many are not met."""
    numbers = distinct_numbers(record)
    if not numbers:
        return ""
    missed = sum(beside_expected(number) in UNEXPECTED for number in numbers)
    return ("Expected is what an earlier measurement with PyTorch found, in part with a single seed. ▲ higher and "
            "▼ lower mark the numbers that chance does not explain: what was expected lies, by more than its "
            "rounding, outside of the range that would hold 95 % of the means of as many seeds as it is of. "
            f"{missed} of {len(numbers)} do; by chance alone about "
            f"{plain(len(numbers) / 20, 1 if len(numbers) >= 20 else 2)} would. Notes at the claims say what is known "
            "of the reasons" + (f", beside what PyTorch {record['pytorch']} finds on the same data." if "pytorch" in record else "."))


def distinct_numbers(record) -> list:
    """Those of which something was expected. What two claims share counts once."""
    known = {(number["label"], *number["values"]): number
             for claim in record["claims"] for number in parts_of(claim, "numbers") if beside_expected(number)}
    return list(known.values())


def seeds_text(number) -> str:
    """How many seeds have no value. Empty if all have one, or none has, which stands instead of the mean."""
    known, count = seeds_with_value(number["values"]), len(number["values"])
    return "" if known in (0, count) else f"{count - known} of {count} seeds {missing_word(number['label'])}"


def duration(seconds: float) -> str:
    if seconds < 1:
        return "under 1 s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def listed(words) -> str:
    words = [str(word) for word in words]
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def count_of(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def data_text(data) -> str:
    """The examples of each part, with checksums."""
    names = {"mnist": "MNIST", "synthetic": "synthetic digits"}
    parts = []
    for key, part in data.items():
        if isinstance(part, dict) and "examples" in part:
            check = f" (CRC-32 {part['crc32']})" if part.get("crc32") else ""
            parts.append(f"{part['examples']} {key}{check}")
    name = str(data.get("name", ""))
    return names.get(name, name) + (f": {listed(parts)} examples" if parts else "")


def run_facts(record) -> list[tuple[str, str, bool]]:
    """What was run: title, text, and whether that is something typed."""
    machine = record["machine"]
    cores, load = machine.get("cores"), machine.get("load_at_start")
    processor = str(machine.get("processor", "unknown"))
    jobs = f"{record['jobs']} at a time" if record["jobs"] > 1 else "one at a time"
    finished = sum(claim["complete"] for claim in record["claims"])
    claims = count_of(finished, "claim")
    if finished < len(record["claims"]):
        claims += f" of {len(record['claims'])}"
    return [
        ("command", record["command"], True),
        ("commit", record["commit"], True),
        *([("judged by", record["judged_by"], True)] if record.get("judged_by", record["commit"]) != record["commit"] else []),
        ("started", record["started"].replace("T", " ").replace("Z", " UTC"), False),
        ("took", (f"{duration(record['wall_seconds'])}; " if record.get("wall_seconds") is not None else "")
         + f"{duration(record['seconds'])} of trials added up, {jobs}, for {claims} ({record['length']})", False),
        ("seeds", listed(record["seeds"]), False),
        ("data", data_text(record["data"]), False),
        ("processor", processor + (f", {count_of(cores, 'core')}" if cores else "")
         + (f", load at the start {load:.2f}" if load is not None else ""), False),
        ("system", str(machine.get("system", "unknown")), False),
        ("program", f"{record['program']} {record['version']}, {record['compiler']}, kernels for {record['isa']}",
         False),
    ]


TITLE = "Batch normalization: what its articles claim, and what was measured"
VERDICT_MEANINGS = (
    ("holds", "every check of the claim came out yes"),
    ("holds in part", "at least one check came out yes, but not all"),
    ("does not hold", "every check came out no"),
    ("not shown", "no check came out yes, and not every one no: the measurements leave it open"),
)


def yes_text(claim) -> str:
    """Of how many checks a claim holds that holds in part. Empty for others."""
    if verdict_of(claim) != "holds in part":
        return ""
    checks = parts_of(claim, "checks")
    return f"{sum(check['outcome'] == 'yes' for check in checks)} of {count_of(len(checks), 'check')}"


def tally(record) -> str:
    """How many claims have which verdict, in one sentence."""
    verdicts = [verdict_of(claim) for claim in record["claims"]]
    words = {"holds": ("holds", "hold"), "holds in part": ("holds in part", "hold in part"),
             "does not hold": ("does not hold", "do not hold"), "not shown": ("is not shown", "are not shown"),
             UNFINISHED: ("is not finished", "are not finished")}
    parts = [f"{count} {words[verdict][count > 1]}" for verdict in (*VERDICTS, UNFINISHED)
             if (count := verdicts.count(verdict))]
    quick = " A quick study, for a look: a full one trains longer and on finer grids, and its verdicts may be others."
    return f"Of {count_of(len(verdicts), 'claim')}, {listed(parts)}." + (quick if record["length"] == "quick" else "")

"""study.json, what keel-study writes: reading it, what must be in it, and the copy of it that is published."""

from __future__ import annotations

import json
import math
import re
import shlex
from pathlib import Path

from study import pytorch_file

VERDICTS = ("holds", "holds in part", "does not hold", "not shown")
UNFINISHED = "not finished"
SIDES = ("as expected", "higher", "lower")
OUTCOMES = ("yes", "no", "unclear")

NUMBER = (int, float)
OPTIONAL_NUMBER = (int, float, type(None))

RECORD = {"program": str, "version": str, "compiler": str, "isa": str, "length": str, "seeds": list, "jobs": int,
          "command": str, "commits": dict, "data": dict, "machine": dict, "started": str, "seconds": NUMBER, "articles": dict,
          "claims": list}
CLAIM = {"id": str, "title": str, "sources": list, "question": str, "setting": str, "measure": str,
         "complete": bool}
FINISHED_CLAIM = {"seconds": NUMBER, "verdict": str, "sentence": str, "checks": list, "numbers": list, "figures": list,
                  "notes": list}
INTERVAL = {"mean": OPTIONAL_NUMBER, "low": OPTIONAL_NUMBER, "high": OPTIONAL_NUMBER}
CHECK = {"statement": str, "rule": str, "outcome": str, **INTERVAL}
QUANTITY = {"label": str, "values": list, **INTERVAL}
FIGURE = {"title": str, "x_label": str, "y_label": str, "log_x": bool, "log_y": bool, "series": list}
SERIES = {"name": str, "points": list}
POINT = {"x": NUMBER, **INTERVAL}
PYTORCH = {"pytorch": str, "data": dict, "steps": OPTIONAL_NUMBER, "claims": dict}
PYTORCH_NUMBER = {"label": str, "values": list}

KINDS = {str: "text", int: "a whole number", bool: "true or false", list: "a list", dict: "an object",
         NUMBER: "a number", OPTIONAL_NUMBER: "a number or null"}

SIGNIFICANT = 6  # digits of a number that is published


class StudyError(Exception):
    """What the user is told, on one line."""


def kind_of(value):
    """What a value is, for a message: a short one as it is."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else KINDS.get(type(value), "a number")


def require(value, shape, place):
    """Every key of the shape, and of its type."""
    if not isinstance(value, dict):
        raise StudyError(f"{place}: expected an object, found {kind_of(value)}")
    for key, kind in shape.items():
        if key not in value:
            raise StudyError(f"{place}: expected {key}, found {', '.join(value) or 'an empty object'}")
        found = value[key]
        # To Python true is a number.
        if not isinstance(found, kind) or (isinstance(found, bool) and kind is not bool):
            raise StudyError(f"{place}: {key}: expected {KINDS[kind]}, found {kind_of(found)}")
        require_finite(found, f"{place}: {key}")


def require_finite(value, place):
    """JSON may hold 1e999."""
    if isinstance(value, float) and not math.isfinite(value):
        raise StudyError(f"{place}: expected a number that is finite, found {value}")


def require_one_of(value, words, place):
    if value not in words:
        raise StudyError(f"{place}: expected {', '.join(words[:-1])} or {words[-1]}, found {kind_of(value)}")


def require_all(values, kind, place):
    for index, value in enumerate(values):
        if not isinstance(value, kind) or isinstance(value, bool):
            raise StudyError(f"{place}[{index}]: expected {KINDS[kind]}, found {kind_of(value)}")
        require_finite(value, f"{place}[{index}]")


def check_figure(figure, place):
    require(figure, FIGURE, place)
    names = figure.get("categories", [])
    require_all(names if isinstance(names, list) else [names], str, f"{place}.categories")
    for index, series in enumerate(figure["series"]):
        require(series, SERIES, f"{place}.series[{index}]")
        for number, point in enumerate(series["points"]):
            at = f"{place}.series[{index}].points[{number}]"
            require(point, POINT, at)
            require_all(point.get("values", []), OPTIONAL_NUMBER, f"{at}.values")
            require_all([point.get("diverged", 0)], int, f"{at}.diverged")
            if names and (point["x"] != int(point["x"]) or not 0 <= point["x"] < len(names)):
                raise StudyError(f"{at}: x: expected the index of one of {len(names)} categories, found {point['x']}")


def check_claim(claim, articles, place):
    require(claim, CLAIM, place)
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", claim["id"]):
        raise StudyError(f"{place}: id: expected lower-case letters, digits and -, found {kind_of(claim['id'])}")
    for index, source in enumerate(claim["sources"]):
        require(source, {"article": str, "quote": str}, f"{place}.sources[{index}]")
        require_one_of(source["article"], (*articles, ), f"{place}.sources[{index}].article")
    if not claim["complete"]:
        require({"failed": "", **claim}, {"failed": str}, place)
        return
    require(claim, FINISHED_CLAIM, place)
    require_one_of(claim["verdict"], VERDICTS, f"{place}.verdict")
    require_all(claim["notes"], str, f"{place}.notes")
    for index, one in enumerate(claim["checks"]):
        require(one, CHECK, f"{place}.checks[{index}]")
        require_one_of(one["outcome"], OUTCOMES, f"{place}.checks[{index}].outcome")
    for index, number in enumerate(claim["numbers"]):
        at = f"{place}.numbers[{index}]"
        require(number, QUANTITY, at)
        require_all(number["values"], OPTIONAL_NUMBER, f"{at}.values")
        require_all([number[key] for key in ("expected", "expected_to") if key in number], NUMBER, f"{at}.expected")
        require_one_of(number.get("beside_expected", SIDES[0]), SIDES, f"{at}.beside_expected")
    for index, figure in enumerate(claim["figures"]):
        check_figure(figure, f"{place}.figures[{index}]")


def check_pytorch(numbers, place):
    """Those of one claim."""
    if not isinstance(numbers, list):
        raise StudyError(f"{place}: expected {KINDS[list]}, found {kind_of(numbers)}")
    for index, number in enumerate(numbers):
        at = f"{place}[{index}]"
        require(number, PYTORCH_NUMBER, at)
        require_all(number["values"], OPTIONAL_NUMBER, f"{at}.values")
        if not number["values"]:
            raise StudyError(f"{at}.values: expected one at least, found none")


def check_record(record, path):
    require(record, RECORD, str(path))
    require({"wall_seconds": None, **record}, {"wall_seconds": OPTIONAL_NUMBER}, str(path))
    require({"load_at_start": None, **record["machine"]}, {"load_at_start": OPTIONAL_NUMBER}, f"{path}: machine")
    if record["program"] != "keel-study":
        raise StudyError(f"{path}: program: expected keel-study, found {record['program']}")
    ids = set()
    for index, claim in enumerate(record["claims"]):
        check_claim(claim, record["articles"], f"{path}: claims[{index}]")
        if "pytorch" in claim:
            check_pytorch(claim["pytorch"], f"{path}: claims[{index}].pytorch")
            require(record, {"pytorch": str}, str(path))
        if claim["id"] in ids:
            raise StudyError(f"{path}: claims[{index}]: expected an id of its own, found {claim['id']} again")
        ids.add(claim["id"])
    if not ids:
        raise StudyError(f"{path}: expected claims, found none")


def read_json(path: Path, what: str):
    def no_constant(word):
        raise ValueError(f"{word} is no JSON")

    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=no_constant)
    except OSError as error:
        raise StudyError(f"{path}: expected {what}, cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise StudyError(f"{path}: expected JSON, found: {error}") from error


def read(path: Path) -> dict:
    """A study that is known to be whole.   throws: StudyError"""
    record = read_json(path, "the results of keel-study")
    check_record(record, path)
    return record


def read_with_pytorch(path: Path) -> dict:
    """The same, with what study_pytorch.py found for its claims if that is beside it.   throws: StudyError"""
    record, beside = read(path), path.with_name(pytorch_file.NAME)
    if not beside.exists():
        return record
    found = read_json(beside, "what study_pytorch.py found")
    require(found, PYTORCH, str(beside))
    data = {part: record["data"].get(part) for part in found["data"]}
    for what, expected, other in (("data", data, found["data"]), ("length", record["length"], "full"),
                                  ("steps", None, found["steps"])):
        if expected != other:
            raise StudyError(f"{beside}: {what}: expected those of the study, {json.dumps(expected)}, found "
                             f"{json.dumps(other)}; move it away for pages without it")
    for claim, numbers in found["claims"].items():
        check_pytorch(numbers, f"{beside}: {claim}")
    claims = [{**claim, "pytorch": found["claims"][claim["id"]]} if claim["complete"] and claim["id"] in found["claims"]
              else claim for claim in record["claims"]]
    if not any("pytorch" in claim for claim in claims):
        return record
    return {**record, "pytorch": found["pytorch"], "claims": claims}


def verdict_of(claim) -> str:
    return claim["verdict"] if claim["complete"] else UNFINISHED


def sentence_of(claim) -> str:
    """What was found; of a claim that is not finished, what went wrong, if something did."""
    if claim["complete"]:
        return claim["sentence"]
    return f"A trial failed: {claim['failed']}" if "failed" in claim else ""


def parts_of(claim, name) -> list:
    """Its checks, numbers, figures or notes; a claim that is not finished has none."""
    return claim[name] if claim["complete"] else []


def seeds_with_value(values) -> int:
    return sum(value is not None for value in values)


def rounded(value):
    """The same with numbers that are as short as a page needs them."""
    if isinstance(value, float):
        short = float(f"{value:.{SIGNIFICANT}g}")
        return int(short) if short == int(short) and abs(short) < 1e15 else short
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return [rounded(one) for one in value] if isinstance(value, list) else value


def without_places(command: str) -> str:
    """A command without the directories of one machine."""
    words, kept = shlex.split(command), []
    while words:
        word = words.pop(0)
        if word in ("--out", "--data"):
            words = words[1:]
        elif not word.startswith(("--out=", "--data=")):
            kept.append(word)
    kept[:1] = [Path(word).name for word in kept[:1]]
    return shlex.join(kept)


def published(record: dict, commit: str) -> dict:
    """What the documentation keeps of a study: enough to make the pages anew."""
    copy = rounded(record)
    copy["command"] = without_places(record["command"])
    copy["commit"] = commit
    for key in ("source", "description"):
        copy["data"].pop(key, None)
    return copy


def to_text(record: dict) -> str:
    """JSON with a line for each claim's part, so that a change of one shows."""
    claims = ",\n".join(json.dumps(claim, ensure_ascii=False) for claim in record["claims"])
    head = json.dumps({**record, "claims": []}, ensure_ascii=False, indent=1)
    return head.replace('"claims": []', f'"claims": [\n{claims}\n]') + "\n"

"""scripts/study_report.py: the pages that it makes of a study, and what it says of a study that it cannot read."""

import html.parser
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True

import study_support
from plot_support import HAVE_MATPLOTLIB, ROOT

SCRIPT = ROOT / "scripts" / "study_report.py"

from study import figures, html_page, markdown_page, record, styles, wording


class Page(html.parser.HTMLParser):
    """What a page is made of, for questions about it. Elements that are not closed in order are an error."""

    VOID = {"meta", "br", "link"}

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.text, self.tags = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append(tag)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [attributes[name] for name in ("href", "src", "xlink:href") if name in attributes]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if self.open.pop() != tag:
            raise ValueError(f"</{tag}> closes another element")

    def handle_data(self, data):
        self.text.append(data)


class StudyTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.study = study_support.study()

    def save(self, claims=slice(None)):
        (self.folder / "study.json").write_text(json.dumps({**self.study, "claims": self.study["claims"][claims]}))
        return self.folder

    def run_script(self, *arguments, **environment):
        return subprocess.run([sys.executable, str(SCRIPT), *map(str, arguments)], capture_output=True, text=True,
                              check=False, env={**os.environ, **environment})

    def expect(self, code, message, *arguments):
        result = self.run_script(*arguments)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertIn(message, result.stderr)
        self.assertNotIn("Traceback", result.stderr)
        if code == 1:
            self.assertEqual(result.stderr.count("\n"), 1)


class ReadingTest(StudyTest):
    def test_what_cannot_be_read(self):
        self.expect(1, f"error: {self.folder}/study.json: expected the results of keel-study, cannot be read",
                    self.folder)
        for text, message in (("{\"claims\": [", "expected JSON, found: "), ("[1]", "expected an object, found [1]"),
                              ("{}", "expected program, found an empty object"),
                              ("{\"program\": NaN}", "NaN is no JSON"), ("\x00", "expected JSON")):
            (self.folder / "study.json").write_text(text)
            self.expect(1, message, self.folder)
        (self.folder / "study.json").write_bytes(b"\xff\xfe")
        self.expect(1, "expected JSON", self.folder)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["study.json"])

    def test_usage(self):
        for arguments in ([], [self.folder, "--check", "a.md"], ["--render", "a.md", "--check", "a.md"],
                          [self.folder, "--publish", "a.txt"], ["--check", "a.md", "--commit", "1"],
                          [self.folder, "--publish", "a.md", "--html", "b.html"]):
            self.expect(2, "error: ", *arguments)

    def test_every_key_is_needed_and_of_its_kind(self):
        def fails(change, message):
            study = study_support.study()
            change(study)
            with self.assertRaises(record.StudyError) as caught:
                record.check_record(study, "s")
            self.assertIn(message, str(caught.exception))

        for key in record.RECORD:
            fails(lambda study: study.pop(key), f"s: expected {key}, found ")
            fails(lambda study: study.update({key: None}), f"s: {key}: expected ")
        for key in (*record.CLAIM, *record.FINISHED_CLAIM):
            fails(lambda study: study["claims"][1].pop(key), f"s: claims[1]: expected {key}, found ")
        places = {"checks": record.CHECK, "numbers": record.QUANTITY, "figures": record.FIGURE}
        for part, shape in places.items():
            for key in shape:
                fails(lambda study: study["claims"][0][part][0].pop(key), f"claims[0].{part}[0]: expected {key}")
        series = lambda study: study["claims"][0]["figures"][0]["series"][1]
        fails(lambda study: series(study).pop("name"), "figures[0].series[1]: expected name")
        fails(lambda study: series(study)["points"][2].pop("mean"), "series[1].points[2]: expected mean")
        fails(lambda study: series(study)["points"][2].update(low="1"), 'low: expected a number or null, found "1"')
        fails(lambda study: series(study)["points"][2].update(low=1e999),
              "low: expected a number that is finite, found inf")
        fails(lambda study: series(study)["points"][2].update(low=True), "low: expected a number or null, found true")
        fails(lambda study: study["claims"][3]["figures"][1]["series"][0]["points"][0].update(x=4),
              "x: expected the index of one of 4 categories, found 4")

    def test_values(self):
        def fails(change, message):
            study = study_support.study()
            change(study)
            with self.assertRaises(record.StudyError) as caught:
                record.check_record(study, "s")
            self.assertIn(message, str(caught.exception))

        fails(lambda study: study.update(wall_seconds="x"), 'wall_seconds: expected a number or null, found "x"')
        fails(lambda study: study["machine"].update(load_at_start="x"), "s: machine: load_at_start: expected a number")
        fails(lambda study: study["claims"][0].update(pytorch=[]), "s: expected pytorch, found ")
        fails(lambda study: study.update(program="x"), "program: expected keel-study, found x")
        fails(lambda study: study.update(claims=[]), "expected claims, found none")
        fails(lambda study: study["claims"][1].update(id="faster-training"), "expected an id of its own")
        fails(lambda study: study["claims"][1].update(id='"><b>'), "id: expected lower-case letters")
        fails(lambda study: study["claims"][1].update(verdict="maybe"), 'or not shown, found "maybe"')
        fails(lambda study: study["claims"][0]["checks"][1].update(outcome="x"), "expected yes, no or unclear, found")
        fails(lambda study: study["claims"][0]["numbers"][0].update(beside_expected="near"),
              'beside_expected: expected as expected, higher or lower, found "near"')
        fails(lambda study: study["claims"][0].update(sources=[{"article": "x", "quote": ""}]), 'sources[0].article: expected transforms, glossary')


class MarkdownTest(StudyTest):
    def test_page(self):
        page = markdown_page.document({**self.study, "commit": "abc"}, "study.html")
        self.assertIn("Of 7 claims, 2 hold, 2 hold in part, 1 does not hold, 1 is not shown and 1 is not finished.",
                      page)
        self.assertIn("| [BN is a mild regularizer](#regularizes) | dropout | **not shown** | BN gains 0.4", page)
        self.assertIn("| commit | `abc` |", page)
        self.assertIn("| took | 1 h 30 min; 2 h 51 min of trials added up, 2 at a time, for 6 claims of 7 (full) |", page)
        self.assertIn("| processor | Example CPU @ 2.50GHz, 2 cores, load at the start 0.12 |", page)
        self.assertIn("| largest \\|mean\\| | 2.4 × 10⁻⁷ | – |", page)
        self.assertIn("| steps to 97 %, batch | 1077 | 925 to 1229 | 900 (**▲ higher**) |", page)
        self.assertIn("| µs a step | 817.4 (1 of 5 seeds diverged) | 809.9 to 824.9 | – |", page)
        self.assertIn("> “it makes training 5-10 times faster & more stable”, Normalization & &lt;dropout&gt;\n", page)
        self.assertIn("**Not finished.** A trial failed: out of memory\n\n> Batch normalization: a glossary", page)
        self.assertIn("[Figures](study.html#very-deep): Gradient of the first", page)

    def test_a_claim_of_no_article(self):
        self.study["claims"] = [{**self.study["claims"][5], "sources": []}]
        record.check_record(self.study, "s")
        page = markdown_page.document({**self.study, "commit": "abc"}, "study.html")
        self.assertIn("| [BN makes zero mean and unit variance](#zero-mean) | – | **holds** |", page)
        self.assertNotIn(">", page.split("## BN makes zero mean")[1])
        self.assertNotIn("blockquote", Page(html_page.document({**self.study, "commit": "abc"}, None)).tags)

    def test_tables_are_whole(self):
        page = markdown_page.document({**self.study, "commit": "abc"}, "study.html")
        for table in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
            columns = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
            self.assertEqual(len(columns), 1, table)


class PyTorchTest(StudyTest):
    def study_with(self, found):
        self.save()
        (self.folder / "pytorch.json").write_text(json.dumps(found))
        return record.read_with_pytorch(self.folder / "study.json")

    def test_stands_beside_what_was_found(self):
        study = {**self.study_with(study_support.pytorch()), "commit": "abc"}
        page = markdown_page.document(study, "study.html")
        self.assertEqual(page.count("| with PyTorch 1.13.1 | mean | each seed | here | expected |"), 1)
        here = re.search(r"^\| test accuracy, dropout .*? \| ([\d.]* %) \|", page, re.MULTILINE)[1]
        self.assertIn(f"| test accuracy, dropout | 93.57 % | 93.51, 93.62 | {here} | 93.6 % |\n"
                      "| test accuracy, &lt;random&gt; images | 94.50 % | 94.50, diverged | – | – |\n"
                      "| µs a step | 1267 | 1235, 1300 | 817.4 | – |\n", page)
        self.assertIn("reasons, beside what PyTorch 1.13.1 finds on the same data.", page)
        html = Page(html_page.document(study, None))
        self.assertEqual(html.open, [])
        self.assertIn("test accuracy, <random> images", html.text)
        record.check_record(study, "s")

    def test_without_it(self):
        self.assertNotIn("PyTorch 1.13.1", markdown_page.document({**self.study, "commit": "abc"}, "study.html"))

    def test_for_no_claim_of_the_study(self):
        found = {**study_support.pytorch(), "claims": {"another": []}}
        self.assertEqual(self.study_with(found), self.study)

    def test_what_cannot_be_read(self):
        def fails(found, message):
            with self.assertRaises(record.StudyError) as caught:
                self.study_with(found)
            self.assertIn(message, str(caught.exception))

        fails([], "pytorch.json: expected an object, found []")
        fails({"pytorch": "1"}, "expected data, found pytorch")
        for claims, message in (({"a": 1}, "pytorch.json: a: expected a list, found 1"),
                                ({"a": [{"label": "x"}]}, "a[0]: expected values, found label"),
                                ({"a": [{"label": "x", "values": []}]}, "a[0].values: expected one at least, found none"),
                                ({"a": [{"label": "x", "values": ["1"]}]}, 'a[0].values[0]: expected a number or null')):
            fails({**study_support.pytorch(), "claims": claims}, message)

    def test_of_something_else(self):
        def fails(change, message):
            found = study_support.pytorch()
            change(found)
            with self.assertRaises(record.StudyError) as caught:
                self.study_with(found)
            self.assertIn(f"pytorch.json: {message}", str(caught.exception))

        fails(lambda found: found.update(steps=2), "steps: expected those of the study, null, found 2")
        fails(lambda found: found["data"]["test"].update(examples=9), "data: expected those of the study, {")
        self.study["length"] = "quick"
        self.assertIn(" A quick study, for a look", wording.tally(self.study))
        fails(lambda found: None, 'length: expected those of the study, "quick", found "full"')


@unittest.skipUnless(HAVE_MATPLOTLIB, "needs matplotlib")
class PagesTest(StudyTest):
    SHORT = slice(3, 4)  # of the claims

    def make(self, *arguments, **environment):
        result = self.run_script(*arguments, **environment)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def test_html_is_one_file(self):
        self.make(self.save())
        text = (self.folder / "study.html").read_text()
        page = Page(text)
        self.assertEqual(page.open, [])
        self.assertEqual(len(page.ids), len(set(page.ids)))
        self.assertLess(len(text), 3_000_000)
        for link in page.links:
            self.assertTrue(link.startswith("#") and link[1:] in page.ids, link)
        for link in re.findall(r"url\(#([^)]*)\)", text):
            self.assertIn(link, page.ids)
        self.assertNotIn("script", page.tags)
        self.assertFalse(re.findall(r"@import|url\((?!#)", text))
        self.assertLessEqual(set(re.findall(r"https?://[^\"' ]*", text)),
                             {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"})
        words = " ".join(page.text)
        self.assertIn("Steps to 97\xa0% test accuracy.", words)
        words = words.replace("\xa0", " ")
        for claim in self.study["claims"]:
            said = [source["quote"] for source in claim["sources"]]
            for part in [*said, *(claim[key] for key in ("title", "question", "setting", "measure"))]:
                self.assertIn(part, words)
        self.assertEqual(page.tags.count("svg"), sum(len(claim.get("figures", [])) for claim in self.study["claims"]))

    def test_figures_follow_the_page(self):
        """No colour of their own, and text that is text as it was written."""
        self.make(self.save())
        for svg in html_page.PLOT.findall((self.folder / "study.html").read_text()):
            self.assertEqual(re.findall(r"#[0-9a-f]{6}\b", svg), [])
            self.assertIn("currentColor", svg)
            used = set(re.findall(r"var\(--([a-z]+)\)", svg))
            self.assertLessEqual(used, {*styles.COLORS, "grid", "ground"})
            self.assertNotIn("<style", svg)
        text = (self.folder / "study.html").read_text()
        for words in (">test accuracy (%)<", ">10⁷<", ">0.01<", ">256<", ">residual, after activation<", ">noisy<"):
            self.assertTrue(words in text, words)

    def test_the_same_bytes(self):
        self.make(self.save(self.SHORT), "--commit", "abc")
        first = [(self.folder / name).read_bytes() for name in ("study.html", "study.md")]
        self.make(self.folder, "--commit", "abc", "--html", self.folder / "b.html", "--markdown", self.folder / "b.md",
                  PYTHONHASHSEED="3")
        self.assertEqual(first[0], (self.folder / "b.html").read_bytes())
        self.assertEqual(first[1].replace(b"study.html", b"b.html"), (self.folder / "b.md").read_bytes())

    def test_empty_and_odd_figures(self):
        point, figure = study_support.point, study_support.figure
        odd = [figure("no series", "x", "y", {}), figure("no points", "x", "y", {"none": []}, log_x=True, log_y=True),
               figure("all diverged", "x", "loss", {"none": [point(1, [None]), point(2, [None])]}, log_y=True),
               figure("one point", "x", "accuracy", {"batch": [point(0, [0.5])]}),
               figure("not for a logarithm", "x", "y", {"none": [point(0, [1.0]), point(1, [-1.0]), point(10, [0.0])]},
                      log_x=True, log_y=True),
               figure("<title> & \"more\"", "x < y", "y & z", {"<b>": [point(1, [1e-9, 2e-9]), point(2, [3e-9])]}),
               figure("$a_b$", "x", "y", {"lr $0.1$": [point(1, [2.0])]}, categories=["$1", "b$"])]
        self.study["claims"][0]["figures"] = odd
        self.make(self.save(slice(1)))
        page = Page((self.folder / "study.html").read_text())
        self.assertEqual(page.open, [])
        for words in ("x < y", "y & z", "<title> & \"more\"", "$a_b$", "$1", "b$"):
            self.assertIn(words, page.text)

    def test_without_values(self):
        marks = lambda index, figure: figures.signs(self.study["claims"][index]["figures"][figure])
        self.assertEqual(marks(0, 0), "")
        self.assertEqual(marks(2, 0), "× at the axis: diverged with every seed.")
        self.assertEqual(marks(1, 0), "× at the axis: diverged with every seed. Hollow: diverged with some seeds, the "
                                      "mean is of the others.")
        self.make(self.save(slice(1, 2)))
        text = (self.folder / "study.html").read_text()
        for svg in html_page.PLOT.findall(text):
            self.assertTrue(">diverged<" in svg and ">some seeds diverged<" in svg)

    def test_published_and_checked(self):
        docs = self.folder / "docs"
        docs.mkdir()
        page = docs / "claims.md"
        found = {"very-deep": study_support.pytorch()["claims"]["regularizes"]}
        (self.folder / "pytorch.json").write_text(json.dumps({**study_support.pytorch(), "claims": found}))
        self.make(self.save(self.SHORT), "--publish", page, "--commit", "abc")
        self.assertIn("| with PyTorch 1.13.1 |", page.read_text())
        self.assertEqual(sorted(path.name for path in docs.iterdir()), ["claims.html", "claims.json", "claims.md"])
        published = json.loads((docs / "claims.json").read_text())
        self.assertEqual((published["command"], published["commit"]), ("keel-study --full --all --jobs 2", "abc"))
        for path in docs.iterdir():
            self.assertNotIn("/home/me", path.read_text())
        self.assertEqual(self.make("--check", page), "")
        for path in (page, docs / "claims.html"):
            before = path.read_text()
            path.write_text(before.replace("does not hold", "holds", 1))
            self.expect(1, f"error: {path}: not what {docs}/claims.json gives; --render {page} writes it anew",
                        "--check", page)
            self.make("--render", page)
            self.assertEqual(path.read_text(), before)
        svg = (docs / "claims.html").read_text()
        (docs / "claims.html").write_text(svg.replace(">test accuracy (%)<", ">loss<"))
        self.expect(1, "not what", "--check", page)

    def test_check_where_another_matplotlib_drew(self):
        page = self.folder / "claims.md"
        self.make(self.save(self.SHORT), "--publish", page, "--commit", "abc")
        path = self.folder / "claims.html"
        path.write_text(re.sub("content=\"matplotlib [^\"]*", 'content="matplotlib 1.0', path.read_text()).replace(
            ">test accuracy (%)<", ">accuracy (%)<"))
        self.assertIn("figures are not compared, as matplotlib 1.0 drew them", self.make("--check", page))
        path.write_text(path.read_text().replace("does not hold", "holds"))
        self.expect(1, "not what", "--check", page)

    def test_check_of_what_is_not_there(self):
        page = self.folder / "claims.md"
        self.expect(1, f"{self.folder}/claims.json: expected the results of keel-study, cannot be read", "--check",
                    page)
        (self.folder / "claims.json").write_text(json.dumps(self.study))
        self.expect(1, "expected commit, found ", "--check", page)


@unittest.skipUnless(HAVE_MATPLOTLIB, "needs matplotlib")
class CommitTest(StudyTest):
    def test_of_the_program_that_measured(self):
        sys.path.insert(0, str(SCRIPT.parent))
        import study_report

        def commit(commits, publish=False):
            return study_report.commit_of({"commits": commits}, publish)

        self.run_script(self.save(slice(1)))
        self.assertIn("<code>0123abc</code>", (self.folder / "study.html").read_text())
        self.assertEqual(commit({"0123abc": 9}, True), "0123abc")
        self.assertEqual(commit({"0123abc": 9, "4567def": 2}, True), "0123abc (9 trials), 4567def (2 trials)")
        self.assertEqual(commit({"0123abc": 9, "unknown": 1}), "0123abc (9 trials), unknown (1 trials)")
        self.assertEqual(commit({}), "unknown")
        for commits in ({"a": 1, "b-dirty.0123456789ab": 2}, {"a-dirty": 3}, {"unknown": 1}, {}):
            with self.assertRaisesRegex(study_report.StudyError, "expected trials of sources that are in a commit"):
                commit(commits, True)


if __name__ == "__main__":
    unittest.main()

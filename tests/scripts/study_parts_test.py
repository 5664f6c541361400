"""scripts/study: how numbers are written, and where a chart's points stand and what they look like."""

import importlib.util
import math
import sys
import unittest

sys.dont_write_bytecode = True

import study_support
from plot_support import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

from study import figures, styles, wording


class WordingTest(unittest.TestCase):
    def test_numbers(self):
        for value, text in ((0, "0"), (3.0, "3"), (-2.5, "−2.5"), (0.001, "0.001"), (0.12345, "0.123"),
                            (1234.4, "1234"), (2e8, "2 × 10⁸"), (-1.25e-7, "−1.2 × 10⁻⁷"), (50000, "50000")):
            self.assertEqual(wording.plain(value), text)

    def test_digits_are_those_that_the_interval_leaves(self):
        for values, text in (((0.95432, 0.95101, 0.95763), "0.9543 (0.9510 to 0.9576)"),
                             ((2350.4, 2190, 2510.8), "2350 (2190 to 2511)"),
                             ((0.00003, -0.02, 0.02), "0.000 (−0.020 to 0.020)"), ((2.0, None, None), "2"),
                             ((None, None, None), "diverged"), ((1e-7, 1e-7, 1e-7), "10⁻⁷"),
                             ((0.1, 0.1 - 1e-17, 0.1 + 2e-17), "0.1"),
                             ((1e8, 8e7, 1.2e8), "10⁸ (8 × 10⁷ to 1.2 × 10⁸)")):
            self.assertEqual(wording.Amount(*values).both, text)
        self.assertEqual(wording.Amount(0.97654, 0.975, 0.978, percent=True).both, "97.65 % (97.50 to 97.80)")
        halfway = sum([0.9468, 0.9734, 0.9705, 0.9614, 0.9704]) / 5
        self.assertLess(halfway, 0.9645)
        self.assertEqual(wording.Amount(halfway, 0.951, 0.978, percent=True).both, "96.5 % (95.1 to 97.8)")
        self.assertEqual(wording.Amount(0.9635, 0.951, 0.976, percent=True).both, "96.4 % (95.1 to 97.6)")

    def test_accuracies_in_percent(self):
        self.assertTrue(wording.is_share("test accuracy (%)", [0.1, None, 1.0]))
        for label, values in (("test accuracy", [97.0]), ("accuracy, batch minus none", [0.01]), ("loss", [0.5]),
                              ("steps to an accuracy of 0.97", [0.5]), ("accuracy", [None]), ("accuracy", [-0.1])):
            self.assertFalse(wording.is_share(label, values), label)

    def test_what_is_no_number_has_words(self):
        for label, word in (("steps to 97 %, batch", "not reached"), ("test accuracy after 6000 steps", "diverged"),
                            ("epochs", "not reached"), ("loss", "diverged")):
            self.assertEqual(wording.missing_word(label), word)
        self.assertEqual(wording.spoken("Of none nan %, -nan; in Nancy's banana -inf of inf"),
                         "Of none diverged, diverged; in Nancy's banana −∞ of ∞")
        number = study_support.number("steps to 97 %", [None, 3, None])
        self.assertEqual(wording.seeds_text(number), "2 of 3 seeds not reached")

    def test_what_is_due_to_chance(self):
        study = study_support.study()
        self.assertIn("Of the 8 checks on this page, 7 are decided by an interval. ", wording.checks_text(study))
        self.assertIn(" 7 of 16 do; ", wording.expected_text(study))
        self.assertEqual(wording.unexpected_text(study["claims"][0]), "1 of 4 numbers not as expected")
        for text in (wording.checks_text, wording.expected_text):
            self.assertEqual(text({"claims": [study_support.unfinished()]}), "")

    def test_who_judged_is_told_where_it_was_another(self):
        study = {**study_support.study(), "commit": "a1"}
        for judge, told in ((None, False), ("a1", False), ("b2", True)):
            facts = wording.run_facts({**study, **({"judged_by": judge} if judge else {})})
            self.assertEqual(("judged by", "b2", True) in facts, told)
            self.assertEqual("judged by" in [title for title, *_ in facts], told)

    def test_rules_have_the_minus_of_other_numbers(self):
        self.assertEqual(wording.rule_of({"rule": "the interval lies above -0.02 at 1e-06"}),
                         "the interval lies above −0.02 at 1e-06")

    def test_durations(self):
        self.assertEqual([wording.duration(seconds) for seconds in (0.02, 5.4, 90, 3599, 10234.5)],
                         ["under 1 s", "5 s", "2 min", "1 h 0 min", "2 h 51 min"])


class StylesTest(unittest.TestCase):
    def setUp(self):
        self.styles = styles.styles_of(study_support.study())

    def test_norms_have_their_colours(self):
        self.assertEqual((self.styles["none"].color, self.styles["batch"].color), ("blue", "red"))
        self.assertEqual(len({style[1] for style in styles.NAMED.values()}), len(styles.NAMED))
        self.assertEqual(styles.known_word("BN, lr 0.1"), "batch")
        for name in ("layer 3", "full data", "15 %", "first layer", ""):
            self.assertIsNone(styles.known_word(name), name)

    def test_one_figure_tells_them_apart(self):
        residual, plain = self.styles["batch, residual"], self.styles["batch"]
        self.assertEqual(residual.color, plain.color)
        self.assertTrue(residual.marker != plain.marker and residual.dashes != plain.dashes)
        for figure in (figure for claim in study_support.study()["claims"] for figure in claim.get("figures", [])):
            looks = [self.styles[series["name"]] for series in styles.drawn_series(figure)]
            self.assertEqual(len(set(looks)), len(looks))

    def test_many_names(self):
        names = [f"series {index}" for index in range(30)]
        figure = study_support.figure("t", "x", "y", {name: [] for name in names})
        self.assertEqual(len(styles.styles_of({"claims": [{"complete": True, "figures": [figure]}]})), 30)


class PlacesTest(unittest.TestCase):
    """Where a chart's points stand."""

    def drawing(self, series, categories):
        points = {name: [study_support.point(place, [0.5]) for place in places] for name, places in series.items()}
        return figures.Drawing(study_support.figure("t", "", "y", points, categories=categories), {})

    def test_a_place_of_their_own(self):
        drawing = self.drawing({"none": [0], "dropout + BN": [1], "x": [2]}, ["none", "dropout + BN", "x"])
        self.assertEqual([curve.x for curve in drawing.curves], [[0], [1], [2]])
        self.assertTrue(drawing.named_by_place)
        self.assertFalse(self.drawing({"a": [0], "b": [1]}, ["x", "y"]).named_by_place)

    def test_a_single_series_over_norms(self):
        drawing = self.drawing({"runs": [0, 1]}, ["none", "batch"])
        self.assertEqual([(curve.name, curve.x) for curve in drawing.curves], [("none", [0]), ("batch", [1])])
        self.assertEqual([curve.name for curve in self.drawing({"runs": [0, 1]}, ["plain", "deep"]).curves], ["runs"])

    def test_side_by_side(self):
        drawing = self.drawing({"a": [0, 1], "b": [0, 1]}, ["x", "y"])
        self.assertEqual([curve.x for curve in drawing.curves], [[-0.11, 0.89], [0.11, 1.11]])
        self.assertFalse(drawing.named_by_place)


class IntervalsTest(unittest.TestCase):
    """What of intervals and of points without a value is drawn."""

    def drawing(self, points, **figure):
        label = figure.pop("y_label", "loss")
        made = figures.Drawing(study_support.figure("t", "x", label, {"a": points}, **figure), {})
        made.find_limits()
        return made

    @unittest.skipUnless(importlib.util.find_spec("matplotlib"), "this Python has no matplotlib")
    def test_all_of_an_interval_or_an_arrow(self):
        points = [{"x": x, "values": [1.0, 1.2], "mean": 1.1, "low": low, "high": high}
                  for x, low, high in ((1, 1.05, 1.25), (2, 1.0, 1.2))]
        drawing = self.drawing(points)
        self.assertFalse(drawing.clipped)
        self.assertTrue(drawing.limits[0] < 1.0 and drawing.limits[1] > 1.25)
        points[0]["high"] = 9.0
        drawing = self.drawing(points)
        self.assertTrue(drawing.clipped and drawing.limits[1] < 1.5)
        self.assertEqual([entry.get_label() for entry in drawing.sign_entries()], ["longer interval"])

    def test_down_to_nothing_on_a_logarithmic_axis(self):
        point = {"x": 1, "values": [1.0, 10.0], "mean": 5.5, "low": -3.0, "high": 14.0}
        self.assertTrue(self.drawing([point], log_y=True).clipped)

    def test_accuracies_end_at_all(self):
        drawing = self.drawing([{"x": 1, "values": [0.9, 1.0], "mean": 0.95, "low": 0.3, "high": 1.6}],
                               y_label="accuracy")
        self.assertEqual((drawing.curves[0].low, drawing.curves[0].high), ([30.0], [100]))

    def test_accuracies_of_guessing_are_marked_where_runs_diverged(self):
        points = [{**study_support.point(x, [0.125, 0.125, 0.125]), "diverged": count} for x, count in ((1, 1), (2, 3))]
        drawn = {**study_support.figure("t", "x", "test accuracy", {}), "series": [
            {"name": "none", "points": [study_support.point(0, [0.5, 0.5, 0.5]), *points]}]}
        curve = figures.Curve(drawn["series"][0], drawn, True, 0)
        self.assertEqual((curve.diverged, curve.partial), ([False, False, True], [False, True, False]))
        self.assertEqual(curve.mean, [50, 12.5, 12.5])
        self.assertEqual(figures.signs(drawn), "× at the axis: diverged with every seed, drawn as guessing. "
                         "Hollow: diverged with some seeds, which count as guessing.")

    def test_a_line_has_a_gap_where_all_diverged(self):
        point = study_support.point
        curve = self.drawing([point(1, [1.0]), point(2, [None]), point(3, [1.0])]).curves[0]
        self.assertTrue(math.isnan(curve.mean[1]))
        self.assertEqual((curve.x, curve.diverged), ([1, 2, 3], [False, True, False]))

    def test_a_long_line_is_marked_where_it_ends(self):
        point = study_support.point
        curve = self.drawing([point(x, [1.0 if x < 40 else None]) for x in range(1, 101)]).curves[0]
        self.assertIn(38, curve.marked)
        self.assertEqual(curve.places_where(curve.diverged)[0], 39)
        self.assertLessEqual(len(curve.places_where([True] * 39 + [False] * 61)), 13)


if __name__ == "__main__":
    unittest.main()

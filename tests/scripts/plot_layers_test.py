"""scripts/plot_layers.py: what it reads, what it draws, and what it says when it cannot."""

import math
import re
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from plot_support import HAVE_MATPLOTLIB, SCRIPT, PlotTest, config, train_config

import plot_layers
import plotting
import run_logs
from run_logs import PlotError

HEADER = ("step,layer,kind,p15,p50,p85,mean,deviation,unit_p15,unit_p50,unit_p85,dead,flat,gradient_norm,weight_norm,"
          "update_ratio,running_mean_mean,running_mean_min,running_mean_max,running_var_mean,running_var_min,"
          "running_var_max\n")


def step_rows(step, last=False):
    """A dense layer, a norm, an activation, another dense layer, the logits; the last ones without gradient."""
    gradient = ("", "5", "") if last else (f"{0.1 + step}", "5", "0.01")
    rows = []
    for path, kind, flat, cells in (("0", "dense", "", gradient), ("1", "batch_norm", "", gradient),
                                    ("2", "sigmoid", "0.25", ("", "", "")), ("3", "dense", "", gradient),
                                    ("output", "logits", "", ("", "", ""))):
        figures = [f"{value + step / 10:g}" for value in (-1, 0, 1, 0, 1, -2, 0, 2)]
        rows.append(",".join([str(step), path, kind, *figures, flat and "0", flat, *cells, *[""] * 6]) + "\n")
    return rows


LAYERS = [row for step in (0, 10, 20) for row in step_rows(step, last=step == 20)]


class LayersTest(PlotTest):
    script = SCRIPT.with_name("plot_layers.py")

    def pair(self, name="run", rows=LAYERS, arms=("no_bn", "bn")):
        run = self.run_dir(name, arms=arms, config=config())
        for arm in arms:
            (run / arm / "layers.csv").write_text(HEADER + "".join(rows))
        return run

    def single(self, name="train", rows=LAYERS, **options):
        run = self.train_dir(name, config=train_config(**options))
        (run / "layers.csv").write_text(HEADER + "".join(rows))
        return run


class ReadingTest(LayersTest):
    def test_layers_by_step(self):
        layers = plot_layers.read_layers(self.single() / "layers.csv")
        self.assertEqual(list(layers), ["0", "1", "2", "3", "output"])
        self.assertEqual(layers["2"][10]["p85"], 2)
        self.assertEqual(layers["0"][10]["gradient_norm"], 10.1)
        self.assertTrue(math.isnan(layers["0"][20]["gradient_norm"]))

    def test_a_line_that_is_being_written(self):
        run = self.single(rows=[*LAYERS, "30,0,den"])
        self.assertEqual(list(plot_layers.read_layers(run / "layers.csv")["0"]), [0, 10, 20])

    def test_the_last_activation_is_shown(self):
        model = plot_layers.Model("m", "", "", plot_layers.read_layers(self.single() / "layers.csv"))
        self.assertEqual(plot_layers.shown_layer(model, None), "2")
        self.assertEqual(plot_layers.shown_layer(model, "output"), "output")
        with self.assertRaisesRegex(PlotError, "--layer: expected one of 0, 1, 2, 3, output, found 7"):
            plot_layers.shown_layer(model, "7")

    def test_spread(self):
        self.assertEqual(plot_layers.spread([1, 2, 3], 5), [1, 2, 3])
        self.assertEqual(plot_layers.spread(list(range(101)), 5), [0, 25, 50, 75, 100])


class MessageTest(LayersTest):
    def test_no_log(self):
        run = self.run_dir()
        self.expect(1, f"error: {run}: expected layers.csv, or one in the directory of each model (of a run with "
                       "--log-distributions), found none\n", run)

    def test_no_run(self):
        self.expect(1, "expected the directory of a run, found none", self.folder / "nowhere")

    def test_damaged_logs(self):
        for rows, message in (([], "expected rows of layers, found none yet"),
                              (["0,1,dense,x\n"], "layers.csv:2: expected 22 cells, found 4"),
                              ([LAYERS[0].replace("-1,", "much,", 1)],
                               "layers.csv:2: expected numbers, found 0,0,dense,")):
            with self.subTest(message):
                self.expect(1, message, self.single(message, rows=rows))
        run = self.train_dir("foreign")
        (run / "layers.csv").write_text("step,layer\n0,1\n")
        self.expect(1, "layers.csv: expected the columns step,layer,kind,", run)

    def test_twice_the_same(self):
        run = self.single()
        self.expect(2, "expected every run once, found it twice", run, run)

    @unittest.skipUnless(HAVE_MATPLOTLIB, "no Python here has matplotlib")
    def test_nothing_to_show(self):
        run = self.single(rows=[row for row in LAYERS if "sigmoid" not in row])
        # What the last layer is given, where no layer is an activation.
        self.assertEqual(self.plot(run).returncode, 0)
        self.assertIn(">input of layer 3 (dense)<", (run / "layers.svg").read_text())
        self.expect(1, "error: --layer: expected one of 0, 1, 3, output, found 2\n", run, "--layer", "2")

    @unittest.skipUnless(HAVE_MATPLOTLIB, "no Python here has matplotlib")
    def test_ten_models_go_on_below(self):
        run = self.pair(arms=tuple(run_logs.ARMS))
        self.assertEqual(self.plot(run).returncode, 0)
        svg = (run / "layers.svg").read_text()
        width, height = map(float, re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', svg).groups())
        self.assertEqual((width, height), (4 * 4.6 * 72, 3 * 9.6 * 72))
        for arm in run_logs.ARMS:
            self.assertIn(f'id="{arm}-p50"', svg)
            color = re.search(rf'id="{arm}-p50">\s*<path [^>]*stroke: (#\w+)', svg).group(1)
            self.assertEqual(color, run_logs.ARMS[arm][1])

    @unittest.skipUnless(HAVE_MATPLOTLIB, "no Python here has matplotlib")
    def test_some_arms(self):
        run = self.pair(arms=("no_bn", "bn", "renorm"))
        self.assertEqual(self.plot(run, "--arm", "batch,renorm").returncode, 0)
        self.assertEqual({gid.split("-")[0] for gid in self.drawn(run / "layers")}, {"bn", "renorm"})
        self.expect(1, "error: --arm: expected one of none, batch, renorm, found renrm; near: renorm\n", run, "--arm",
                    "renrm")
        self.expect(1, "error: --arm: expected a run of several models, found ", self.single(), "--arm", "batch")

    def test_a_long_list_of_layers_is_cut(self):
        names = [f"{index}.body.1" for index in range(40)]
        error = str(plotting.unknown("--layer", "3.bod.1", names, most=3))
        self.assertTrue(error.startswith("--layer: expected one of 0.body.1, 1.body.1, 2.body.1, ... (40 in all), "
                                         "found 3.bod.1; near: "), error)
        self.assertIn("3.body.1", error.split("near: ")[1])

    def test_help(self):
        self.assertIn("pre-activations", self.plot("--help").stdout)


@unittest.skipUnless(HAVE_MATPLOTLIB, "no Python here has matplotlib")
class DrawingTest(LayersTest):
    def points(self, gid):
        path = re.search(rf'id="{gid}">\s*<path d="([^"]*)"', self.svg).group(1)
        return [tuple(map(float, point)) for point in re.findall(r"[ML] (\S+) (\S+)", path)]

    def test_a_panel_for_each_model(self):
        run = self.pair()
        result = self.plot(run)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(result.stdout, f"wrote {run}/layers.png\nwrote {run}/layers.svg\n")
        one = ["p15", "p50", "p85"], ["gradient-0", "gradient-of-norms-0", "gradient-10", "gradient-of-norms-10"], \
              ["update-0", "update-1", "update-3"]
        self.assertEqual(self.drawn(run / "layers"),
                         [f"{arm}-{what}" for row in one for arm in ("no_bn", "bn") for what in row])
        for text in ("MLP on MNIST: inside the layers", "no BN", "BN", "input of layer 2 (sigmoid)", "1 batch_norm",
                     "step 10", "norm of the gradient"):
            self.assertIn(f">{text}<", self.svg)
        self.assertIn("stroke: #0077bb", self.style("no_bn-p50"))
        self.assertIn("stroke: #cc3311", self.style("bn-p50"))
        self.assertEqual(len(self.points("bn-p50")), 3)
        self.assertEqual(len(self.points("bn-gradient-0")), 2)

    def test_models_share_the_axis_of_values(self):
        run = self.pair()
        wide = [row.replace("-1,0,1,", "-9,0,9,") for row in LAYERS]
        (run / "bn" / "layers.csv").write_text(HEADER + "".join(wide))
        self.assertEqual(self.plot(run).returncode, 0)
        self.drawn(run / "layers")
        (_, low), (_, high) = self.points("no_bn-p15")[0], self.points("no_bn-p85")[0]
        (_, lowest), (_, highest) = self.points("bn-p15")[0], self.points("bn-p85")[0]
        self.assertAlmostEqual((lowest - highest) / (low - high), 9, places=3)

    def test_one_unit(self):
        run = self.single()
        for option, height in ((), 2), (("--unit",), 4):
            self.assertEqual(self.plot(run, *option).returncode, 0)
            self.drawn(run / "layers")
            (_, start), (_, later), *_ = self.points("model-p50")  # 1 apart
            low, high = self.points("model-p15")[0][1], self.points("model-p85")[0][1]
            self.assertAlmostEqual((low - high) / (start - later), height, places=3)

    def test_several_runs(self):
        runs = [self.single("a", seed=1, lr=0.1), self.single("b", seed=1, lr=0.2)]
        result = self.plot(*runs, "--out", self.folder / "both")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        drawn = self.drawn_all(self.folder / "both")
        self.assertIn("run0-model-p50", drawn)
        self.assertIn("run1-model-p50", drawn)
        for text in ("lr 0.1", "lr 0.2"):
            self.assertIn(f">{text}<", self.svg)

    def drawn_all(self, prefix):
        self.drawn(prefix)
        return re.findall(r'id="([^"]+)"', self.svg)

    def test_a_single_step(self):
        run = self.single(rows=LAYERS[:5])
        result = self.plot(run)
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_an_arm_of_another_norm(self):
        run = self.pair(arms=("no_bn",))
        (run / "layer").mkdir()
        (run / "layer" / "layers.csv").write_text(HEADER + "".join(LAYERS))
        result = self.plot(run)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("layer-p50", self.drawn_all(run / "layers"))


if __name__ == "__main__":
    unittest.main()

"""scripts/plot_losses.py and run_logs.py: what it reads, what it draws, and what it says when it cannot."""

import json
import math
import os
import re
import sys
import unittest
from unittest import mock

sys.dont_write_bytecode = True

from plot_support import HAVE_MATPLOTLIB, HEADER, ROWS, SCRIPT, PlotTest, config

import plot_losses
import plotting
import run_logs
from run_logs import PlotError


class ReadingTest(PlotTest):
    def test_values_by_epoch_and_empty_cells(self):
        epochs = run_logs.read_epochs(self.csv(HEADER + "".join(ROWS)))
        self.assertEqual(list(epochs), [0, 1, 2])
        self.assertTrue(math.isnan(epochs[0]["train_loss"]))
        self.assertEqual((epochs[0]["val_loss"], epochs[2]["val_accuracy"]), (2.3, 0.96))

    def test_infinite_loss_is_a_gap(self):
        epochs = run_logs.read_epochs(self.csv(HEADER + "1,10,inf,0.1,nan,0.1,0.1,1\n"))
        self.assertTrue(math.isnan(epochs[1]["train_loss"]) and math.isnan(epochs[1]["val_loss"]))

    def test_half_written_last_line_does_not_count(self):
        epochs = run_logs.read_epochs(self.csv(HEADER + "".join(ROWS) + "3,4500,0.0"))
        self.assertEqual(list(epochs), [0, 1, 2])

    def test_bad_files(self):
        for text, message in (
            ("", f"expected the columns {','.join(run_logs.COLUMNS)}, found an empty file"),
            ("epoch,loss\n1,2\n", "found no train_loss,train_accuracy,val_loss,val_accuracy"),
            (HEADER + "1,2\n" + ROWS[2], "epochs.csv:2: expected 8 cells, found 2"),
            (HEADER + ROWS[1] + "1,2\n", "epochs.csv:3: expected 8 cells, found 2"),
            (HEADER + ROWS[1].replace("0.91", "x"), "epochs.csv:2: expected numbers, found 1,1500,0.3,x"),
        ):
            with self.subTest(text), self.assertRaises(PlotError) as caught:
                run_logs.read_epochs(self.csv(text))
            self.assertIn(message, str(caught.exception))

    def test_titles(self):
        title = plot_losses.figure_title
        self.assertEqual(title([plot_losses.Run(self.run_dir("m", config=config()))]),
                         "MLP on MNIST, with and without batch normalization")
        self.assertEqual(title([plot_losses.Run(self.run_dir("s", arms=["bn"], config=config(data="synthetic")))]),
                         "MLP on synthetic digits, with batch normalization")
        self.assertEqual(title([plot_losses.Run(self.run_dir("f", config=config(data="Fashion")))]),
                         "MLP on Fashion, with and without batch normalization")
        self.assertEqual(title([plot_losses.Run(self.run_dir("n"))]), "With and without batch normalization")

    def test_seeds_of_one_setting(self):
        runs = {name: plot_losses.Run(self.run_dir(name, config=made)) for name, made in {
            "a": config(1, lr=0.1, out="a"), "b": config(2, lr=0.1, out="b"), "same seed": config(1, lr=0.1),
            "other rate": config(3, lr=0.2), "other data": config(3, data="synthetic", lr=0.1), "none": None}.items()}
        self.assertTrue(plot_losses.are_seeds([runs["a"], runs["b"]]))
        for other in ("same seed", "other rate", "other data", "none"):
            self.assertFalse(plot_losses.are_seeds([runs["a"], runs[other]]), other)

    def test_seeds_are_told_by_what_is_learned(self):
        made = config("1", lr="1e-3", momentum="none", out="a", overwrite="false", threads="0")
        made["options"]["data"] = "/a"
        made["data"].update(crc32="123e4567", source="/a", description="files of /a")
        other = config(2, lr=0.001, momentum="none", out="b", overwrite=True, threads=2, jobs=2)
        other["options"]["data"] = "b"
        other["data"].update(crc32="123e4567", source="b", description="files of b")
        runs = [plot_losses.Run(self.run_dir("a", config=made)), plot_losses.Run(self.run_dir("b", config=other))]
        self.assertTrue(plot_losses.are_seeds(runs))
        for place, name, value in (("options", "lr", 0.002), ("options", "momentum", 0.1), ("data", "crc32", "0"),
                                   ("model", "name", "cnn"), ("options", "seed", 1.0)):
            changed = json.loads(json.dumps(other))
            changed[place][name] = value
            run = plot_losses.Run(self.run_dir(f"{name} {value}", config=changed))
            self.assertFalse(plot_losses.are_seeds([runs[0], run]), name)

    def test_values_of_options(self):
        for values in (("1e-3", 0.001, "0.001"), ("true", True), ("10", 10, 10.0), ("none", "none")):
            self.assertEqual(len({json.dumps(run_logs.canonical(value)) for value in values}), 1, values)
        self.assertNotEqual(json.dumps(run_logs.canonical(True)), json.dumps(run_logs.canonical(1)))

    def test_labels(self):
        def labels(*options):
            self.count = getattr(self, "count", 0) + 1
            return plot_losses.run_labels([
                plot_losses.Run(self.run_dir(f"{self.count}/r{index}", config=config(out=f"r{index}", **one)))
                for index, one in enumerate(options)])

        self.assertEqual(labels({"lr": "1e-3", "epochs": 5}, {"lr": 0.1, "epochs": 5}), ["lr 0.001", "lr 0.1"])
        self.assertEqual(labels({"drop-last": "true", "init": "he"}, {"drop-last": False, "init": "lecun"}),
                         ["drop-last, init he", "no drop-last, init lecun"])
        self.assertEqual(labels({"init": "x" * 40}, {"init": "y"}), ["r0", "r1"])  # too long
        self.assertEqual(labels({}, {}), ["r0", "r1"])
        runs = [plot_losses.Run(self.run_dir(f"{folder}/same")) for folder in "ab"]
        self.assertEqual(plot_losses.run_labels(runs), [f"{self.folder}/a/same", f"{self.folder}/b/same"])

    def test_mean_and_deviation_over_common_epochs(self):
        epochs, means, deviations = plot_losses.mean_curve([{1: 1.0, 2: 5.0, 3: 9.0}, {1: 3.0, 2: 5.0}])
        self.assertEqual((epochs, means), ([1, 2], [2.0, 5.0]))
        self.assertAlmostEqual(deviations[0], math.sqrt(2))  # of a sample: divided by n - 1
        self.assertEqual(deviations[1], 0)


class MessagesTest(PlotTest):
    def test_no_run(self):
        nowhere = self.folder / "nowhere"
        result = self.expect(1, f"error: {nowhere}: expected the directory of a run", nowhere)
        self.assertEqual(result.stderr.count("\n"), 1)
        self.expect(1, "expected epochs.csv (of keel-train), or epochs.csv in no_bn, bn, layer, group, instance, rms, "
                       "renorm, weight, bln, full (of keel-mnist-bn), found none of them", self.folder)

    def test_one_of_a_runs_models(self):
        run = self.run_dir()
        self.expect(1, f"error: {run}/bn: expected the directory of a run, found that of one of its models; the run is "
                       f"{run.resolve()}\n", run / "bn")
        arm = self.train_dir("copied", config={**config(), "program": "keel-mnist-bn"})
        self.expect(1, "found that of one of its models", arm)

    def test_a_run_given_twice(self):
        run = self.run_dir()
        self.expect(2, f"error: {run}/bn/..: expected every run once, found it twice", run, run / "bn" / "..")

    def test_seeds_without_a_common_epoch(self):
        runs = [self.run_dir(f"s{seed}", config=config(seed), rows=[ROWS[seed]]) for seed in (1, 2)]
        self.expect(1, f"{runs[0]}: expected an epoch that all seeds have, found none", *runs)

    def test_no_epoch_yet(self):
        self.expect(1, "expected epochs from 1 on, found none yet", self.run_dir(rows=ROWS[:1]))

    def test_bad_config(self):
        run = self.run_dir()
        (run / "bn" / "config.json").write_text("{")
        self.expect(1, f"{run / 'bn' / 'config.json'}: expected JSON", run)

    def test_wrong_usage(self):
        self.expect(2, "required: DIR")
        self.expect(2, "--colour", self.folder, "--colour")

    def test_help(self):
        result = self.plot("--help")
        self.assertEqual(result.returncode, 0)
        self.assertIn("one standard deviation", result.stdout)

    def test_matplotlib_is_missing_everywhere(self):
        with mock.patch.dict(sys.modules, matplotlib=None), \
             mock.patch.object(plotting, "has_matplotlib", return_value=False), \
             self.assertRaises(PlotError) as caught:
            plotting.require_matplotlib()
        self.assertIn("python3-matplotlib", str(caught.exception))

    def test_starts_over_in_a_python_that_has_matplotlib(self):
        command = ["scripts/called.py", "--option"]
        with mock.patch.object(sys, "argv", command), \
             mock.patch.dict(sys.modules, matplotlib=None), mock.patch.dict(os.environ, KEEL_PYTHON="/a/python"), \
             mock.patch.object(plotting, "has_matplotlib", side_effect=lambda python: python == "/usr/bin/python3"), \
             mock.patch.object(os, "execvp", side_effect=SystemExit) as execvp, self.assertRaises(SystemExit):
            plotting.require_matplotlib()
        python, arguments = execvp.call_args.args
        self.assertEqual((python, arguments), ("/usr/bin/python3", ["/usr/bin/python3", *command]))


@unittest.skipUnless(HAVE_MATPLOTLIB, "no Python here has matplotlib")
class DrawingTest(PlotTest):
    def test_the_articles_figure(self):
        run = self.run_dir(config=config())
        result = self.plot(run)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(result.stdout, f"wrote {run}/losses.png\nwrote {run}/losses.svg\n")
        self.assertEqual(self.drawn(run / "losses"), [
            "no_bn-train_loss", "no_bn-val_loss", "bn-train_loss", "bn-val_loss",
            "no_bn-train_accuracy", "no_bn-val_accuracy", "bn-train_accuracy", "bn-val_accuracy"])
        for gid, color, dashed in (("no_bn-train_loss", "#0077bb", True), ("no_bn-val_loss", "#0077bb", False),
                                   ("bn-train_loss", "#cc3311", True), ("bn-val_loss", "#cc3311", False)):
            self.assertIn(f"stroke: {color}", self.style(gid))
            self.assertEqual("stroke-dasharray" in self.style(gid), dashed, gid)
        for text in ("MLP on MNIST, with and without batch normalization", "epoch", "cross-entropy loss",
                     "no BN, training", "BN, validation"):
            self.assertIn(f">{text}<", self.svg)
        self.assertEqual(sorted(path.name for path in run.iterdir()), ["bn", "losses.png", "losses.svg", "no_bn"])

    def test_epoch_0_only_when_asked_for(self):
        run = self.run_dir()
        points = []
        for first in ("1", "0"):
            self.assertEqual(self.plot(run, "--from-epoch", first).returncode, 0)
            self.drawn(run / "losses")
            path = re.search(r'id="bn-val_loss">\s*<path d="([^"]*)"', self.svg).group(1)
            points.append(len(re.findall("[ML]", path)))
        self.assertEqual(points, [2, 3])

    def test_lone_arm_of_one_epoch_on_a_log_axis(self):
        run = self.run_dir(arms=["bn"], rows=ROWS[:2])
        self.assertEqual(self.plot(run, "--log").returncode, 0)
        self.assertEqual(len(self.drawn(run / "losses")), 4)
        self.assertNotIn("no BN", self.svg)

    def test_seeds_have_bands(self):
        runs = [self.run_dir(f"seed{seed}", config=config(seed)) for seed in (1, 2)]
        self.assertEqual(self.plot(*runs).returncode, 0)
        drawn = self.drawn(self.folder / "losses")
        self.assertEqual(sum(gid.endswith("-band") for gid in drawn), 8)
        self.assertIn("(2 seeds, mean ± 1 sd)", self.svg)

    def test_a_seed_that_ended_early_does_not_shift_the_mean(self):
        runs = [self.run_dir("whole", config=config(1)), self.run_dir("early", config=config(2), rows=ROWS[:2])]
        result = self.plot(*runs)
        self.assertEqual(result.stderr, "".join(f"warning: {arm}: the mean leaves out epoch 2, not all in {runs[1]}\n"
                                                for arm in ("no BN", "BN")))
        self.drawn(self.folder / "losses")
        path = re.search(r'id="bn-val_loss">(.*?)</g>\s*<g id', self.svg, re.DOTALL).group(1)
        self.assertEqual(path.count("<use"), 1)  # one epoch, a point

    def test_other_runs_are_drawn_one_by_one(self):
        rates = (1, 0.2, "3e-3", 4, 5)
        runs = [self.run_dir(f"r{rate}", config=config(lr=rate)) for rate in rates]
        result = self.plot(*runs, "--out", self.folder / "rates")
        self.assertEqual(result.stdout, f"wrote {self.folder}/rates.png\nwrote {self.folder}/rates.svg\n")
        drawn = self.drawn(self.folder / "rates")
        self.assertEqual(sorted(drawn), sorted(f"{arm}-{part}_{quantity}-run{index}" for arm in ("no_bn", "bn")
                                               for part in ("train", "val") for quantity in ("loss", "accuracy")
                                               for index in range(5)))  # neither means nor bands
        self.assertIn("(5 runs)", self.svg)
        for text in ("no BN", "BN", "training", "validation", "lr 1", "lr 0.2", "lr 0.003", "lr 4", "lr 5"):
            self.assertEqual(self.svg.count(f">{text}<"), 1, text)
        shades = [re.search("stroke: (#[0-9a-f]{6})", self.style(f"bn-val_loss-run{index}")).group(1)
                  for index in range(5)]
        self.assertEqual((shades[0], len(set(shades))), ("#cc3311", 5))
        markers = set(re.findall(r'id="bn-val_loss-run\d">.*?<path id="[^"]+" d="([^"]+)"', self.svg, re.DOTALL))
        self.assertEqual(len(markers), 5)

    def test_other_norms_have_colours_markers_and_one_legend(self):
        arms = list(run_logs.ARMS)
        run = self.run_dir(arms=arms, config=config(norm="none,batch,layer"))
        self.assertEqual(self.plot(run).returncode, 0)
        drawn = self.drawn(run / "losses")
        self.assertEqual(sorted(drawn), sorted(f"{arm}-{part}_{quantity}" for arm in arms for part in ("train", "val")
                                               for quantity in ("loss", "accuracy")))
        colors = {arm: re.search("stroke: (#[0-9a-f]{6})", self.style(f"{arm}-val_loss")).group(1) for arm in arms}
        self.assertEqual((colors["no_bn"], colors["bn"]), ("#0077bb", "#cc3311"))
        self.assertEqual(len(set(colors.values())), 10)
        markers = set(re.findall(r'id="\w+-val_loss">.*?<path id="[^"]+" d="([^"]+)"', self.svg, re.DOTALL))
        self.assertEqual(len(markers), 10)
        for text in ("no norm", "BatchNorm", "LayerNorm", "FullNorm", "training", "validation"):
            self.assertEqual(self.svg.count(f">{text}<"), 1, text)
        self.assertIn("MLP on MNIST, without normalization and with 9 kinds of normalization", self.svg)

    def test_two_norms_beside_the_usual_ones(self):
        run = self.run_dir(arms=("no_bn", "layer"), config=config())
        self.plot(run)
        self.drawn(run / "losses")
        for text in ("MLP on MNIST, without normalization and with LayerNorm", "no norm, training",
                     "LayerNorm, validation"):
            self.assertIn(f">{text}<", self.svg)
        self.plot(run, self.run_dir("faster", arms=("no_bn", "layer", "rms"), config=config(lr=1)))
        self.assertEqual(len(self.drawn(self.folder / "losses")), 20)
        for text in ("no norm", "LayerNorm", "RMSNorm", "faster"):
            self.assertEqual(self.svg.count(f">{text}<"), 1, text)

    def test_diverged_model(self):
        run = self.run_dir(config=config())
        (run / "no_bn/epochs.csv").write_text(HEADER + ROWS[0])
        (run / "summary.json").write_text(json.dumps({"arms": {"no_bn": {"diverged": "loss is nan"}, "bn": {}}}))
        self.assertEqual(self.plot(run).returncode, 0)
        self.assertEqual(sorted(self.drawn(run / "losses")), [
            "bn-train_accuracy", "bn-train_loss", "bn-val_accuracy", "bn-val_loss", "no_bn-diverged_accuracy-run0",
            "no_bn-diverged_loss-run0"])
        self.assertIn(">no BN diverged<", self.svg)
        (run / "no_bn/epochs.csv").write_text(HEADER + "".join(ROWS[:2]))
        self.plot(run)
        self.drawn(run / "losses")
        for text in ("no BN, training", "no BN diverged", "BN, training"):
            self.assertIn(f">{text}<", self.svg)
        self.plot(run, self.run_dir("faster", config=config(lr=1)))
        self.drawn(self.folder / "losses")
        self.assertIn(">run (no BN diverged)<", self.svg)

    def test_the_epoch_in_which_a_model_diverged(self):
        run = self.run_dir(config=config())
        message = "loss is nan at step 1700 (epoch 2, batch 200 of 1500)"
        (run / "no_bn/epochs.csv").write_text(HEADER + "".join(ROWS[:2]))
        (run / "summary.json").write_text(json.dumps({"arms": {"no_bn": {"diverged": message}, "bn": {}}}))
        self.plot(run)
        self.drawn(run / "losses")
        self.assertIn(">no BN diverged at epoch 2<", self.svg)
        cross = re.search(r'id="no_bn-diverged_loss-run0">.*?<use [^>]*x="([\d.]+)"', self.svg, re.DOTALL).group(1)
        end = re.search(r'id="bn-val_loss">\s*<path d="[^"]*L ([\d.]+) [\d.]+ \n?"', self.svg).group(1)
        self.assertEqual(cross, end)
        (run / "summary.json").unlink()
        (run / "no_bn/epochs.csv").write_text(HEADER + ROWS[0] + "1,1500,nan,0.1,inf,0.1,0.001,1\n")
        self.assertEqual(run_logs.Run(run).diverged, {"no_bn": 1})

    def test_some_arms(self):
        arms = ("no_bn", "bn", "rms")
        run = self.run_dir(arms=arms, config=config())
        self.assertEqual(self.plot(run, "--arm", "rms,none").returncode, 0)
        self.assertEqual({gid.split("-")[0] for gid in self.drawn(run / "losses")}, {"no_bn", "rms"})
        self.expect(1, "error: --arm: expected one of none, batch, rms, found rsm; near: rms\n", run, "--arm", "rsm")
        self.expect(1, "error: --arm: expected one of none, batch, rms, found nothing\n", run, "--arm", ",")
        other = self.run_dir("other", arms=("bn",), config=config(lr=2))
        self.expect(1, f"error: --arm: expected a model of every run, found none of rms in {other}\n", run, other,
                    "--arm", "rms")

    def test_same_data_same_bytes(self):
        run = self.run_dir()
        self.plot(run, "--out", self.folder / "a")
        self.plot(run, "--out", self.folder / "b")
        self.assertEqual((self.folder / "a.svg").read_bytes(), (self.folder / "b.svg").read_bytes())

    def test_cannot_write(self):
        result = self.plot(self.run_dir(), "--out", self.folder / "nowhere" / "losses")
        self.assertEqual(result.returncode, 1)
        self.assertIn("losses.png: cannot be written: No such file or directory", result.stderr)


if __name__ == "__main__":
    unittest.main(buffer=True)

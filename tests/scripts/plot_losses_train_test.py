"""scripts/plot_losses.py on runs of keel-train, which have one model, alone and beside those of keel-mnist-bn."""

import json
import re
import sys
import unittest

sys.dont_write_bytecode = True

from plot_support import HAVE_MATPLOTLIB, ROWS, PlotTest, config, train_config

import plot_losses
import run_logs


class ReadingTest(PlotTest):
    def test_titles_of_runs_of_one_model(self):
        def title(*configs):
            self.count = getattr(self, "count", 0) + 1
            return plot_losses.figure_title([
                plot_losses.Run(self.train_dir(f"{self.count}/{index}", config=made))
                for index, made in enumerate(configs)])

        for model, named in (("lenet5", "LeNet-5"), ("vgg-small", "VGG-small"), ("resnet20", "ResNet-20")):
            self.assertEqual(title(train_config(model=model)), f"{named} on MNIST")
        self.assertEqual(title(train_config(model="models/small.json", name="")), "small on MNIST")
        self.assertEqual(title(None), "Training")
        synthetic = {**train_config(), "data": {"name": "synthetic"}}
        self.assertEqual(title(train_config(), train_config(model="mlp"), train_config(model="cnn"), synthetic),
                         "LeNet-5, MLP and CNN on MNIST; LeNet-5 on synthetic digits (4 runs)")
        self.assertEqual(title(train_config(1), train_config(2)), "LeNet-5 on MNIST (2 seeds, mean ± 1 sd)")
        many = [{**train_config(), "data": {"name": f"{letter * 20}"}} for letter in "abcde"]
        self.assertLessEqual(max(map(len, title(*many).splitlines())), 90)

    def test_seeds_of_keel_train(self):
        runs = [plot_losses.Run(self.train_dir(name, config=made)) for name, made in (
            ("a", train_config(1, **{"checkpoint-every": 1, "recalibrate-bn": 0, "lr": "1e-3"})),
            ("b", train_config(2, resume="b", config="a/config.json",
                               **{"checkpoint-every": "50steps", "recalibrate-bn": 10, "lr": 0.001})))]
        self.assertTrue(plot_losses.are_seeds(runs))
        for name, made in (("batch-norm", train_config(2, lr=0.001, **{"batch-norm": "on"})),
                           ("model", train_config(2, model="mlp", lr=0.001)),
                           ("epochs", train_config(2, lr=0.001, epochs=7))):
            other = plot_losses.Run(self.train_dir(name, config=made))
            self.assertFalse(plot_losses.are_seeds([runs[0], other]), name)

    def test_a_file_with_a_model_counts_by_what_is_in_it(self):
        runs = [plot_losses.Run(self.train_dir(f"r{index}", config=train_config(index, path, "", units)))
                for index, (path, units) in enumerate((("a/m.json", 32), ("b/m.json", 32), ("a/m.json", 64)))]
        self.assertTrue(plot_losses.are_seeds(runs[:2]))
        self.assertFalse(plot_losses.are_seeds(runs[1:]))

    def test_best_epoch(self):
        def best(*losses):
            rows = [f"{epoch},1,1,0.5,{loss},0.5,0.1,1\n" for epoch, loss in enumerate(losses)]
            self.count = getattr(self, "count", 0) + 1
            return plot_losses.Run(self.train_dir(str(self.count), rows)).best_epoch

        self.assertEqual(best(0.1, 3, 2, 2, 4), 2)  # the first of equal ones, but not the untrained model
        self.assertEqual(best(1, "nan", 5), 2)
        self.assertIsNone(best(1, "nan"))
        self.assertIsNone(plot_losses.Run(self.run_dir()).best_epoch)

    def test_labels_of_keel_train(self):
        def labels(*runs):
            return plot_losses.run_labels([plot_losses.Run(run) for run in runs])

        runs = [self.train_dir(f"t{index}", config=made) for index, made in enumerate((
            train_config(model="lenet5"), train_config(model="/a/long/path/that/leads/to/the/small.json", name="")))]
        self.assertEqual(labels(*runs), ["model lenet5", "model small.json"])
        pair = self.run_dir(config={**config(model="mlp"), "program": "keel-mnist-bn"})
        self.assertEqual(labels(*runs, pair), ["t0", "t1", "run"])  # two programs: options are not compared

    def test_runs_of_keel_train_are_no_arms(self):
        self.train_dir("bn", config=train_config())
        self.expect(1, f"error: {self.folder}: expected epochs.csv (of keel-train)", self.folder)


@unittest.skipUnless(HAVE_MATPLOTLIB, "no Python here has matplotlib")
class DrawingTest(PlotTest):
    def test_one_run_of_keel_train(self):
        run = self.train_dir("bn", config=train_config())  # whatever its directory is called
        result = self.plot(run)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(self.drawn(run / "losses"), [
            "model-train_loss", "model-val_loss", "model-best_loss",
            "model-train_accuracy", "model-val_accuracy", "model-best_accuracy"])
        for gid, dashed in (("model-train_loss", True), ("model-val_loss", False)):
            self.assertIn("stroke: #4b3fb5", self.style(gid))
            self.assertEqual("stroke-dasharray" in self.style(gid), dashed, gid)
        for text in ("LeNet-5 on MNIST", "training", "validation", "lowest validation loss, epoch 2"):
            self.assertEqual(self.svg.count(f">{text}<"), 1, text)
        end = re.search(r'id="model-val_loss">\s*<path d="[^"]*L ([\d.]+) ([\d.]+) \n?"', self.svg).groups()
        mark = re.search(r'id="model-best_loss">.*?<use [^>]*x="([\d.]+)" y="([\d.]+)"', self.svg, re.DOTALL).groups()
        self.assertEqual(mark, end)  # of two epochs the second is the best one

    def test_a_norm_has_the_colour_that_it_has_as_an_arm(self):
        runs = [self.train_dir(f"train-{norm}", config=train_config(norm=norm)) for norm in ("batch", "layer")]
        self.plot(*runs)
        self.drawn(self.folder / "losses")
        for index, arm in enumerate(("bn", "layer")):
            self.assertIn(f"stroke: {run_logs.ARMS[arm][1]}", self.style(f"model-val_loss-run{index}"))
        self.plot(runs[1])
        self.drawn(runs[1] / "losses")
        self.assertIn(f"stroke: {run_logs.ARMS['layer'][1]}", self.style("model-val_loss"))

    def test_a_run_that_diverged(self):
        run = self.train_dir(rows=ROWS[:1], config=train_config())
        (run / "summary.json").write_text(json.dumps({"diverged": "loss is nan at step 4 (epoch 1, batch 4 of 75)"}))
        self.expect(1, f"error: {run}: expected epochs from 1 on, found none: diverged at epoch 1; --from-epoch 0 "
                       "shows the untrained model\n", run)
        self.assertEqual(self.plot(run, "--from-epoch", "0").returncode, 0)
        self.assertIn("model-diverged_loss-run0", self.drawn(run / "losses"))
        self.assertIn(">diverged at epoch 1<", self.svg)

    def test_a_best_epoch_that_is_not_shown_is_not_marked(self):
        run = self.train_dir(rows=[ROWS[2].replace("2,", "1,", 1), ROWS[1].replace("1,", "2,", 1)])
        for first, marks in (("1", 2), ("2", 0)):
            self.assertEqual(self.plot(run, "--from-epoch", first).returncode, 0)
            self.assertEqual(sum("best" in gid for gid in self.drawn(run / "losses")), marks)

    def test_seeds_of_keel_train_have_bands_and_no_best_epoch(self):
        runs = [self.train_dir("a", config=train_config(1)), self.train_dir("b", config=train_config(2), rows=ROWS[:2])]
        result = self.plot(*runs)
        self.assertEqual(result.stderr, f"warning: the mean leaves out epoch 2, not all in {runs[1]}\n")
        self.assertCountEqual(self.drawn(self.folder / "losses"), [
            f"model-{part}_{quantity}{band}" for quantity in ("loss", "accuracy") for part in ("train", "val")
            for band in ("-band", "")])

    def test_runs_of_both_programs(self):
        runs = [self.train_dir("lenet", config=train_config()), self.train_dir("mlp", config=train_config(model="mlp")),
                self.run_dir("pair", config={**config(), "program": "keel-mnist-bn"})]
        self.assertEqual(self.plot(*runs).returncode, 0)
        drawn = self.drawn(self.folder / "losses")
        self.assertEqual(sorted(drawn), sorted(
            f"{arm}-{part}_{quantity}-run{index}" for part in ("train", "val") for quantity in ("loss", "accuracy")
            for arm, index in (("model", 0), ("model", 1), ("no_bn", 2), ("bn", 2))))
        for gid, color in (("model-val_loss-run0", "#4b3fb5"), ("model-val_loss-run1", "#b85c00"),
                           ("no_bn-val_loss-run2", "#0077bb"), ("bn-val_loss-run2", "#cc3311")):
            self.assertIn(f"stroke: {color}", self.style(gid))
        for text in ("LeNet-5 and MLP on MNIST (3 runs)", "no BN", "BN", "lenet", "mlp", "pair"):
            self.assertEqual(self.svg.count(f">{text}<"), 1, text)
        self.plot(*runs[:2])
        self.drawn(self.folder / "losses")
        self.assertNotIn(">BN<", self.svg)


if __name__ == "__main__":
    unittest.main(buffer=True)

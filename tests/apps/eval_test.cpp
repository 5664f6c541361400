// keel-eval: the figures of a trained model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/trained_support.h"

namespace keel::apps::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class Eval : public TrainedRun {
 protected:
  static nlohmann::json figures(Arguments arguments) {
    arguments.insert(arguments.end(), {"--json", path("eval.json"), "--threads", "1"});
    const Outcome outcome = run_program("keel-eval", arguments);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
    return json_in(path("eval.json"));
  }
  // One image a class in a folder, of the given size.
  static fs::path write_folder(const std::string& name, const std::vector<std::string>& classes,
                               Index channels, Index size, int images = 1) {
    int fill = 0;
    for (const std::string& label : classes) {
      fs::create_directories(path(name) / label);
      fill = (fill + 60) % 200;
      for (int i = 0; i < images; ++i) {
        data::write_png(path(name) / label / fmt::format("{}.png", i),
                        Tensor::full({size, size, channels}, fill + i, DType::uint8));
      }
    }
    return path(name);
  }
};

TEST_F(Eval, AgreesWithTheRunOnItsOwnParts) {
  const auto evaluations = json_in(run() / "summary.json").at("evaluations");
  const auto last = (run() / "checkpoints" / "last.safetensors").string();
  for (const auto& [checkpoint, evaluation] :
       {std::pair(run().string(), evaluations[1]), std::pair(best().string(), evaluations[1]),
        std::pair(last, evaluations[0])}) {
    const auto test = figures({checkpoint, "--data", data()});
    EXPECT_NEAR(test.at("loss").get<double>(), evaluation.at("test_loss").get<double>(), 1e-6);
    EXPECT_EQ(test.at("accuracy"), evaluation.at("test_accuracy"));
    EXPECT_EQ(test.at("examples"), kDigitsToTest);
    // A quarter of the training set, as the run held out, and not the default of a fifth.
    const auto validation = figures({checkpoint, "--data", data(), "--part", "validation"});
    EXPECT_NEAR(validation.at("loss").get<double>(), evaluation.at("val_loss").get<double>(), 1e-6);
    EXPECT_EQ(validation.at("examples"), kDigitsToTrain / 4);
  }
  EXPECT_EQ(figures({run(), "--data", data(), "--part", "train"}).at("examples"), kDigitsToTrain * 3 / 4);
}

TEST_F(Eval, CountsWhatIsTakenForWhat) {
  const auto record = figures({run(), "--data", data(), "--batch-size", "7"});
  Index all = 0, right = 0;
  for (std::size_t k = 0; k < 10; ++k) {
    const auto& row = record.at("confusion")[k];
    Index support = 0, predicted = 0;
    for (std::size_t other = 0; other < 10; ++other) {
      support += row[other].get<Index>();
      predicted += record.at("confusion")[other][k].get<Index>();
    }
    all += support;
    right += row[k].get<Index>();
    const auto& figures_of_class = record.at("classes")[k];
    EXPECT_EQ(figures_of_class.at("name"), std::to_string(k));
    EXPECT_EQ(figures_of_class.at("examples"), support);
    EXPECT_DOUBLE_EQ(figures_of_class.at("recall").get<double>(),
                     row[k].get<double>() / static_cast<double>(support));
    if (predicted > 0) {
      EXPECT_DOUBLE_EQ(figures_of_class.at("precision").get<double>(),
                       row[k].get<double>() / static_cast<double>(predicted));
    }
  }
  EXPECT_EQ(all, kDigitsToTest);
  EXPECT_DOUBLE_EQ(record.at("accuracy").get<double>(), static_cast<double>(right) / kDigitsToTest);
}

TEST_F(Eval, PrintsATableWithinAHundredColumns) {
  const Outcome outcome = run_program("keel-eval", {run(), "--data", data()});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, StartsWith(best().string() + ": mlp, "));
  EXPECT_THAT(outcome.out, HasSubstr("test set of data: 80 examples\n"));
  EXPECT_THAT(outcome.out, HasSubstr("confusion matrix"));
  const std::vector<std::string> lines = lines_of(outcome.out);
  for (std::size_t i = 1; i < lines.size(); ++i) EXPECT_LE(lines[i].size(), 100U) << lines[i];
}

TEST_F(Eval, FoldsBatchNorm) {
  const auto plain = figures({run(), "--data", data()});
  const auto folded = figures({run(), "--data", data(), "--fold-bn"});
  EXPECT_NEAR(folded.at("loss").get<double>(), plain.at("loss").get<double>(), 1e-5);
  EXPECT_EQ(folded.at("accuracy"), plain.at("accuracy"));
  EXPECT_EQ(folded.at("fold_bn"), true);
  EXPECT_THAT(run_program("keel-eval", {run(), "--data", data(), "--fold-bn"}).out,
              HasSubstr("norms folded (1 layer)"));
}

TEST_F(Eval, FoldsWhatIsBatchNormInEvaluation) {
  for (const std::string norm : {"renorm", "full"}) {
    ASSERT_EQ(
        run_program("keel-train", {"--data", data(), "--out", path(norm), "--epochs", "1", "--norm", norm})
            .status,
        0);
    const auto plain = figures({path(norm), "--data", data()});
    const auto folded = figures({path(norm), "--data", data(), "--fold-bn"});  // and warns of nothing
    EXPECT_NEAR(folded.at("loss").get<double>(), plain.at("loss").get<double>(), 1e-5) << norm;
    EXPECT_EQ(folded.at("confusion"), plain.at("confusion")) << norm;
    EXPECT_THAT(run_program("keel-eval", {path(norm), "--data", data(), "--fold-bn"}).out,
                HasSubstr("norms folded (1 layer)"));
  }
}

TEST_F(Eval, NamesTheNormsThatItCannotFold) {
  const std::map<std::string, std::string> layers = {
      {"layer", "layer 3 (layer_norm); a layer_norm takes its statistics from each example"},
      {"weight", "layer 1 (weight_norm); a weight_norm normalises weights and has no statistics"}};
  for (const auto& [norm, layer] : layers) {
    ASSERT_EQ(
        run_program("keel-train", {"--data", data(), "--out", path(norm), "--epochs", "1", "--norm", norm})
            .status,
        0);
    const Outcome plain = run_program("keel-eval", {path(norm), "--data", data()});
    const Outcome folded = run_program("keel-eval", {path(norm), "--data", data(), "--fold-bn"});
    EXPECT_EQ(folded.err,
              "warning: --fold-bn folds BatchNorm, BatchRenorm and FullNorm only, and leaves as "
              "it was: " +
                  layer + "\n");
    EXPECT_EQ(folded.out, plain.out);
    EXPECT_EQ(folded.status, 0);
  }
  ASSERT_EQ(run_program("keel-train", {"--data", data(), "--out", path("none"), "--epochs", "1"}).status, 0);
  EXPECT_EQ(run_program("keel-eval", {path("none"), "--data", data(), "--fold-bn"}).err,
            "warning: --fold-bn: expected a model with BatchNorm, BatchRenorm or FullNorm, found one "
            "without norms, or with norms inside of recurrent layers only\n");
}

TEST_F(Eval, TakesImageFoldersWithTheClassesOfTheRun) {
  const fs::path folder = write_folder("pictures", {"car", "dog", "emu"}, 3, 8, 5);
  const Outcome trained =
      run_program("keel-train", {"--data", folder, "--out", path("pictures_run"), "--epochs", "1",
                                 "--batch-size", "2", "--resize", "6x6", "--threads", "1"});
  ASSERT_EQ(trained.status, 0) << trained.err;
  EXPECT_EQ(figures({path("pictures_run"), "--data", folder}).at("examples"), 3);
  const auto all = figures({path("pictures_run"), "--data", folder, "--part", "all"});
  EXPECT_EQ(all.at("examples"), 15);
  EXPECT_EQ(all.at("classes")[1].at("name"), "dog");
  // A folder without one of the classes, of another size and in gray.
  const fs::path some = write_folder("some", {"dog"}, 1, 11);
  const auto dogs = figures({path("pictures_run"), "--data", some, "--part", "all"});
  EXPECT_EQ(dogs.at("examples"), 1);
  EXPECT_EQ(dogs.at("classes")[1].at("examples"), 1);
  EXPECT_EQ(dogs.at("classes")[0].at("recall"), nullptr);

  const fs::path cats = write_folder("cats", {"car", "cat", "emu"}, 3, 6, 5);
  const std::string model = (path("pictures_run") / "checkpoints" / "best.safetensors").string();
  expect_refused("keel-eval", {path("pictures_run"), "--data", cats}, 1,
                 fmt::format("--data {}: the classes car, dog, emu of {} expected, found car, cat, emu",
                             cats.string(), model));
  expect_refused("keel-eval", {run(), "--data", folder, "--resize", "28x28"}, 1,
                 fmt::format("--data {}: examples [28,28,1] as {} was trained on expected, found [28,28,3]",
                             folder.string(), best().string()));
}

TEST_F(Eval, TakesTheDataOfTheRunUnlessToldOtherwise) {
  const auto figures_of_run = figures({run()});
  EXPECT_EQ(figures_of_run.at("examples"), kDigitsToTest);
  EXPECT_EQ(figures_of_run.at("data").at("source"), data().string());
  EXPECT_EQ(figures_of_run.at("data").at("as_in_run"), true);
  EXPECT_EQ(figures({run(), "--part", "validation"}).at("data").at("as_in_run"), true);
  // Without config.json, what the checkpoint knows.
  const fs::path moved = path("moved.safetensors");
  fs::copy_file(best(), moved);
  EXPECT_EQ(figures({moved, "--data", data(), "--part", "train"}).at("data").at("as_in_run"), true);
  EXPECT_EQ(figures({moved, "--data", data()}).at("data").at("as_in_run"), nullptr);

  const auto warned = [&](const Arguments& arguments, const fs::path& source, const std::string& part) {
    const Outcome outcome = run_program("keel-eval", arguments);
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.err, fmt::format("warning: --data {}: not the {} set of the run of {}\n",
                                       source.string(), part, arguments[0]));
  };
  const fs::path other = path("other");
  fs::create_directories(other);
  write_digits(other, "train", *data::synthetic_digits({.count = 20}));
  write_digits(other, "t10k", *data::synthetic_digits({.count = 30, .part = data::SyntheticPart::test}));
  warned({best(), "--data", other}, other, "test");
  warned({best(), "--data", data(), "--part", "validation", "--validation-split", "0.5"}, data(),
         "validation");
  warned({moved, "--data", other, "--part", "validation"}, other, "validation");
}

TEST_F(Eval, CutsOtherDataOnlyWhereTheyCanBe) {
  const fs::path folder = write_folder("ten", {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}, 1, 8, 10);
  ASSERT_EQ(run_program("keel-train", {"--data", folder, "--out", path("ten_run"), "--epochs", "1",
                                       "--resize", "28x28", "--train-limit", "75", "--threads", "1"})
                .status,
            0);
  const fs::path few = path("few");
  fs::create_directories(few);
  write_digits(few, "train", *data::synthetic_digits({.count = 20}));
  write_digits(few, "t10k", *data::synthetic_digits({.count = 30, .part = data::SyntheticPart::test}));
  const Outcome outcome = run_program("keel-eval", {path("ten_run"), "--data", few});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("test set of few: 30 examples"));
  expect_refused("keel-eval", {path("ten_run"), "--data", few, "--resize", "28x28"}, 2,
                 "--resize: expected with image folders only, found --data " + few.string());
}

TEST_F(Eval, DoesWithoutARecordThatIsDamaged) {
  fs::copy(run(), path("damaged"), fs::copy_options::recursive);
  keel::testing::write_text(path("damaged") / "config.json", "{");
  const Outcome outcome = run_program("keel-eval", {path("damaged"), "--data", data()});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.err, StartsWith("warning: " + (path("damaged") / "config.json").string() + ": "));
}

TEST_F(Eval, SaysWhatIsWrongWithItsArguments) {
  expect_refused("keel-eval", {}, 2, "CHECKPOINT expected: keel-eval CHECKPOINT");
  const std::string nowhere = path("nowhere").string();
  expect_refused("keel-eval", {nowhere}, 1, nowhere + ": cannot open: No such file or directory");
  expect_refused("keel-eval", {data()}, 1,
                 data().string() + ": a run with checkpoints/best.safetensors expected, found no such file");
  fs::create_directories(path("runs") / "b" / "checkpoints");
  expect_refused("keel-eval", {path("runs")}, 1,
                 fmt::format("{}: a run with checkpoints/best.safetensors expected, found runs below it: {}",
                             path("runs").string(), (path("runs") / "b").string()));
  expect_refused("keel-eval", {run(), "--data", data(), "--part", "all"}, 2,
                 "--part all: expected a folder of classes as --data, found '" + data().string() + "'");
  expect_refused("keel-eval", {run(), "--part", "tset"}, 2,
                 "--part: expected one of test, validation, train, all, found 'tset'");
  expect_refused(
      "keel-eval", {run(), "--data", nowhere}, 1,
      nowhere + ": no such directory; get MNIST by scripts/fetch_mnist.sh, or use --data synthetic");
}

}  // namespace
}  // namespace keel::apps::testing

// keel-train: what it trains, how, and what it leaves behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/train_support.h"

namespace keel::apps::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST_F(Train, LeavesARunBehind) {
  const Outcome outcome = train_to("a", {"--epochs", "2", "--batch-size", "8"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  std::vector<std::string> names;
  for (const auto& [name, content] : files_below(out("a"))) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"checkpoints/best.safetensors", "checkpoints/last.safetensors",
                                             "checkpoints/previous.safetensors", "config.json", "epochs.csv",
                                             "summary.json"}));
  EXPECT_THAT(outcome.out, HasSubstr("finished after 2 epochs"));
  const auto summary = json_in(out("a") / "summary.json");
  EXPECT_EQ(summary.at("steps"), 12);
  EXPECT_EQ(summary.at("evaluations").size(), 2U);
  EXPECT_EQ(summary.at("evaluations")[0].at("weights"), "last");
  EXPECT_THAT(summary.at("evaluations")[1].at("weights").get<std::string>(), StartsWith("best, epoch "));
  EXPECT_EQ(column("a", kEpoch), (std::vector<double>{0, 1, 2}));
}

// The same training as keel-mnist-bn's, option for option.
TEST_F(Train, TrainsTheModelsOfTheExperimentToTheSameBits) {
  for (const char* model : {"mlp", "cnn"}) {
    SCOPED_TRACE(model);
    const Arguments both = {"--model", model, "--epochs", "1", "--batch-size", "16", "--dropout", "0.3"};
    ASSERT_EQ(run(both).status, 0);
    Arguments arguments = both;
    arguments.insert(arguments.end(), {"--batch-norm", "on"});
    ASSERT_EQ(train_to(model, arguments).status, 0);
    const auto expected = train::read_checkpoint(out() / "bn" / "checkpoints" / "last.safetensors");
    const auto found = train::read_checkpoint(last(model));
    EXPECT_EQ(found.run.model, expected.run.model);
    ASSERT_EQ(found.model.size(), expected.model.size());
    for (std::size_t i = 0; i < found.model.size(); ++i) {
      const Tensor &a = found.model[i].tensor, &b = expected.model[i].tensor;
      EXPECT_EQ(found.model[i].name, expected.model[i].name);
      EXPECT_EQ(std::memcmp(a.bytes(), b.bytes(), a.num_bytes()), 0);
    }
    fs::remove_all(out());
  }
}

TEST_F(Train, TrainsADescribedModelAndTakesTheDescriptionFromTheRecord) {
  const fs::path file = data() / "small.json";
  keel::testing::write_text(file, R"({"layers": [{"layer": "flatten"}, {"layer": "dense", "units": 7},
    {"layer": "batch_norm"}, {"layer": "relu"}, {"layer": "dense", "units": "classes"}]})");
  ASSERT_EQ(train_to("a", {"--model", file, "--epochs", "1"}).status, 0);
  EXPECT_EQ(train::read_checkpoint(last("a")).model[0].tensor.shape(), Shape({784, 7}));
  keel::testing::write_text(file, "{}");
  const Outcome again = train_to("b", {"--config", out("a") / "config.json"});
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(results_in(out("b")), results_in(out("a")));
  expect_refused({"--model", file, "--dropout", "0.5"}, 2,
                 "--dropout: expected with a model of a name only; " + file.string() + " says it itself");
}

TEST_F(Train, GivenOptionsCountMoreThanTheRecordedOnes) {
  ASSERT_EQ(train_to("a", {"--epochs", "2", "--lr", "0.01", "--drop-last"}).status, 0);
  ASSERT_EQ(train_to("b", {"--config", out("a") / "config.json", "--epochs", "1"}).status, 0);
  const auto options = json_in(out("b") / "config.json").at("options");
  EXPECT_EQ(options.at("epochs"), 1);
  EXPECT_EQ(options.at("lr"), 0.01);
  EXPECT_EQ(options.at("drop-last"), true);
  EXPECT_FALSE(options.contains("config"));
}

TEST_F(Train, FollowsSchedules) {
  const Arguments epochs = {"--epochs",    "4",   "--batch-size", "24",
                            "--optimizer", "sgd", "--lr",         "0.5"};  // 2 steps each
  const auto rates = [&](const std::string& name, Arguments more) {
    more.insert(more.end(), epochs.begin(), epochs.end());
    const Outcome outcome = train_to(name, more);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return column(name, kRate);
  };
  EXPECT_EQ(rates("constant", {}), (std::vector<double>{0.5, 0.5, 0.5, 0.5, 0.5}));
  EXPECT_EQ(rates("step", {"--schedule", "step", "--decay-every", "2", "--decay-factor", "0.5"}),
            (std::vector<double>{0.5, 0.5, 0.5, 0.25, 0.25}));
  EXPECT_EQ(rates("steps", {"--schedule", "step", "--decay-every", "3steps", "--decay-factor", "0.5"}),
            (std::vector<double>{0.5, 0.5, 0.25, 0.25, 0.125}));
  EXPECT_EQ(rates("warmup", {"--warmup", "2"}), (std::vector<double>{0.125, 0.25, 0.5, 0.5, 0.5}));
  const std::vector<double> cosine = rates("cosine", {"--schedule", "cosine", "--final-lr", "0.1"});
  EXPECT_EQ(cosine[0], 0.5);
  EXPECT_NEAR(cosine[2], 0.1 + 0.4 * (1 + std::cos(M_PI * 3 / 8)) / 2, 1e-8);
  EXPECT_GT(cosine[4], 0.1);
}

TEST_F(Train, StopsEarly) {
  const Outcome outcome = train_to("a", {"--epochs", "9", "--early-stopping", "2", "--min-delta", "1e3"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("stopped early after 3 epochs"));
  EXPECT_EQ(column("a", kEpoch).back(), 3);
}

TEST_F(Train, ClipsGradients) {
  const Arguments sgd = {"--epochs",   "1", "--batch-size", "48", "--optimizer", "sgd",
                         "--momentum", "0", "--lr",         "1"};
  const auto moved = [&](const std::string& name, Arguments more) {
    more.insert(more.end(), sgd.begin(), sgd.end());
    EXPECT_EQ(train_to(name, more).status, 0);
    // One step: from the checkpoint before it to the one behind it.
    const auto before = train::read_checkpoint(out(name) / "checkpoints" / "previous.safetensors");
    const auto after = train::read_checkpoint(last(name));
    EXPECT_EQ(after.state.step - before.state.step, 1);
    double sum = 0, largest = 0;
    for (std::size_t i = 0; i < after.model.size(); ++i) {
      for (Index j = 0; j < after.model[i].tensor.numel(); ++j) {
        const double d = after.model[i].tensor.data<float>()[j] - before.model[i].tensor.data<float>()[j];
        sum += d * d;
        largest = std::max(largest, std::abs(d));
      }
    }
    return std::pair(std::sqrt(sum), largest);
  };
  EXPECT_GT(moved("free", {}).first, 0.02);
  EXPECT_NEAR(moved("norm", {"--clip-norm", "0.01"}).first, 0.01, 1e-6);
  EXPECT_NEAR(moved("value", {"--clip-value", "0.001"}).second, 0.001, 1e-7);
}

TEST_F(Train, GoesOnBitForBit) {
  const Arguments options = {"--epochs", "3",      "--batch-size",       "8",     "--dropout",  "0.3",
                             "--model",  "cnn",    "--batch-norm",       "on",    "--schedule", "cosine",
                             "--warmup", "4steps", "--checkpoint-every", "5steps"};
  ASSERT_EQ(train_to("straight", options).status, 0);
  ASSERT_EQ(train_to("cut", options).status, 0);
  // As if killed behind step 15.
  const fs::path checkpoints = out("cut") / "checkpoints";
  fs::rename(checkpoints / "previous.safetensors", checkpoints / "last.safetensors");
  ASSERT_EQ(train::read_checkpoint(last("cut")).state.step, 15);
  fs::remove(checkpoints / "best.safetensors");  // of the end
  fs::remove(out("cut") / "summary.json");
  const Outcome outcome = train({"--resume", out("cut")});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(results_in(out("cut")), results_in(out("straight")));
  EXPECT_EQ(json_in(out("cut") / "config.json").at("resumed")[0].at("step"), 15);

  const std::string front =
      "error: a run goes on with the options it was started with (" + (out("cut") / "config.json").string() +
      "), but for --checkpoint-every, --data, --log-distributions, --recalibrate-bn, --threads; ";
  const Outcome longer = train({"--resume", out("cut"), "--epochs", "4"});
  EXPECT_EQ(longer.status, 2);
  EXPECT_EQ(longer.err, front + "--epochs: expected 3, found 4\n");
  EXPECT_EQ(train({"--resume", out("cut"), "--model", "mlp"}).err,
            front + "--model: expected \"cnn\", found \"mlp\"\n");
  EXPECT_EQ(train({"--resume", ""}).err,
            "error: --resume: expected the directory of a run, found nothing of that name: ''\n");
  EXPECT_EQ(train({"--resume", out("cut"), "--overwrite"}).err,
            "error: --resume and --overwrite exclude each other\n");
}

TEST_F(Train, OverwritesNoRunOfAnotherProgram) {
  for (const char* file : {"study.json", "bn/config.json"}) {
    const fs::path record = out("other") / file;
    fs::create_directories(record.parent_path());
    keel::testing::write_text(record, "{}");
    const Outcome outcome = train_to("other", {"--overwrite"});
    EXPECT_EQ(outcome.status, 1);
    EXPECT_EQ(outcome.err, "error: " + out("other").string() + " holds a run of another program (" + file +
                               "): name another directory\n");
    EXPECT_FALSE(fs::exists(out("other") / "config.json"));
    fs::remove(record);
  }
}

TEST_F(Train, RecalibratesBatchNorm) {
  const Outcome outcome = train_to("a", {"--epochs", "1", "--batch-norm", "on", "--recalibrate-bn", "3"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto evaluations = json_in(out("a") / "summary.json").at("evaluations");
  ASSERT_EQ(evaluations.size(), 3U);
  EXPECT_EQ(evaluations[1].at("weights"), "last, recalibrated");
  EXPECT_NE(evaluations[1].at("test_loss"), evaluations[0].at("test_loss"));
  const auto recalibrated = train::read_checkpoint(out("a") / "checkpoints" / "recalibrated.safetensors");
  const auto trained = train::read_checkpoint(last("a"));
  for (std::size_t i = 0; i < trained.model.size(); ++i) {
    const Tensor &a = trained.model[i].tensor, &b = recalibrated.model[i].tensor;
    const bool statistic = trained.model[i].name.find("running_") != std::string::npos ||
                           trained.model[i].name.find("num_batches") != std::string::npos;
    EXPECT_EQ(std::memcmp(a.bytes(), b.bytes(), a.num_bytes()) != 0, statistic) << trained.model[i].name;
  }
  // One that was recorded with another model is for nothing.
  const Outcome without = train_to("b", {"--config", out("a") / "config.json", "--batch-norm", "off"});
  EXPECT_EQ(without.status, 0) << without.err;
  const std::string refusal =
      "--recalibrate-bn: expected with a model that has running statistics to estimate anew (those of "
      "BatchNorm, BatchRenorm or FullNorm), found one without";
  expect_refused({"--recalibrate-bn", "1"}, 2, refusal);
  keel::testing::write_text(data() / "model.json",
                            R"({"layers":[{"layer":"flatten"},{"layer":"batch_layer_norm"},)"
                            R"({"layer":"dense","units":"classes"}]})");
  expect_refused({"--recalibrate-bn", "1", "--model", (data() / "model.json").string()}, 2,
                 refusal + "; left alone would be layer 1 (batch_layer_norm)");
}

TEST_F(Train, StartsFromTheWeightsInAFile) {
  ASSERT_EQ(train_to("a", {"--epochs", "1", "--batch-norm", "on"}).status, 0);
  ASSERT_EQ(train_to("b", {"--epochs", "1", "--batch-norm", "on", "--init-from", last("a")}).status, 0);
  // Row 0 of the second run is where the first one ended.
  EXPECT_EQ(column("b", kValLoss)[0], column("a", kValLoss)[1]);

  const Outcome strict = train_to("c", {"--init-from", last("a")});
  EXPECT_EQ(strict.status, 1);
  EXPECT_THAT(strict.err, StartsWith("error: " + last("a").string() + ": "));
  EXPECT_FALSE(fs::exists(out("c")));
  const Outcome loose = train_to("c", {"--init-from", last("a"), "--non-strict", "--epochs", "1"});
  EXPECT_EQ(loose.status, 0);
  EXPECT_THAT(loose.err, StartsWith("warning: " + last("a").string() + ": unexpected "));
  EXPECT_THAT(loose.err, HasSubstr("'3.running_mean'"));

  expect_refused({"--layout", "pytorch"}, 2, "--layout: expected with --init-from only");
  expect_refused({"--non-strict"}, 2, "--non-strict: expected with --init-from only");
}

TEST_F(Train, GoesOnWithoutTheWeightsItStartedFrom) {
  ASSERT_EQ(train_to("a", {"--epochs", "1"}).status, 0);
  ASSERT_EQ(train_to("b", {"--epochs", "1", "--init-from", last("a")}).status, 0);
  fs::remove_all(out("a"));
  const Outcome outcome = train({"--resume", out("b"), "--epochs", "2"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
}

TEST_F(Train, AModelThatCannotBeTrainedLeavesAnEarlierRunAlone) {
  ASSERT_EQ(train_to("a", {"--epochs", "1"}).status, 0);
  const auto before = files_below(out("a"));
  const fs::path file = data() / "model.json";
  keel::testing::write_text(file, R"({"layers": [{"layer": "flatten"}, {"layer": "batch_norm"},
    {"layer": "dense", "units": "classes"}]})");
  EXPECT_EQ(train_to("a", {"--overwrite", "--model", file, "--batch-size", "47"}).status, 1);
  EXPECT_EQ(files_below(out("a")), before);
  keel::testing::write_text(file, R"({"layers": [{"layer": "flatten"}, {"layer": "dense", "units": 4},
    {"layer": "batch_norm", "track_running_stats": false}, {"layer": "dense", "units": "classes"}]})");
  const Outcome outcome = train_to("a", {"--overwrite", "--epochs", "1", "--model", file});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
}

TEST_F(Train, WithADamagedBestTheRunIsStillReported) {
  ASSERT_EQ(train_to("a", {"--epochs", "1"}).status, 0);
  fs::remove(out("a") / "checkpoints" / "best.safetensors");
  const Outcome outcome = train({"--resume", out("a")});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.err, HasSubstr("warning: the best weights: "));
  EXPECT_EQ(json_in(out("a") / "summary.json").at("evaluations").size(), 1U);
}

TEST_F(Train, EndsWithOneWhenItDiverges) {
  const Outcome outcome =
      train_to("a", {"--epochs", "2", "--optimizer", "sgd", "--lr", "1e30", "--batch-size", "8"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr("error: "));
  // What was saved is from before.
  EXPECT_EQ(train::read_checkpoint(last("a")).state.step, 0);
  const auto summary = json_in(out("a") / "summary.json");
  EXPECT_EQ(summary.at("ending"), "diverged");
  EXPECT_THAT(outcome.err, HasSubstr("error: " + summary.at("diverged").get<std::string>() + "\n"));
}

TEST_F(Train, RefusesWrongOptions) {
  expect_refused({"--model", "transformer"}, 2,
                 "--model: expected one of cnn, lenet5, mlp, resnet20, vgg-small, or a file that describes a "
                 "model, found 'transformer'");
  expect_refused({"--batch-norm", "maybe"}, 2, "--batch-norm: expected one of on, off, auto, found 'maybe'");
  expect_refused({"--momentum", "0.5"}, 2,
                 "--momentum: expected with --optimizer rmsprop or sgd only, found --optimizer adam");
  expect_refused({"--optimizer", "sgd", "--beta1", "0.5"}, 2,
                 "--beta1: expected with --optimizer adam or adamw only, found --optimizer sgd");
  expect_refused({"--optimizer", "rmsprop", "--beta1", "0.8"}, 2,
                 "--beta1: expected with --optimizer adam or adamw only, found --optimizer rmsprop");
  expect_refused({"--optimizer", "sgd", "--alpha", "0.8"}, 2,
                 "--alpha: expected with --optimizer rmsprop only, found --optimizer sgd");
  expect_refused({"--optimizer", "sgd", "--nesterov", "--momentum", "0"}, 2,
                 "--nesterov: expected with a --momentum above 0, found 0");
  expect_refused({"--decay-every", "2"}, 2,
                 "--decay-every: expected with --schedule step only, found --schedule constant");
  expect_refused(
      {"--schedule", "step", "--decay-every", "0"}, 2,
      "--decay-every: expected a number of epochs (5) or steps (100steps) of at least 1, found '0'");
  expect_refused({"--warmup", "9223372036854775807"}, 2,
                 "--warmup: expected a number of steps below 2^63, found 9223372036854775807 epochs of 2");
  expect_refused({"--warmup", "3", "--epochs", "2"}, 2,
                 "--warmup: expected at most the 4 steps of the run (2 epochs of 2), found 6");
  expect_refused({"--config", ""}, 2, "--config: expected a file, found ''");
  expect_refused({"--weight-decay", "-1"}, 2,
                 "--weight-decay: expected a number of at least 0, or auto, found '-1'");
  expect_refused({"--clip-norm", "-1"}, 2, "--clip-norm: expected a number of at least 0, found '-1'");
  expect_refused({"--early-stopping", "-1"}, 2,
                 "--early-stopping: expected a whole number of at least 0, found '-1'");
  expect_refused({"--resize", "0x28"}, 2,
                 "--resize: expected HEIGHTxWIDTH (28x28, each from 1 to 4096) or no, found '0x28'");
  expect_refused({"--resize", "28x28"}, 2,
                 "--resize: expected with image folders only, found --data " + data().string());
  expect_refused({"--config", (data() / "none.json").string()}, 1,
                 (data() / "none.json").string() + ": cannot open: No such file or directory");
}

}  // namespace
}  // namespace keel::apps::testing

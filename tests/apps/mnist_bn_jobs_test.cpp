// keel-mnist-bn with several threads and several models at a time: the same results.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "apps/mnist_bn_support.h"

namespace keel::apps::testing {
namespace {

using ::testing::HasSubstr;

std::string without_seconds_and_directory(const std::string& text) {
  return std::regex_replace(text, std::regex("seconds per epoch.*|logs: .*"), "");
}

class MnistBnJobs : public MnistBn {
 protected:
  // Runs with each of these, and expects the same of all.
  void expect_same(const Arguments& options, const std::vector<Arguments>& ways) const {
    Outcome first;
    std::map<std::string, std::string> files;
    for (std::size_t i = 0; i < ways.size(); ++i) {
      SCOPED_TRACE(::testing::PrintToString(ways[i]));
      Arguments arguments = options;
      arguments.insert(arguments.end(), ways[i].begin(), ways[i].end());
      const fs::path where = out(fmt::format("{}-{}", options.at(1), i));
      arguments.insert(arguments.end(), {"--out", where});
      const Outcome outcome = run(arguments);
      ASSERT_EQ(outcome.status, 0) << outcome.err;
      if (i == 0) {
        first = outcome;
        files = results_in(where);
        ASSERT_EQ(files.size(), 11U);
      }
      EXPECT_EQ(results_in(where), files);
      EXPECT_EQ(without_seconds_and_directory(outcome.out), without_seconds_and_directory(first.out));
    }
  }
};

// Batches that are large enough for their work to be shared by threads.
TEST_F(MnistBnJobs, MlpsTrainToTheSameBitsInEveryWay) {
  expect_same({"--model", "mlp", "--epochs", "6", "--batch-size", "48", "--dropout", "0.3"},
              {{"--jobs", "1", "--threads", "1"},
               {"--threads", "2"},
               {"--jobs", "2", "--threads", "1"},
               {"--jobs", "2", "--threads", "2"},
               {"--jobs", "2", "--threads", "6"}});
}

TEST_F(MnistBnJobs, CnnsTrainToTheSameBitsInEveryWay) {
  expect_same({"--model", "cnn", "--epochs", "2", "--batch-size", "16", "--dropout", "0.3"},
              {{"--jobs", "1", "--threads", "1"},
               {"--threads", "2"},
               {"--jobs", "2", "--threads", "1"},
               {"--jobs", "2", "--threads", "4"}});
}

TEST_F(MnistBnJobs, RecordsJobsAndTheThreadsOfEach) {
  const auto config = [&](const Arguments& options) {
    Arguments all = {"--epochs", "1", "--overwrite"};
    all.insert(all.end(), options.begin(), options.end());
    const Outcome outcome = run(all);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(json_in(out() / "bn" / "config.json").at("jobs"),
              json_in(out() / "no_bn" / "config.json").at("jobs"));
    // Whose time was measured how.
    EXPECT_EQ(outcome.out.find("seconds per epoch, side by side") != std::string::npos, options[1] != "1");
    return json_in(out() / "bn" / "config.json");
  };
  const auto alone = config({"--jobs", "1", "--threads", "5"});
  EXPECT_EQ(alone.at("jobs"), 1);
  EXPECT_EQ(alone.at("threads"), 5);
  const auto shared = config({"--jobs", "2", "--threads", "5"});
  EXPECT_EQ(shared.at("jobs"), 2);
  EXPECT_EQ(shared.at("threads"), 2);
  // There are no more than two models, and a model has at least a thread.
  const auto many = config({"--jobs", "64", "--threads", "1"});
  EXPECT_EQ(many.at("jobs"), 2);
  EXPECT_EQ(many.at("threads"), 1);
  EXPECT_EQ(many.at("options").at("jobs"), 64);
}

TEST_F(MnistBnJobs, StderrHasWholeLinesOfBothModels) {
  std::map<std::string, std::vector<std::string>> epochs;
  for (const std::string& line : lines_of(run({"--epochs", "20", "--jobs", "2"}).err)) {
    std::smatch parts;
    ASSERT_TRUE(std::regex_match(
        line, parts,
        std::regex(
            "(no BN|BN   ) epoch ([ 0-9]+)/20  train [0-9.]+ [0-9.]+ %  val [0-9.]+ [0-9.]+ %  [0-9.]+ s")))
        << line;
    epochs[parts[1]].push_back(parts[2]);
  }
  std::vector<std::string> all;
  for (int epoch = 0; epoch <= 20; ++epoch) all.push_back(fmt::format("{:>2}", epoch));
  EXPECT_EQ(epochs["no BN"], all);
  EXPECT_EQ(epochs["BN   "], all);
}

TEST_F(MnistBnJobs, AnArmThatDivergesLeavesTheOtherAlone) {
  const Arguments options = {"--optimizer", "sgd", "--lr", "1e20", "--batch-size", "16", "--epochs", "2"};
  ASSERT_EQ(run(options).status, 1);
  const auto results = results_in(out());
  Arguments side_by_side = options;
  side_by_side.insert(side_by_side.end(), {"--jobs", "2", "--out", out("two")});
  const Outcome outcome = run(side_by_side);
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(lines_of(outcome.err), ::testing::Contains(::testing::StartsWith("error: no BN: loss is ")));
  EXPECT_EQ(results_in(out("two")), results);
}

}  // namespace
}  // namespace keel::apps::testing

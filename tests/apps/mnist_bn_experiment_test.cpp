// What is told of a log: the figures of the table and of summary.json.
#include "support/mnist_bn_experiment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "keel/data/synthetic_digits.h"
#include "support/temporary_directory.h"

namespace keel::apps {
namespace {

using ::testing::HasSubstr;

// Row 0, better than anything that follows, is from before any update and does not count.
std::vector<train::EpochRecord> log_of(const std::vector<double>& val_losses,
                                       const std::vector<double>& val_accuracies,
                                       const std::vector<double>& seconds) {
  std::vector<train::EpochRecord> log = {
      {.epoch = 0, .train_loss = 0, .val_loss = 0, .val_accuracy = 1, .seconds = 1000}};
  for (std::size_t i = 0; i < val_losses.size(); ++i) {
    log.push_back({.epoch = static_cast<Index>(i + 1),
                   .train_loss = 10 - static_cast<double>(i),
                   .val_loss = val_losses[i],
                   .val_accuracy = val_accuracies[i],
                   .seconds = seconds[i]});
  }
  return log;
}

TEST(LogFigures, OfALogThatGetsWorseInTheEnd) {
  const LogFigures f = figures_of(log_of({0.5, 0.2, 0.3}, {0.96, 0.97, 0.99}, {7, 1, 3}));
  EXPECT_EQ(f.final_train_loss, 8);
  EXPECT_EQ(f.final_val_loss, 0.3);
  EXPECT_EQ(f.final_val_accuracy, 0.99);
  EXPECT_EQ(f.best_val_loss, 0.2);
  EXPECT_EQ(f.best_val_loss_epoch, 2);
  EXPECT_EQ(f.best_val_accuracy, 0.99);
  EXPECT_EQ(f.epochs_to_target, 2);  // 97 % itself is enough
  EXPECT_EQ(f.seconds_per_epoch, 3);
}

TEST(LogFigures, OfALogThatNeverReachesTheTarget) {
  const LogFigures f = figures_of(log_of({0.5, 0.5}, {0.969, 0.9}, {4, 2}));
  EXPECT_EQ(f.best_val_loss_epoch, 1);  // the first of equals
  EXPECT_EQ(f.best_val_accuracy, 0.969);
  EXPECT_FALSE(f.epochs_to_target.has_value());
  EXPECT_EQ(f.seconds_per_epoch, 3);
}

TEST(Experiment, TellsWhenTheTargetWasReached) {
  const data::DatasetPtr digits = data::synthetic_digits({.count = 30});
  const Experiment experiment({}, {"synthetic", "", digits, digits, digits});
  ArmResult reached{
      .name = "bn", .title = "BN", .parameters = 1, .log = {}, .test = {}, .diverged = {}, .failed = {}};
  ArmResult never = reached;
  reached.log = log_of({0.5, 0.2}, {0.96, 0.98}, {1, 1});
  never.log = log_of({0.5, 0.2}, {0.9, 0.9}, {1, 1});
  never.name = "no_bn";
  EXPECT_THAT(
      experiment.table({never, reached}),
      HasSubstr(fmt::format("{:<38}{:>10}{:>10}\n", "epochs until 97 % validation accuracy", "never", "2")));
  const auto arms = experiment.summary({never, reached}).at("arms");
  EXPECT_TRUE(arms.at("no_bn").at("epochs_to_97_percent").is_null());
  EXPECT_EQ(arms.at("bn").at("epochs_to_97_percent"), 2);
}

// One of the directories is missing, so that its arm cannot write.
TEST(Experiment, AnArmThatFailsLeavesTheOthersAlone) {
  const data::DatasetPtr digits = data::synthetic_digits({.count = 30});
  for (const std::string missing : {"no_bn", "bn"}) {
    for (const Index jobs : {1, 2}) {
      SCOPED_TRACE(fmt::format("{}, {} jobs", missing, jobs));
      const keel::testing::TemporaryDirectory directory;
      std::filesystem::create_directory(directory / (missing == "bn" ? "no_bn" : "bn"));
      const Experiment experiment({.epochs = 1, .batch_size = 10, .jobs = jobs},
                                  {"synthetic", "", digits, digits, digits});
      ::testing::internal::CaptureStderr();
      const std::vector<ArmResult> results =
          experiment.run({.directory = directory.path(), .record = {{"program", "test"}}, .course = {}});
      const std::string err = ::testing::internal::GetCapturedStderr();
      ASSERT_EQ(results.size(), 2U);
      for (std::size_t i = 0; i < 2; ++i) {
        const ArmResult& result = results[i];
        EXPECT_EQ(result.name, i == 0 ? "no_bn" : "bn");
        EXPECT_EQ(result.finished(), result.name != missing);
        EXPECT_EQ(result.log.size(), result.name != missing ? 2U : 0U);
        const auto summary = experiment.summary(results).at("arms").at(result.name);
        EXPECT_EQ(summary.contains("test_loss"), result.name != missing);
        if (result.name != missing) continue;
        EXPECT_THAT(
            result.failed,
            HasSubstr(fmt::format("{}: cannot write", (directory / missing / "config.json.part").string())));
        EXPECT_THAT(err, HasSubstr(fmt::format("error: {}: {}\n", result.title, result.failed)));
        EXPECT_EQ(summary.at("failed"), result.failed);
        EXPECT_FALSE(summary.contains("diverged"));
      }
      EXPECT_THAT(experiment.table(results), HasSubstr("    failed"));
    }
  }
}

}  // namespace
}  // namespace keel::apps

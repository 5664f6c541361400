// keel-mnist-bn --norm: several arms in one run, and directories that held others before.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "apps/mnist_bn_support.h"
#include "support/mnist_bn_experiment.h"

namespace keel::apps::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Arguments kShort = {"--epochs", "1", "--batch-size", "16"};
const std::string kThree = "none,batch,renorm";

Arguments with(const Arguments& more) {
  Arguments all = kShort;
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::vector<std::string> directories_in(const fs::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.is_directory()) names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// The two arms of a run of two are those of a run of three, bit for bit.
TEST_F(MnistBn, ComparesSeveralNormsFromTheSameWeights) {
  const Outcome outcome = run(with({"--norm", kThree}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(directories_in(out()), (std::vector<std::string>{"bn", "no_bn", "renorm"}));
  ASSERT_EQ(run(with({"--out", out("two")})).status, 0);
  for (const char* arm : {"no_bn", "bn"}) {
    const Csv two = log_in(out("two") / arm / "epochs.csv"), three = log_in(out() / arm / "epochs.csv");
    ASSERT_EQ(two.rows.size(), 2U);
    for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(two.reproducible(i), three.reproducible(i));
  }
  EXPECT_THAT(outcome.out, HasSubstr("mlp with norm none, batch, renorm on data in "));
  EXPECT_THAT(outcome.out,
              HasSubstr(fmt::format("\n{:38}{:>10}{:>10}{:>10}\n", "data", "none", "batch", "renorm")));
  EXPECT_THAT(outcome.err, HasSubstr("none   epoch 0/1"));
  EXPECT_THAT(outcome.err,
              HasSubstr(" steps, and up to relaxation_begin it is "
                        "BatchNorm (relaxation_begin 5000, d_max_end 25000, r_max_end 40000); a model "
                        "description may set them in proportion to the steps\n"));
  EXPECT_THAT(outcome.err, HasSubstr("renorm epoch 1/1"));

  const auto config = json_in(out() / "renorm" / "config.json");
  EXPECT_EQ(config.at("options").at("norm"), kThree);
  EXPECT_EQ(config.at("model").at("norm"), "renorm");
  EXPECT_EQ(config.at("model").at("batch_norm"), false);
  EXPECT_EQ(config.at("model").at("layers").at(3).at("kind"), "batch_renorm");
  std::vector<std::string> arms;
  const auto summary = nlohmann::ordered_json::parse(keel::testing::text_of(out() / "summary.json"));
  for (const auto& [name, arm] : summary.at("arms").items()) arms.push_back(name);
  EXPECT_THAT(arms, ElementsAre("no_bn", "bn", "renorm"));
}

TEST_F(MnistBn, RecordsNoNormsWhereTheyAreTheUsualOnes) {
  ASSERT_EQ(run(with({"--norm", "none,batch"})).status, 0);
  EXPECT_FALSE(json_in(out() / "bn" / "config.json").at("options").contains("norm"));
  EXPECT_FALSE(json_in(out() / "bn" / "config.json").at("model").contains("norm"));
}

TEST_F(MnistBn, TrainsAnyNumberOfArmsSideBySide) {
  ASSERT_EQ(run(with({"--norm", kThree})).status, 0);
  ASSERT_EQ(run(with({"--norm", kThree, "--jobs", "9", "--out", out("jobs")})).status, 0);
  EXPECT_EQ(results_in(out("jobs")), results_in(out()));
  EXPECT_EQ(json_in(out("jobs") / "bn" / "config.json").at("jobs"), 3);
}

TEST_F(MnistBn, OverwritesTheArmsOfAnEarlierRun) {
  ASSERT_EQ(run(with({"--norm", kThree})).status, 0);
  keel::testing::write_text(out() / "renorm" / "notes.txt", "mine");
  ASSERT_EQ(run(with({"--norm", "batch,full", "--overwrite"})).status, 0);
  EXPECT_THAT(directories_in(out()), ElementsAre("bn", "full", "renorm"));
  EXPECT_THAT(files_below(out() / "renorm"), ElementsAre(std::pair("notes.txt", "mine")));
  fs::remove_all(out() / "renorm");

  const auto before = files_below(out());
  const Outcome refused = run(kShort);
  EXPECT_EQ(refused.status, 1);
  EXPECT_EQ(refused.err, "error: " + out().string() +
                             " holds a run already (bn/config.json): name another directory, or pass "
                             "--overwrite\n");
  fs::remove_all(out() / "bn");
  fs::remove(out() / "summary.json");
  EXPECT_EQ(run(kShort).err, "error: " + out().string() +
                                 " holds a run already (full/config.json): name another directory, or pass "
                                 "--overwrite\n");
  ASSERT_EQ(run(with({"--overwrite"})).status, 0);
  EXPECT_THAT(directories_in(out()), ElementsAre("bn", "no_bn"));
}

TEST_F(MnistBn, ResumesTheArmsThatWereRecorded) {
  ASSERT_EQ(run({"--norm", "renorm,full", "--epochs", "2", "--batch-size", "16"}).status, 0);
  const auto expected = results_in(out());
  fs::remove_all(out() / "renorm");
  fs::remove(out() / "summary.json");
  const Arguments resume = {"--resume", out(), "--data", data(), "--threads", "1"};
  const Outcome outcome = run_program("keel-mnist-bn", resume);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(results_in(out()), expected);

  Arguments other = resume;
  other.insert(other.end(), {"--norm", "none,batch"});
  const Outcome refused = run_program("keel-mnist-bn", other);
  EXPECT_EQ(refused.status, 2);
  EXPECT_EQ(refused.err, "error: a run goes on with the options it was started with (" +
                             (out() / "renorm" / "config.json").string() +
                             "), but for --checkpoint-every, --data, --epochs, --jobs, --log-distributions, "
                             "--threads; --norm: expected \"renorm,full\", found \"none,batch\"\n");
}

TEST_F(MnistBn, AResumedRunOfTheUsualNormsHasNoOthers) {
  ASSERT_EQ(run(kShort).status, 0);
  const Outcome refused =
      run_program("keel-mnist-bn", {"--resume", out(), "--data", data(), "--norm", "none,batch,full"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.err, HasSubstr("--norm: expected \"none,batch\", found \"none,batch,full\"\n"));
}

TEST_F(MnistBn, SaysWhichNormsThereAre) {
  const std::string words = "none, batch, layer, group, instance, rms, renorm, weight, bln, full";
  expect_refused({"--norm", "none,bathc"}, 2,
                 "--norm: expected " + words + ", found 'bathc': did you mean 'batch'?");
  expect_refused({"--norm", "none,,batch"}, 2, "--norm: expected " + words + ", found ''");
  expect_refused({"--norm", "none,full,none"}, 2, "--norm: expected every norm once, found 'none' twice");
  expect_refused({"--norm", "none,full", "--bn-epsilon", "1e-3"}, 2,
                 "--bn-epsilon: expected with batch among those of --norm only");
}

TEST(ResultsTable, HasBlocksOfAtMostEightyCharacters) {
  std::vector<ArmResult> results;
  for (const NormArm& arm : norm_arms("none,batch,renorm,full")) {
    results.push_back({.name = arm.directory,
                       .title = arm.title,
                       .parameters = 101770,
                       .log = {{.epoch = 0}, {.epoch = 1, .val_loss = 0.5, .val_accuracy = 0.5}},
                       .test = {},
                       .diverged = arm.norm == "renorm" ? "loss is nan" : "",
                       .failed = {}});
  }
  const std::string header = fmt::format("{:38}{:>10}{:>10}", "MNIST", "none", "batch");
  const auto headers = [&](std::size_t arms) {
    std::vector<std::string> found;
    for (const std::string& line : lines_of(results_table("MNIST", std::span(results).first(arms), false))) {
      EXPECT_LE(line.size(), 80U);
      if (line.starts_with("MNIST")) found.push_back(line);
    }
    return found;
  };
  EXPECT_THAT(headers(2), ElementsAre(header));
  EXPECT_THAT(headers(4), ElementsAre(fmt::format("{}{:>10}{:>10}", header, "renorm", "full")));
  results.push_back(ArmResult(results.front()));
  EXPECT_THAT(headers(5),
              ElementsAre(header, fmt::format("{:38}{:>10}{:>10}{:>10}", "MNIST", "renorm", "full", "none")));
  EXPECT_THAT(results_table("MNIST", results, false),
              HasSubstr(fmt::format("\n{:38}{:>10}{:>10}{:>10}\n", "validation accuracy, best", "diverged",
                                    "50.00 %", "50.00 %")));
}

}  // namespace
}  // namespace keel::apps::testing

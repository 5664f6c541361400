// keel-mnist-bn --resume: the run that was cut off ends as the one that was not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/mnist_bn_support.h"

namespace keel::apps::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// A run of two epochs of 6 steps, checkpointed often enough to be cut off inside an epoch.
const Arguments kShort = {"--epochs",  "2",   "--batch-size",       "8",
                          "--dropout", "0.2", "--checkpoint-every", "5steps"};

class MnistBnResume : public MnistBn {
 protected:
  MnistBnResume() {
    EXPECT_EQ(run(kShort).status, 0);
    expected_ = results_in(out());
  }

  Outcome resume(const Arguments& more = {}) const {
    Arguments arguments = {"--resume", out(), "--data", data(), "--threads", "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program("keel-mnist-bn", arguments);
  }
  // Resuming gives what the straight run gave.
  Outcome expect_same_results(const Arguments& more = {}) const {
    const Outcome outcome = resume(more);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    std::map<std::string, std::string> found = results_in(out());
    // Which checkpoint came before the last depends on where the run was cut off.
    std::map<std::string, std::string> expected = expected_;
    for (const char* arm : {"no_bn", "bn"}) {
      found.erase(fmt::format("{}/checkpoints/previous.safetensors", arm));
      expected.erase(fmt::format("{}/checkpoints/previous.safetensors", arm));
    }
    EXPECT_EQ(found, expected);
    return outcome;
  }
  fs::path checkpoint(const std::string& arm, const std::string& name) const {
    return out() / arm / "checkpoints" / (name + ".safetensors");
  }
  void expect_refused(const Arguments& more, int status, const std::string& message) const {
    const auto before = files_below(out());
    const Outcome outcome = resume(more);
    EXPECT_EQ(outcome.err, "error: " + message + "\n");
    EXPECT_EQ(outcome.status, status);
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(files_below(out()), before);
  }

 private:
  std::map<std::string, std::string> expected_;
};

TEST_F(MnistBnResume, GoesOnInsideAnEpoch) {
  fs::remove(out() / "summary.json");
  // As if killed behind step 10: with rows of later epochs in the log, the last one torn.
  fs::rename(checkpoint("bn", "previous"), checkpoint("bn", "last"));
  fs::remove(checkpoint("bn", "best"));  // of the end
  ASSERT_EQ(train::read_checkpoint(checkpoint("bn", "last")).state.step, 10);
  keel::testing::write_text(out() / "bn" / "epochs.csv",
                            keel::testing::text_of(out() / "bn" / "epochs.csv") + "3,18,0.0");
  const Outcome outcome = expect_same_results();
  EXPECT_THAT(outcome.err, HasSubstr("BN    goes on from " + checkpoint("bn", "last").string() +
                                     ": 1 epochs, 10 steps done\n"));
  const auto resumed = json_in(out() / "bn" / "config.json").at("resumed");
  ASSERT_EQ(resumed.size(), 1U);
  EXPECT_EQ(resumed[0].at("step"), 10);
}

TEST_F(MnistBnResume, StartsTheArmsThatHadNotStarted) {
  fs::remove_all(out() / "bn");
  fs::remove(out() / "summary.json");
  expect_same_results();
}

TEST_F(MnistBnResume, StartsAnewWhereNothingWasSavedYet) {
  fs::remove_all(out() / "no_bn" / "checkpoints");
  fs::remove_all(out() / "bn" / "checkpoints");
  const Outcome outcome = expect_same_results();
  EXPECT_THAT(outcome.err, HasSubstr("warning: no checkpoint in " + (out() / "bn" / "checkpoints").string() +
                                     ": starting at the beginning\n"));
}

TEST_F(MnistBnResume, ALogThatIsGoneComesBack) {
  fs::remove(out() / "bn" / "epochs.csv");
  expect_same_results();
}

TEST_F(MnistBnResume, AFinishedRunStaysAsItIs) { expect_same_results(); }

TEST_F(MnistBnResume, ADamagedCheckpointFallsBackLoudly) {
  std::string content = keel::testing::text_of(checkpoint("bn", "last"));
  content[content.size() - 3] ^= 1;
  keel::testing::write_text(checkpoint("bn", "last"), content);
  fs::remove(checkpoint("bn", "best"));  // as new as the last
  const Outcome outcome = resume();
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.err, HasSubstr("warning: " + checkpoint("bn", "last").string()));
  EXPECT_THAT(outcome.err, HasSubstr("warning: BN    goes on from " + checkpoint("bn", "previous").string() +
                                     ": 1 epochs, 10 steps done\n"));
  EXPECT_TRUE(fs::exists(checkpoint("bn", "last").string() + ".damaged"));
  fs::remove(checkpoint("bn", "last").string() + ".damaged");
  expect_same_results();
}

TEST_F(MnistBnResume, RefusesWhenNoCheckpointIsWhole) {
  for (const char* name : {"last", "previous", "best"})
    keel::testing::write_text(checkpoint("bn", name), "x");
  const Outcome outcome = resume();
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err,
              HasSubstr("error: no whole checkpoint in " + (out() / "bn" / "checkpoints").string() + ": "));
}

TEST_F(MnistBnResume, GoesOnForMoreEpochs) {
  fs::remove_all(out());
  ASSERT_EQ(
      run({"--epochs", "1", "--batch-size", "8", "--dropout", "0.2", "--checkpoint-every", "5steps"}).status,
      0);
  expect_same_results({"--epochs", "2"});
}

TEST_F(MnistBnResume, RefusesOptionsThatWouldChangeItsCourse) {
  const std::string front = "a run goes on with the options it was started with (" +
                            (out() / "no_bn" / "config.json").string() +
                            "), but for --checkpoint-every, --data, --epochs, --jobs, --log-distributions, "
                            "--threads; ";
  expect_refused({"--lr", "0.1"}, 2, front + "--lr: expected 0.001, found 0.1");
  expect_refused({"--model", "cnn", "--seed", "2", "--drop-last"}, 2,
                 front +
                     "--model: expected \"mlp\", found \"cnn\"; "
                     "--drop-last: expected false, found true; --seed: expected 1, found 2");
  // The same value in other words is no change.
  EXPECT_EQ(resume({"--lr", "1e-3"}).status, 0);
}

// Whoever mistakes one directory for another learns which command goes on.
TEST_F(MnistBnResume, SaysByWhichCommandADirectoryGoesOn) {
  const std::string whole = out().string(), on = "'; to go on: keel-mnist-bn --resume " + whole + "\n";
  const auto refusal = [](const std::string& program, const fs::path& directory) {
    const Outcome outcome = run_program(program, {"--resume", directory});
    EXPECT_EQ(outcome.status, 2);
    return outcome.err;
  };
  const std::string train = "error: --resume: expected the directory of a run of keel-train, found ",
                    mnist = "error: --resume: expected the directory of a run of keel-mnist-bn, found ";
  EXPECT_EQ(refusal("keel-train", whole), train + "a comparison of models by keel-mnist-bn: '" + whole + on);
  for (const std::string& arm : {whole + "/bn", whole + "/bn/"}) {
    EXPECT_EQ(refusal("keel-train", arm), train + "one model of a comparison by keel-mnist-bn: '" + arm + on);
    EXPECT_EQ(refusal("keel-mnist-bn", arm),
              mnist + "one model of a comparison by keel-mnist-bn: '" + arm + on);
  }
  const std::string part = whole + "/bn/checkpoints";
  EXPECT_EQ(refusal("keel-mnist-bn", part), mnist + "a part of a run by keel-mnist-bn: '" + part + on);
  const Outcome nothing = run_program("keel-train", {"--resume", data()});
  EXPECT_EQ(nothing.err, "error: --resume: a directory that holds a run expected, found no config.json in " +
                             data().string() + "\n");
}

TEST_F(MnistBnResume, RefusesOtherData) {
  write_digits(data(), "train", *data::synthetic_digits({.count = kTrainDigits, .seed = 2}));
  const Outcome outcome = resume();
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, StartsWith("error: --data: a run goes on with the data it was started with ("));
}

TEST_F(MnistBnResume, RefusesFewerEpochsThanItHasBegun) {
  expect_refused({"--epochs", "1"}, 2,
                 "--epochs: expected at least the 2 that the run has begun (" +
                     checkpoint("no_bn", "last").string() + "), found 1");
  // Inside the second epoch.
  fs::remove_all(out() / "no_bn" / "checkpoints");
  fs::rename(checkpoint("bn", "previous"), checkpoint("bn", "last"));
  fs::remove(checkpoint("bn", "best"));
  expect_refused({"--epochs", "1"}, 2,
                 "--epochs: expected at least the 2 that the run has begun (" +
                     checkpoint("bn", "last").string() + "), found 1");
}

TEST_F(MnistBnResume, RefusesTheCheckpointOfAnotherModel) {
  fs::copy_file(checkpoint("no_bn", "last"), checkpoint("bn", "last"), fs::copy_options::overwrite_existing);
  fs::remove(checkpoint("bn", "best"));
  const auto before = files_below(out());
  const Outcome outcome = resume();
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err,
              StartsWith("error: " + checkpoint("bn", "last").string() + ": a checkpoint of the model {"));
  EXPECT_EQ(files_below(out()), before);
}

TEST_F(MnistBnResume, RefusesWhatItCannotGoOnWith) {
  expect_refused({"--overwrite"}, 2, "--resume and --overwrite exclude each other");
  expect_refused({"--out", out("other")}, 2,
                 "--resume and --out exclude each other: a run goes on where it is");
  const fs::path config = out() / "no_bn" / "config.json";
  keel::testing::write_text(config, "{}");
  expect_refused({}, 1,
                 config.string() +
                     ": the record of a run expected (JSON with program and options), found something else");
  keel::testing::write_text(config, R"({"program": "keel-train", "options": {}})");
  expect_refused({}, 1, config.string() + ": a run of keel-mnist-bn expected, found one of \"keel-train\"");
  keel::testing::write_text(config, R"({"program": "keel-mnist-bn", "options": {"depth": 3}})");
  expect_refused({}, 1, config.string() + ": options of this program expected, found 'depth'");
  fs::remove_all(out());
  fs::create_directory(out());
  expect_refused(
      {}, 1, "--resume: a directory that holds a run expected, found no config.json in " + out().string());
  keel::testing::write_text(out() / "config.json", R"({"program": "keel-train", "options": {}})");
  const std::string a_run = out().string();
  expect_refused({}, 2,
                 "--resume: expected the directory of a run of keel-mnist-bn, found a run by keel-train: '" +
                     a_run + "'; to go on: keel-train --resume " + a_run);
  fs::remove_all(out());
  const Outcome outcome = resume();
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.err, "error: --resume: expected the directory of a run, found nothing of that name: '" +
                             out().string() + "'\n");
}

TEST_F(MnistBnResume, OverwritesNoRunOfAnotherProgram) {
  for (const char* file : {"config.json", "study.json"}) {
    keel::testing::write_text(out() / file, "{}");
    const auto before = files_below(out());
    const Outcome outcome = run({"--overwrite"});
    EXPECT_EQ(outcome.status, 1);
    EXPECT_EQ(outcome.err, "error: " + out().string() + " holds a run of another program (" + file +
                               "): name another directory\n");
    EXPECT_EQ(files_below(out()), before);
    fs::remove(out() / file);
  }
}

TEST_F(MnistBnResume, ANewRunLeavesNoOldCheckpoint) {
  ASSERT_EQ(run({"--epochs", "1", "--overwrite", "--batch-size", "48"}).status, 0);
  // Of the run before: 12.
  EXPECT_EQ(train::read_checkpoint(checkpoint("bn", "last")).state.step, 1);
  EXPECT_EQ(train::read_checkpoint(checkpoint("bn", "previous")).state.step, 0);
}

TEST_F(MnistBn, RefusesAWrongNumberOfStepsBetweenCheckpoints) {
  for (const char* text : {"", "-1", "x", "3 steps", "3stepsx", "1.5", "steps"}) {
    MnistBn::expect_refused(
        {"--checkpoint-every", text}, 2,
        fmt::format("--checkpoint-every: expected a number of epochs (5) or steps (100steps) of at least 0, "
                    "found '{}'",
                    text));
  }
}

}  // namespace
}  // namespace keel::apps::testing

// keel-mnist-bn given what it cannot use: one clear line, the right status, and nothing half-written.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <fstream>
#include <regex>

#include "apps/mnist_bn_support.h"

namespace keel::apps::testing {
namespace {

using keel::testing::text_of;
using keel::testing::write_text;

constexpr int kWrongUsage = 2, kFailed = 1;

TEST_F(MnistBn, HelpListsEveryOptionWithItsDefault) {
  const Outcome outcome = run({"--help"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.err, "");
  EXPECT_FALSE(fs::exists(out()));
  // As one line, so that nothing hangs on where a line ends.
  const std::string text = std::regex_replace(outcome.out, std::regex("\\s+"), " ");
  const std::vector<std::pair<std::string, std::string>> defaults = {
      {"--data DIR\\|synthetic", "data/mnist"},
      {"--out DIR", "runs/mnist_bn"},
      {"--model mlp\\|cnn", "mlp"},
      {"--bn-position after\\|before\\|auto", "auto"},
      {"--bn-momentum M\\|none", "0.1"},
      {"--bn-epsilon E", "1e-5"},
      {"--dropout P", "0"},
      {"--init NAME", "pytorch_default"},
      {"--epochs N", "10"},
      {"--batch-size N", "32"},
      {"--optimizer adam\\|adamw\\|sgd", "adam"},
      {"--lr RATE", "0.001"},
      {"--validation-split F", "0.2"},
      {"--train-limit N", "0"},
      {"--seed S", "1"},
      {"--threads N", "0"},
      {"--jobs N", "1"}};
  for (const auto& [option, value] : defaults) {
    // No other option in between.
    const std::regex line(" " + option + " ((?! --).)* \\(default: " + value + "\\)");
    EXPECT_TRUE(std::regex_search(text, line)) << option << " " << value << " in\n" << outcome.out;
  }
  for (const char* flag : {" --help ", " --version ", " --overwrite ", " --drop-last "}) {
    EXPECT_THAT(text, ::testing::HasSubstr(flag));
  }
}

TEST_F(MnistBn, TellsItsVersion) {
  const Outcome outcome = run({"--version"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.err, "");
  EXPECT_TRUE(std::regex_match(
      outcome.out, std::regex("keel-mnist-bn [0-9]+\\.[0-9]+\\.[0-9]+ \\([^,]+, [^,]+, [^,]+\\)\n")))
      << outcome.out;
}

TEST_F(MnistBn, RefusesInstructionSetsItDoesNotHave) {
  for (const Arguments& arguments : {Arguments{}, {"--help"}, {"--version"}, {"--epochs", "0"}}) {
    const Outcome outcome = run_program("keel-mnist-bn", arguments, {"KEEL_ISA=v9"});
    EXPECT_EQ(outcome.status, kWrongUsage);
    EXPECT_THAT(outcome.err,
                ::testing::MatchesRegex(
                    "error: KEEL_ISA=v9: expected a level up to [a-z0-9]+, the best of this processor\n"));
    EXPECT_EQ(outcome.out, "");
  }
}

TEST_F(MnistBn, RefusesUnknownOptions) {
  expect_refused({"--bacth-size", "3"}, kWrongUsage,
                 "unknown option '--bacth-size': did you mean --batch-size? (--help lists all)");
  expect_refused({"--epoch=3"}, kWrongUsage,
                 "unknown option '--epoch=3': did you mean --epochs? (--help lists all)");
  expect_refused({"-lr", "3"}, kWrongUsage, "unknown option '-lr': did you mean --lr? (--help lists all)");
  expect_refused({"mlp"}, kWrongUsage, "unexpected argument 'mlp': every value follows its option");
}

TEST_F(MnistBn, RefusesOptionsWithoutAValueOrWithTwo) {
  const Outcome outcome = run_program("keel-mnist-bn", {"--epochs"});
  EXPECT_EQ(outcome.status, kWrongUsage);
  EXPECT_EQ(outcome.err, "error: --epochs expects a value\n");
  expect_refused({"--seed", "1", "--seed=2"}, kWrongUsage, "--seed is given twice");
  expect_refused({"--overwrite=yes"}, kWrongUsage, "--overwrite: expected true or false, found 'yes'");
}

TEST_F(MnistBn, RefusesNumbersOutOfRange) {
  const auto expect = [&](const std::string& option, const std::string& expected,
                          const std::vector<std::string>& values) {
    for (const std::string& value : values) {
      expect_refused({option, value}, kWrongUsage,
                     fmt::format("{}: expected {}, found '{}'", option, expected, value));
    }
  };
  expect("--batch-size", "a whole number of at least 1", {"0", "-3", "8.5"});
  expect("--batch-size", "a whole number from 1 to 9223372036854775807", {"99999999999999999999"});
  expect("--epochs", "a whole number of at least 1", {"0", "x", "", "1e1", "3 "});
  expect("--seed", "a whole number of at least 0", {"-1"});
  expect("--train-limit", "a whole number of at least 0", {"-1", "all"});
  expect("--threads", "a whole number from 0 to 1024", {"-1", "1025", "4294967296"});
  expect("--jobs", "a whole number from 1 to 64", {"0", "65", "two"});
  expect("--lr", "a number above 0", {"0", "-1", "nan", "inf", "0,1", "1e-400", "x"});
  expect("--validation-split", "a number between 0 and 1", {"0", "1", "nan", "-0.1", "20%"});
  expect("--dropout", "a number from 0 to below 1", {"1", "-0.1", "nan"});
  expect("--bn-momentum", "a number from 0 to 1, or none", {"1.1", "-0.1", "nan", "never"});
  expect("--bn-epsilon", "a number from 1e-30 to 1", {"0", "-1e-5", "nan"});
}

TEST_F(MnistBn, RefusesNamesItDoesNotKnow) {
  expect_refused({"--model", "foo"}, kWrongUsage, "--model: expected one of mlp, cnn, found 'foo'");
  expect_refused({"--optimizer", "lion"}, kWrongUsage,
                 "--optimizer: expected one of adam, adamw, sgd, found 'lion'");
  expect_refused({"--bn-position", ""}, kWrongUsage,
                 "--bn-position: expected one of after, before, auto, found ''");
  expect_refused(
      {"--init", "foo"}, kWrongUsage,
      "--init: expected one of glorot_normal, glorot_uniform, he_normal, he_uniform, identity, normal, "
      "ones, orthogonal, pytorch_default, uniform, zeros, found 'foo'");
}

TEST_F(MnistBn, RefusesMoreThanTheDataHold) {
  expect_refused({"--batch-size", "49"}, kWrongUsage,
                 "--batch-size: expected at most the 48 training examples, found 49");
  expect_refused({"--train-limit", "61"}, kWrongUsage,
                 "--train-limit: expected at most the 60 training examples, found 61");
  expect_refused({"--train-limit", "1"}, kWrongUsage,
                 "--validation-split: [split_last] a validation fraction of 0.2 cuts 1 examples into 0 and "
                 "1; both parts need at "
                 "least one");
}

// 42 digits, of which 33 for training: two batches of 16 and one digit.
TEST_F(MnistBn, RefusesALastBatchOfOneWithBatchNorm) {
  const Arguments lonely = {"--train-limit", "42", "--batch-size", "16", "--epochs", "1"};
  expect_refused(
      lonely, kFailed,
      "33 training examples in batches of 16 leave a batch of 1: layer 3 (batch_norm): [batch_norm] "
      "expected more than one value per channel in training, found input [1,128]: use larger "
      "batches, drop the incomplete last batch, or freeze() the layer (--batch-size, --drop-last)");
  expect_refused(
      {"--train-limit", "42", "--batch-size", "1", "--epochs", "1"}, kFailed,
      "33 training examples in batches of 1 leave a batch of 1: layer 3 (batch_norm): [batch_norm] "
      "expected more than one value per channel in training, found input [1,128]: use larger "
      "batches, drop the incomplete last batch, or freeze() the layer (--batch-size)");
  Arguments mended = lonely;
  mended.push_back("--drop-last");
  EXPECT_EQ(run(mended).status, 0);
  EXPECT_EQ(log_in(out() / "bn" / "epochs.csv").rows[1][kStep], 2);
}

TEST_F(MnistBn, RefusesDirectoriesWithoutData) {
  const std::string help = "; get MNIST by scripts/fetch_mnist.sh, or use --data synthetic";
  expect_refused({"--data", out("none")}, kFailed, out("none").string() + ": no such directory" + help);
  fs::remove(data() / "t10k-labels-idx1-ubyte");
  expect_refused({}, kFailed,
                 data().string() +
                     ": found none of t10k-labels-idx1-ubyte, t10k-labels.idx1-ubyte, "
                     "t10k-labels-idx1-ubyte.gz, t10k-labels.idx1-ubyte.gz" +
                     help);
}

TEST_F(MnistBn, RefusesDamagedFiles) {
  const fs::path images = data() / "train-images-idx3-ubyte", labels = data() / "train-labels-idx1-ubyte";
  const std::string good_images = text_of(images), good_labels = text_of(labels);

  write_text(images, good_images.substr(0, good_images.size() - 5));
  expect_refused({}, kFailed,
                 images.string() +
                     ": 47040 elements expected from the extents [60,28,28], found 47035 bytes after the "
                     "header");
  write_text(images, "not an IDX file");
  expect_refused(
      {}, kFailed,
      images.string() +
          ": an IDX file of unsigned bytes expected (magic 00 00 08 and the rank), found 6e 6f 74 20");
  fs::remove(images);
  data::write_idx(data() / "train-images-idx3-ubyte.gz",
                  data::synthetic_digits({.count = kTrainDigits})->images().reshape({60, 28, 28}));
  std::string compressed = text_of(data() / "train-images-idx3-ubyte.gz");
  for (std::size_t i = compressed.size() / 2; i < compressed.size() / 2 + 64; ++i) compressed[i] = '\x55';
  write_text(data() / "train-images-idx3-ubyte.gz", compressed);
  expect_refused(
      {}, kFailed,
      (data() / "train-images-idx3-ubyte.gz").string() + ": intact gzip data expected, found them corrupt");
  write_text(images, good_images);

  data::write_idx(labels, Tensor::zeros({kTrainDigits - 1}, DType::uint8));
  expect_refused({}, kFailed,
                 fmt::format("{} has 60 images, but {} has 59 labels", images.string(), labels.string()));
  write_text(labels, good_labels);
}

TEST_F(MnistBn, RefusesTestLabelsThatTrainingDoesNotKnow) {
  Tensor labels = Tensor::zeros({kTestDigits}, DType::uint8);
  labels.data<std::uint8_t>()[7] = 11;
  data::write_idx(data() / "t10k-labels-idx1-ubyte", labels);
  expect_refused(
      {}, kFailed,
      fmt::format("[image_dataset] MNIST-format test set, 20 examples from {}: label 11 at index 7 "
                  "is outside [0, 10)",
                  data().string()));
}

TEST_F(MnistBn, RefusesToWriteWhereItCannot) {
  const fs::path file = out("file");
  write_text(file, "precious");
  const auto expect = [&](const std::string& where, const std::string& message) {
    const Outcome outcome = run({"--epochs", "1", "--out", where});
    EXPECT_EQ(outcome.status, kFailed);
    EXPECT_EQ(outcome.err, "error: " + message + "\n");
    EXPECT_EQ(outcome.out, "");
  };
  expect(file, "cannot write to " + file.string() + ": it is not a directory");
  expect(file / "run", "cannot make directory " + (file / "run").string() + ": Not a directory");
  const Outcome nowhere = run({"--epochs", "1", "--out", ""});
  EXPECT_EQ(nowhere.status, kWrongUsage);
  EXPECT_EQ(nowhere.err, "error: --out: expected a directory, found ''\n");
  EXPECT_EQ(text_of(file), "precious");
}

// A rate that no model survives: the first update makes the second loss infinite or no number. The other arm
// is run all the same, as it may well survive: that is what the experiment is about.
TEST_F(MnistBn, AnArmThatDivergesIsAResult) {
  const Outcome outcome = run({"--optimizer", "sgd", "--lr", "1e20", "--batch-size", "16", "--epochs", "2"});
  EXPECT_EQ(outcome.status, kFailed);
  const std::vector<std::string> lines = lines_of(outcome.err);
  ASSERT_GE(lines.size(), 3U);
  EXPECT_TRUE(lines[0].starts_with("no BN epoch 0/2  ")) << lines[0];
  EXPECT_TRUE(std::regex_match(
      lines[1],
      std::regex("error: no BN: loss is (nan|inf) at step 2 \\(epoch 1, batch 2 of 3\\): first in the "
                 "output of layer 3 \\(dense\\)")))
      << lines[1];
  EXPECT_TRUE(lines[2].starts_with("BN    epoch 0/2  ")) << lines[2];
  // What was logged is kept, and table and summary say what happened.
  EXPECT_EQ(log_in(out() / "no_bn" / "epochs.csv").rows.size(), 1U);
  EXPECT_TRUE(std::regex_search(outcome.out, std::regex("test accuracy +diverged "))) << outcome.out;
  const auto arm = json_in(out() / "summary.json")["arms"]["no_bn"];
  EXPECT_EQ("error: no BN: " + arm["diverged"].get<std::string>(), lines[1]);
  EXPECT_EQ(arm["epochs"], 0);
  EXPECT_FALSE(arm.contains("test_accuracy"));
}

TEST_F(MnistBn, ASecondRunInADirectoryInUseIsRefused) {
  ASSERT_EQ(run({"--epochs", "1"}).status, 0);
  const auto before = files_below(out());
  const int lock = open(out().c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(flock(lock, LOCK_EX | LOCK_NB), 0);
  const Outcome outcome = run({"--epochs", "1", "--overwrite"});
  close(lock);
  EXPECT_EQ(outcome.status, kFailed);
  EXPECT_EQ(outcome.err, "error: another run is writing to " + out().string() + ": name another directory\n");
  EXPECT_EQ(files_below(out()), before);
}

TEST_F(MnistBn, OverwritingRemovesTheOldPlot) {
  ASSERT_EQ(run({"--epochs", "1"}).status, 0);
  std::ofstream(out() / "losses.png") << "old";
  std::ofstream(out() / "notes.txt") << "mine";
  ASSERT_EQ(run({"--epochs", "1", "--overwrite"}).status, 0);
  EXPECT_FALSE(fs::exists(out() / "losses.png"));
  EXPECT_TRUE(fs::exists(out() / "notes.txt"));
}

}  // namespace
}  // namespace keel::apps::testing

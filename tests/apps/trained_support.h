// What the tests of keel-eval and keel-predict share: a run of keel-train on a small set of digits.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "apps/mnist_bn_support.h"
#include "keel/data/image_file.h"

namespace keel::apps::testing {

constexpr Index kDigitsToTrain = 400, kDigitsToTest = 80;

class TrainedRun : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    directory_ = new keel::testing::TemporaryDirectory;
    fs::create_directory(data());
    write_digits(data(), "train", *data::synthetic_digits({.count = kDigitsToTrain}));
    write_digits(data(), "t10k", *test_digits());
    const Outcome outcome =
        run_program("keel-train", {"--data", data(), "--out", run(), "--epochs", "4", "--batch-size", "16",
                                   "--batch-norm", "on", "--validation-split", "0.25", "--threads", "1"});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
  }
  static void TearDownTestSuite() {
    delete directory_;
    directory_ = nullptr;
  }

  static fs::path path(const std::string& name) { return *directory_ / name; }
  static fs::path data() { return path("data"); }
  static fs::path run() { return path("run"); }
  static fs::path best() { return run() / "checkpoints" / "best.safetensors"; }

  static std::shared_ptr<const data::ImageDataset> test_digits() {
    return data::synthetic_digits({.count = kDigitsToTest, .part = data::SyntheticPart::test});
  }
  static Tensor test_digit(Index i) { return test_digits()->images().rows(i, i + 1).reshape({28, 28, 1}); }

  static void expect_refused(const std::string& program, const Arguments& arguments, int status,
                             const std::string& message) {
    SCOPED_TRACE(::testing::PrintToString(arguments));
    const Outcome outcome = run_program(program, arguments);
    EXPECT_EQ(outcome.err, "error: " + message + "\n");
    EXPECT_EQ(outcome.status, status);
    EXPECT_EQ(outcome.out, "");
  }

 private:
  inline static keel::testing::TemporaryDirectory* directory_ = nullptr;
};

}  // namespace keel::apps::testing

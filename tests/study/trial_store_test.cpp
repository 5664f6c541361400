#include "study/trial_store.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/temporary_directory.h"

namespace keel::study {
namespace {

using testing::text_of;
using testing::write_text;

class TrialStoreTest : public ::testing::Test {
 protected:
  testing::TemporaryDirectory directory_;
  const TrialStore store_{directory_ / "trials", "data"};
  const std::string key_ = R"({"measurement":"m","seed":1})";
  const TrialResult result_ = {{{"accuracy", 0.1}, {"curve", {1.0 / 3, 1e-300}}}, 2.5};

  // What is said of the file once its text has been changed.
  std::string problem_with(const std::string& text) const {
    write_text(store_.path_of(key_), text);
    std::string problem;
    EXPECT_FALSE(store_.find(key_, &problem).has_value()) << text;
    return problem;
  }
  std::string kept_text() const {
    store_.keep(key_, result_);
    return text_of(store_.path_of(key_));
  }
};

TEST_F(TrialStoreTest, FindsWhatWasKeptToTheLastBit) {
  std::string problem;
  EXPECT_FALSE(store_.find(key_, &problem).has_value());
  EXPECT_EQ(problem, "");  // that there is none is none
  store_.keep(key_, result_);
  const auto found = TrialStore(directory_ / "trials", "data").find(key_, &problem);
  ASSERT_TRUE(found.has_value()) << problem;
  EXPECT_EQ(found->result, result_.result);
  EXPECT_EQ(found->seconds, 2.5);
}

TEST_F(TrialStoreTest, KeepsNumbersThatAreNotFiniteAsNull) {
  store_.keep(key_, {{{"loss", NAN}, {"norm", {INFINITY, 1}}}, 1});
  EXPECT_EQ(store_.find(key_)->result.dump(), R"({"loss":null,"norm":[null,1]})");
}

TEST_F(TrialStoreTest, KnowsNothingOfOtherKeysAndData) {
  store_.keep(key_, result_);
  EXPECT_FALSE(store_.find(R"({"measurement":"m","seed":2})").has_value());
  EXPECT_FALSE(TrialStore(directory_ / "trials", "other data").find(key_).has_value());
}

TEST_F(TrialStoreTest, FindsOutDamage) {
  const std::string text = kept_text(), path = store_.path_of(key_).string();
  std::string changed = text;
  changed.replace(changed.find("0.1"), 3, "0.9");
  EXPECT_EQ(problem_with(changed).find(path + ": expected the checksum of its result, found "), 0);
  std::string truncated = text.substr(0, text.size() / 2);
  for (const std::string& other :
       {truncated, std::string(), std::string(100000, '['), std::string("\0\xff", 2)}) {
    EXPECT_EQ(problem_with(other).find(path + ": "), 0) << problem_with(other);
  }
  for (const char* other : {"[1, 2]", "{}", R"({"key": 1, "data": 2, "result": 3})", "7"}) {
    EXPECT_EQ(problem_with(other).find(path + ": expected the result of a"), 0) << problem_with(other);
  }
  write_text(store_.path_of(key_), text);
  EXPECT_TRUE(store_.find(key_).has_value());
}

// Two keys of one hash, or a file that somebody has renamed.
TEST_F(TrialStoreTest, FindsOutTheResultOfAnotherTrial) {
  store_.keep(key_, result_);
  const std::string other = R"({"measurement":"m","seed":2})";
  std::filesystem::rename(store_.path_of(key_), store_.path_of(other));
  std::string problem;
  EXPECT_FALSE(store_.find(other, &problem).has_value());
  EXPECT_EQ(problem, store_.path_of(other).string() + ": expected the result of another trial");
}

}  // namespace
}  // namespace keel::study

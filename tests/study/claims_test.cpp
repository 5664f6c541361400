// What all claims have in common: texts that are complete, trials that can be made.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "keel/data/synthetic_digits.h"
#include "study/claim.h"
#include "study/study.h"
#include "study/training.h"

namespace keel::study {
namespace {

Plan planned(const Claim& claim, Length length) {
  Plan plan(length);
  claim.plan(plan);
  return plan;
}

TEST(Claims, AreFilesOfTheirNames) {
  std::set<std::string> ids, files;
  for (const Claim& claim : all_claims()) EXPECT_TRUE(ids.insert(claim.id).second) << claim.id;
  for (const auto& file : std::filesystem::directory_iterator(KEEL_SOURCE_DIR "/apps/study/claims")) {
    std::string name = file.path().stem().string();
    std::replace(name.begin(), name.end(), '_', '-');
    files.insert(name);
  }
  EXPECT_EQ(ids, files);
}

TEST(Claims, SayWhatTheyTest) {
  for (const Claim& claim : all_claims()) {
    SCOPED_TRACE(claim.id);
    EXPECT_FALSE(claim.articles.empty());
    for (const std::string* text : {&claim.title, &claim.question, &claim.setting, &claim.measure}) {
      EXPECT_GT(text->size(), 10);
      EXPECT_EQ(text->find('\n'), std::string::npos);
      EXPECT_EQ(text->find("  "), std::string::npos) << *text;
    }
    EXPECT_TRUE(claim.question.ends_with("?")) << claim.question;
  }
}

TEST(Claims, HaveTrialsWhoseCostIsKnown) {
  for (const Claim& claim : all_claims()) {
    SCOPED_TRACE(claim.id);
    for (const Length length : {Length::quick, Length::full}) {
      EXPECT_FALSE(planned(claim, length).entries().empty());
      const double seconds = estimated_seconds(claim, length, 5);
      EXPECT_TRUE(std::isfinite(seconds) && seconds > 0) << seconds;
    }
    EXPECT_LE(estimated_seconds(claim, Length::quick, 5), estimated_seconds(claim, Length::full, 5));
  }
}

// Every model that a claim trains can be built, at both lengths.
TEST(Claims, HaveModelsThatCanBeBuilt) {
  const TrialContext context = {1,
                                data::synthetic_digits({.count = 2000}),
                                data::synthetic_digits({.count = 100, .part = data::SyntheticPart::test}),
                                {}};
  std::set<std::string> built;
  for (const Claim& claim : all_claims()) {
    for (const Length length : {Length::quick, Length::full}) {
      const Plan plan = planned(claim, length);
      for (const Plan::Entry& entry : plan.entries()) {
        const Json& setting = entry.setting;
        if (!setting.contains("model") || !setting.contains("optimizer")) continue;
        if (!built.insert(setting["model"].dump() + setting["optimizer"].dump()).second) continue;
        SCOPED_TRACE(claim.id + ", " + entry.label);
        EXPECT_NO_THROW(Training(setting, context));
      }
    }
  }
  EXPECT_GT(built.size(), 10);
}

}  // namespace
}  // namespace keel::study

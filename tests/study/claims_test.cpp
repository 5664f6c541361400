// What all claims have in common: texts that are complete, trials that can be made.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
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

// All trials of a claim, cut down to a few steps and examples, at two seeds.
class ShortTrials {
 public:
  explicit ShortTrials(double learning_rate_factor = 1) : factor_(learning_rate_factor) {}

  Results of(const Plan& plan) {
    Results results;
    for (const Plan::Entry& entry : plan.entries()) {
      for (std::uint64_t seed = 1; seed <= (entry.once ? 1 : 2); ++seed)
        results.add(entry.label, run(entry, seed));
    }
    return results;
  }

 private:
  Json shortened(Json setting) const {
    if (setting.contains("repetitions")) setting["repetitions"] = setting["steps"] = 1;
    if (!setting.contains("model")) return setting;
    setting["steps"] = std::min(setting["steps"].get<Index>(), Index{2});
    for (const char* every : {"evaluate_every", "probe_every"}) {
      if (setting.contains(every)) setting[every] = 1;
    }
    setting["test_examples"] = 50;
    setting["batch"] = std::min(setting["batch"].get<Index>(), Index{40});
    setting["lr"] = setting["lr"].get<double>() * factor_;
    return setting;
  }
  const Json& run(const Plan::Entry& entry, std::uint64_t seed) {
    const Json setting = shortened(entry.setting);
    const auto [place, is_new] = known_.try_emplace(key_of(*entry.measurement, setting, seed));
    // As a later study reads it.
    if (is_new)
      place->second = Json::parse(entry.measurement->run(setting, {seed, training_, test_, {}}).dump());
    return place->second;
  }

  double factor_;
  data::DatasetPtr training_ = data::synthetic_digits({.count = 600});
  data::DatasetPtr test_ = data::synthetic_digits({.count = 300, .part = data::SyntheticPart::test});
  std::map<std::string, Json> known_;
};

void judge_all(ShortTrials trials, const std::vector<Length>& lengths) {
  for (const Claim& claim : all_claims()) {
    for (const Length length : lengths) {
      SCOPED_TRACE(claim.id);
      const Plan plan = planned(claim, length);
      Report report(length);
      try {
        claim.judge(plan, trials.of(plan), report);
      } catch (const std::exception& error) {
        ADD_FAILURE() << error.what();
        continue;
      }
      EXPECT_FALSE(report.checks().empty());
      const Json json = report.to_json();
      EXPECT_FALSE(json["numbers"].empty());
      EXPECT_FALSE(json["figures"].empty());
      const std::string sentence = json["sentence"];
      EXPECT_GT(sentence.size(), 20);
      EXPECT_EQ(sentence.find("nan"), std::string::npos) << sentence;
      EXPECT_EQ(sentence.find("inf "), std::string::npos) << sentence;
    }
  }
}

// From the trials to the verdict, at both lengths.
TEST(Claims, AreJudged) { judge_all(ShortTrials(), {Length::quick, Length::full}); }

TEST(Claims, AreJudgedWhereEveryRunDiverges) { judge_all(ShortTrials(1e30), {Length::quick}); }

}  // namespace
}  // namespace keel::study

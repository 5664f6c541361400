#include "study/study.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>

#include "study/measurements/train.h"
#include "study/nets.h"
#include "support/errors.h"
#include "support/temporary_directory.h"
#include "support/training.h"

namespace keel::study {
namespace {

using testing::message_of;

std::vector<Json> without_seconds(const Study& study) {
  std::vector<Json> claims;
  for (Json claim : study.claims()) {
    claim.erase("seconds");
    claims.push_back(std::move(claim));
  }
  return claims;
}

// Claims about numbers that a trial makes of its setting and seed.
class StudyTest : public ::testing::Test {
 protected:
  StudyTest() {
    number_.name = "number";
    number_.run = [this](const Json& setting, const TrialContext& context) {
      ++runs_;
      const double base = setting.at("base");
      check<ValueError>(base >= 0, "a base below 0");
      return Json{{"value", base + static_cast<double>(context.seed) / 64}, {"diverged", false}};
    };
    number_.seconds = [](const Json&) { return 1.0; };
  }

  // Bases a > b: one more trial is called "once".
  Claim claim(const std::string& id, double a, double b) {
    Claim claim;
    claim.id = id;
    claim.plan = [this, a, b](Plan& plan) {
      plan.add("a", number_, {{"base", a}});
      plan.add("b", number_, {{"base", b}});
      plan.add_once("once", number_, {{"base", 100}});
    };
    claim.judge = [](const Plan&, const Results& results, Report& report) {
      report.expect_more("a is more", results.values("a", "value"), results.values("b", "value"));
      report.add({"once", results.values("once", "value"), 101});
    };
    return claim;
  }

  Study study(const std::vector<Claim>& claims, Index jobs = 1, train::StopRequest interrupted = {},
              const std::string& commit = "unknown") {
    return Study(claims,
                 {.commit = commit,
                  .seeds = 3,
                  .jobs = jobs,
                  .training = data_,
                  .test = data_,
                  .interrupted = interrupted},
                 directory_.path());
  }
  // Of one that nobody watches.
  bool run(Study& study) {
    return study.run([&](const Study::Progress& progress) {
      last_ = progress;
      if (!progress.trouble.empty()) troubles_.push_back(progress.trouble);
      completed_.insert(completed_.end(), progress.claims.begin(), progress.claims.end());
    });
  }
  std::filesystem::path file_of(double base, std::uint64_t seed) const {
    return TrialStore(directory_ / "trials", data_->fingerprint() + data_->fingerprint())
        .path_of(key_of(number_, {{"base", base}}, seed));
  }

  const testing::TemporaryDirectory directory_;
  const data::DatasetPtr data_ = testing::noise({4, 4, 1}, 40, 2);
  Measurement number_;
  std::atomic<int> runs_ = 0;
  Study::Progress last_;
  std::vector<std::string> troubles_, completed_;
};

// What was expected is of a full study's settings.
TEST_F(StudyTest, ShowsWhatWasExpectedOfFullStudiesOnly) {
  Study quick = study({claim("c", 2, 1)});
  EXPECT_TRUE(quick.run([](const auto&) {}));
  const Json found = quick.claims();
  EXPECT_FALSE(found[0]["numbers"][0].contains("expected"));
  EXPECT_TRUE(found[0]["setting"].get<std::string>().ends_with("fewer steps, coarser grids"));
}

TEST_F(StudyTest, RunsTrialsOfEachSeedAndJudges) {
  Study one = study({claim("first", 2, 1), claim("second", 5, 6)});
  EXPECT_FALSE(one.claims()[0]["complete"]);
  EXPECT_TRUE(run(one));
  // Two bases each, at three seeds; and one for both.
  EXPECT_EQ(runs_, 13);
  EXPECT_EQ(last_.done, 13);
  EXPECT_EQ(last_.trials, 13);
  EXPECT_EQ(last_.seconds_left, 0);
  EXPECT_EQ(completed_, (std::vector<std::string>{"first", "second"}));
  const Json claims = one.claims();
  EXPECT_EQ(claims[0]["verdict"], "holds");
  EXPECT_EQ(claims[1]["verdict"], "does not hold");
  EXPECT_EQ(claims[0]["numbers"][0]["values"], Json::array({100 + 1.0 / 64}));
}

TEST_F(StudyTest, SharesTrialsBetweenClaimsAndCalls) {
  Study one = study({claim("first", 2, 1), claim("second", 2, 3)});
  EXPECT_TRUE(run(one));
  EXPECT_EQ(runs_, 10);  // base 2 is in both
  Study again = study({claim("second", 2, 3), claim("third", 3, 4)});
  EXPECT_TRUE(run(again));
  EXPECT_EQ(runs_, 13);
  EXPECT_EQ(again.claims()[0], one.claims()[1]);
  EXPECT_EQ(last_.done, 13 - 3);
}

TEST_F(StudyTest, GivesTheSameForAnyNumberOfJobs) {
  const std::vector<Claim> claims = {claim("first", 2, 1), claim("second", 5, 6), claim("third", 1, 2)};
  Study one = study(claims);
  EXPECT_TRUE(run(one));
  std::filesystem::remove_all(directory_ / "trials");
  Study two = study(claims, 2);
  EXPECT_TRUE(run(two));
  EXPECT_EQ(without_seconds(one), without_seconds(two));
}

TEST_F(StudyTest, GoesOnWhereItWasInterrupted) {
  const std::vector<Claim> claims = {claim("first", 2, 1), claim("second", 5, 6)};
  Study whole = study(claims);
  EXPECT_TRUE(run(whole));
  std::filesystem::remove_all(directory_ / "trials");

  runs_ = 0;
  Study interrupted = study(claims, 1, [this] { return runs_ == 8; });
  EXPECT_FALSE(run(interrupted));
  EXPECT_EQ(runs_, 8);
  EXPECT_EQ(interrupted.claims()[0]["complete"], true);
  EXPECT_EQ(interrupted.claims()[1].dump(), study({claims[1]}).claims()[0].dump());
  EXPECT_FALSE(interrupted.claims()[1].contains("failed"));
  Study going_on = study(claims);
  EXPECT_TRUE(run(going_on));
  EXPECT_EQ(runs_, 13);
  EXPECT_EQ(without_seconds(going_on), without_seconds(whole));
}

TEST_F(StudyTest, TrialsThatAreCutOffAreNotKept) {
  number_.run = [this](const Json&, const TrialContext&) -> Json {
    ++runs_;
    throw train::Interrupted("[study] interrupted");
  };
  Study one = study({claim("first", 2, 1)});
  EXPECT_FALSE(run(one));
  EXPECT_EQ(runs_, 1);
  EXPECT_TRUE(troubles_.empty());
  EXPECT_TRUE(std::filesystem::is_empty(directory_ / "trials"));
}

// As a disk that is full does to what watches.
TEST_F(StudyTest, WhatWatchesMayThrow) {
  for (const Index jobs : {1, 2}) {
    Study one = study({claim("first", 2, 1)}, jobs);
    EXPECT_THROW(one.run([](const auto&) { throw FileError("no space left"); }), FileError) << jobs;
  }
}

TEST_F(StudyTest, ATrialThatFailsIsReportedAndOthersGoOn) {
  Study one = study({claim("failing", -1, 1), claim("second", 5, 6)});
  EXPECT_TRUE(run(one));
  EXPECT_EQ(runs_, 13);
  ASSERT_EQ(troubles_.size(), 3);
  EXPECT_EQ(troubles_[0], "a trial failed: a base below 0 (" + key_of(number_, {{"base", -1.0}}, 1) + ")");
  EXPECT_EQ(one.claims()[0]["complete"], false);
  EXPECT_EQ(one.claims()[0]["failed"], "a base below 0");
  EXPECT_EQ(one.claims()[1]["complete"], true);
  EXPECT_EQ(completed_.back(), "second");
  // The next call tries it again.
  number_.run = [this](const Json&, const TrialContext&) {
    ++runs_;
    return Json{{"value", 1.5}};
  };
  EXPECT_TRUE(run(one));
  EXPECT_EQ(runs_, 16);
  EXPECT_EQ(one.claims()[0]["complete"], true);
}

TEST_F(StudyTest, ARuleThatFailsIsReportedAndOthersGoOn) {
  Claim failing = claim("failing", 2, 1);
  failing.judge = [](const Plan&, const Results& results, Report&) { results.values("a", "speed"); };
  Study one = study({failing, claim("second", 5, 6)});
  EXPECT_TRUE(run(one));
  EXPECT_EQ(one.claims()[0]["complete"], false);
  EXPECT_EQ(one.claims()[0]["failed"], "[study] the trial 'a' gave no 'speed'");
  EXPECT_EQ(one.claims()[1]["complete"], true);
}

TEST_F(StudyTest, RunsDamagedTrialsAgain) {
  Study one = study({claim("first", 2, 1)});
  EXPECT_TRUE(run(one));
  testing::write_text(file_of(2, 1), "{");
  std::filesystem::remove(file_of(2, 2));
  std::string text = testing::text_of(file_of(2, 3));
  const std::string value = Json(2 + 3.0 / 64).dump();
  text.replace(text.find(value), value.size(), "9");
  testing::write_text(file_of(2, 3), text);
  Study again = study({claim("first", 2, 1)});
  EXPECT_TRUE(run(again));
  EXPECT_EQ(runs_, 7 + 3);
  ASSERT_EQ(troubles_.size(), 2);
  for (const std::string& trouble : troubles_) {
    EXPECT_EQ(trouble.find((directory_ / "trials").string()), 0) << trouble;
    EXPECT_TRUE(trouble.ends_with("; the trial is run again")) << trouble;
  }
  EXPECT_EQ(without_seconds(one), without_seconds(again));
}

// A layer that is being written: what an earlier version of it did must not pass for what it does now.
TEST_F(StudyTest, TrialsOfSourcesThatWereInNoCommitAreUsedByTheSameOnesOnly) {
  const auto runs_of = [&](const std::string& commit) {
    troubles_.clear();
    const int before = runs_;
    Study one = study({claim("first", 2, 1)}, 1, {}, commit);
    EXPECT_TRUE(run(one));
    return runs_ - before;
  };
  EXPECT_EQ(runs_of("aa-dirty.01"), 7);
  EXPECT_EQ(runs_of("aa-dirty.01"), 0);
  EXPECT_TRUE(troubles_.empty());
  for (const std::string commit : {"aa-dirty.02", "aa"}) {
    EXPECT_EQ(runs_of(commit), 7);
    ASSERT_EQ(troubles_.size(), 1);
    EXPECT_EQ(troubles_[0].find("7 trials are of sources that were in no commit"), 0) << troubles_[0];
  }
  for (const std::string commit : {"bb", "bb-dirty.01"}) {
    EXPECT_EQ(runs_of(commit), 0);
    ASSERT_EQ(troubles_.size(), 1);
    EXPECT_EQ(troubles_[0].find("7 trials are kept as commit aa found them"), 0) << troubles_[0];
  }
}

TEST_F(StudyTest, ResultsOfOtherDataAndVersionsAreNotUsed) {
  Study one = study({claim("first", 2, 1)});
  EXPECT_TRUE(run(one));
  Study other({claim("first", 2, 1)}, {.seeds = 3, .training = data_, .test = data::take(data_, 20)},
              directory_.path());
  EXPECT_TRUE(run(other));
  EXPECT_EQ(runs_, 14);
  number_.version = 2;
  Study later = study({claim("first", 2, 1)});
  EXPECT_TRUE(run(later));
  EXPECT_EQ(runs_, 21);
}

TEST_F(StudyTest, WhatMeasuresTimeRunsAloneAndLast) {
  std::atomic<int> running = 0;
  std::atomic<bool> met = false, early = false;
  Measurement alone = number_;
  alone.name = "time";
  alone.alone = true;
  alone.run = [&](const Json&, const TrialContext&) {
    met = met || ++running > 1;
    early = early || runs_ < 7;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));  // for others to come, if they may
    --running;
    return Json{{"value", 1.0}};
  };
  Claim timed = claim("timed", 2, 1);
  timed.plan = [&](Plan& plan) {
    plan.add("a", alone, {{"base", 1}});
    plan.add("b", number_, {{"base", 2}});
    plan.add("c", number_, {{"base", 3}});
    plan.add_once("once", number_, {{"base", 100}});
  };
  Study one = study({timed}, 3);
  EXPECT_TRUE(run(one));
  EXPECT_FALSE(met);
  EXPECT_FALSE(early);
  EXPECT_EQ(one.claims()[0]["complete"], true);
}

TEST_F(StudyTest, ARunThatDivergesIsAResult) {
  Claim diverging = claim("diverging", 2, 1);
  diverging.plan = [](Plan& plan) {
    Json setting = probe({.depth = 1, .width = 4}, 1e30, 20);
    setting["batch"] = 10;
    plan.add("a", train_and_test(), setting);
    setting["lr"] = 0.01;
    plan.add("b", train_and_test(), setting);
  };
  diverging.judge = [](const Plan&, const Results& results, Report& report) {
    EXPECT_EQ(results.diverged("a"), 3);
    EXPECT_EQ(results.diverged("b"), 0);
    EXPECT_EQ(results.values("a", "accuracy"), (std::vector<double>{0.5, 0.5, 0.5}));
    EXPECT_TRUE(std::isnan(results.values("a", "loss")[0]));
    report.expect_above("the loss is finite", results.values("a", "loss"), 0);
  };
  Study one = study({diverging}, 2);
  EXPECT_TRUE(run(one));
  EXPECT_TRUE(troubles_.empty());
  EXPECT_EQ(one.claims()[0]["checks"][0]["outcome"], "unclear");
}

TEST_F(StudyTest, TrainsTheSameForAnyNumberOfJobs) {
  Claim training = claim("training", 2, 1);
  training.plan = [](Plan& plan) {
    for (const char* norm : {"none", "batch"}) {
      Json setting = probe({.depth = 2, .width = 8, .norm = norm, .dropout = 0.5}, 0.1, 20);
      setting["batch"] = 10;
      plan.add(norm, train_and_test(), setting);
    }
  };
  training.judge = [](const Plan&, const Results& results, Report& report) {
    for (const char* norm : {"none", "batch"}) report.add({norm, results.values(norm, "loss")});
  };
  Study one = study({training});
  EXPECT_TRUE(run(one));
  std::filesystem::remove_all(directory_ / "trials");
  Study three = study({training}, 3);
  EXPECT_TRUE(run(three));
  EXPECT_EQ(without_seconds(one), without_seconds(three));
  EXPECT_NE(one.claims()[0]["numbers"][0]["values"][0], one.claims()[0]["numbers"][0]["values"][1]);
}

TEST_F(StudyTest, TimeLeftIsThatOfWhatIsLeft) {
  std::vector<double> left;
  Study one = study({claim("first", 2, 1)});
  EXPECT_TRUE(one.run([&](const Study::Progress& progress) {
    left.push_back(progress.seconds_left / progress.seconds * static_cast<double>(progress.done));
  }));
  ASSERT_EQ(left.size(), 7);
  for (std::size_t i = 0; i < left.size(); ++i) EXPECT_NEAR(left[i], 6 - static_cast<double>(i), 1e-9);
}

TEST_F(StudyTest, EstimatesTheTrialsOfAClaim) {
  EXPECT_EQ(estimated_seconds(claim("first", 2, 1), Length::full, 5), 11);
}

TEST_F(StudyTest, LabelsAndPathsThatAreNotThereAreNamed) {
  Plan plan(Length::quick);
  plan.add("a", number_, {{"base", 1}});
  EXPECT_EQ(message_of<ValueError>([&] {
              plan.add_once("a", number_, {{"base", 2}});
            }),
            "[study] two trials are called 'a'");
  Results results;
  results.add("a", {{"curve", {{"loss", {1.5, nullptr}}}}});
  EXPECT_EQ(results.series("a", "curve/loss")[0][0], 1.5);
  EXPECT_TRUE(std::isnan(results.series("a", "curve/loss")[0][1]));
  EXPECT_EQ(message_of<ValueError>([&] { results.values("b", "x"); }), "[study] there is no trial 'b'");
  EXPECT_EQ(message_of<ValueError>([&] { results.values("a", "curve/step"); }),
            "[study] the trial 'a' gave no 'curve/step'");
}

}  // namespace
}  // namespace keel::study

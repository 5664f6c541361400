// A study: the trials that some claims need, and what comes of them.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "study/claim.h"
#include "study/trial_store.h"

namespace keel::study {

struct StudyOptions {
  std::string commit = "unknown";  // of this program
  Length length = Length::quick;
  Index seeds = 5;  // 1, 2, ...
  Index jobs = 1;   // trials at the same time
  data::DatasetPtr training, test;
  train::StopRequest interrupted = {};
};

class Study {
 public:
  // Results are kept below `directory`, and those that are there already are used.
  //   throws: FileError
  Study(std::vector<Claim> claims, StudyOptions options, const std::filesystem::path& directory);

  struct Progress {
    std::size_t done = 0, trials = 0;
    double seconds = 0;                    // that the trials of this call took, added up over cores
    double seconds_left = 0;               // on this many jobs, at the speed so far
    std::vector<std::string> claims = {};  // whose trials have just been completed
    std::string trouble = {};              // with a trial: a file that was damaged, or why it failed; or
                                           // with many: that they are of other programs
  };
  // Runs what is not there yet, or was found by a program whose sources were in no commit and are no longer
  // these. `watch` is called after each trial, by one thread at a time; what it throws ends the run. Ends
  // early, with false, if somebody interrupts: what is finished is kept.
  bool run(const std::function<void(const Progress&)>& watch);

  // What has been found, for each claim: identity, question and so on, and what report.h says, if all its
  // trials are there ("complete"). "failed" says why a trial of it, or the rule of its verdict, failed.
  Json claims() const;
  // Of all trials.
  double seconds() const;
  // How many trials are of which commit.
  std::map<std::string, Index> commits() const;

 private:
  struct Trial {
    const Measurement* measurement;
    Json setting;
    std::uint64_t seed;
    std::string key;
    double estimate;
    std::vector<std::size_t> claims;  // that need it
  };
  void collect(std::size_t claim);
  Json judged(const Claim& claim, const Plan& plan) const;
  bool run_trials(const std::vector<const Trial*>& trials, Index jobs,
                  const std::function<void(const Progress&)>& watch);
  void finish(const Trial& trial, TrialResult result);

  std::vector<Claim> claims_;
  std::vector<Plan> plans_;
  StudyOptions options_;
  TrialStore store_;
  std::vector<Trial> trials_;
  std::map<std::string, std::size_t> by_key_;
  std::map<std::string, TrialResult> results_;
  std::map<std::string, std::string> failures_;  // by key
  Progress progress_;
  // Seconds by the estimates, of what is done and of what is left.
  double estimated_ = 0, estimated_left_ = 0, estimated_alone_left_ = 0;
};

// About how long the trials of a claim take on one core.
double estimated_seconds(const Claim& claim, Length length, Index seeds);

}  // namespace keel::study

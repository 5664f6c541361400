#include "study/study.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>

#include "study/commit.h"
#include "support/jobs.h"

namespace keel::study {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Index seeds_of(const Plan::Entry& entry, Index seeds) { return entry.once ? 1 : seeds; }

Plan planned(const Claim& claim, Length length) {
  Plan plan(length);
  claim.plan(plan);
  return plan;
}

}  // namespace

double estimated_seconds(const Claim& claim, Length length, Index seeds) {
  double sum = 0;
  const Plan plan = planned(claim, length);
  for (const Plan::Entry& entry : plan.entries()) {
    sum += entry.measurement->seconds(entry.setting) * static_cast<double>(seeds_of(entry, seeds));
  }
  return sum;
}

Study::Study(std::vector<Claim> claims, StudyOptions options, const std::filesystem::path& directory)
    : claims_(std::move(claims)),
      options_(std::move(options)),
      store_(directory / "trials", options_.training->fingerprint() + options_.test->fingerprint()) {
  for (std::size_t i = 0; i < claims_.size(); ++i) {
    plans_.push_back(planned(claims_[i], options_.length));
    collect(i);
  }
}

void Study::collect(std::size_t claim) {
  for (const Plan::Entry& entry : plans_[claim].entries()) {
    for (Index seed = 1; seed <= seeds_of(entry, options_.seeds); ++seed) {
      const auto number = static_cast<std::uint64_t>(seed);
      std::string key = key_of(*entry.measurement, entry.setting, number);
      const auto [place, is_new] = by_key_.emplace(key, trials_.size());
      if (is_new) {
        const double estimate = entry.measurement->seconds(entry.setting);
        trials_.push_back({entry.measurement, entry.setting, number, std::move(key), estimate, {}});
      }
      trials_[place->second].claims.push_back(claim);
    }
  }
}

bool Study::run(const std::function<void(const Progress&)>& watch) {
  const auto tell = [&](std::string trouble) {
    progress_.trouble = std::move(trouble);
    watch(progress_);
    progress_.trouble.clear();
  };
  std::vector<const Trial*> together, alone;
  progress_ = {};
  progress_.trials = trials_.size();
  failures_.clear();
  estimated_ = estimated_left_ = estimated_alone_left_ = 0;
  std::map<std::string, Index> kept_of;
  Index outdated = 0;
  for (const Trial& trial : trials_) {
    if (results_.contains(trial.key)) continue;
    std::string problem;
    if (std::optional<TrialResult> found = store_.find(trial.key, &problem)) {
      if (may_use(options_.commit, found->commit)) {
        ++kept_of[found->commit];
        results_.emplace(trial.key, std::move(*found));
        ++progress_.done;
        continue;
      }
      ++outdated;
    }
    if (!problem.empty()) {
      tell(problem + "; the trial is run again");
    }
    (trial.measurement->alone ? estimated_alone_left_ : estimated_left_) += trial.estimate;
    (trial.measurement->alone ? alone : together).push_back(&trial);
  }
  for (const auto& [commit, trials] : kept_of) {
    if (commit == options_.commit) continue;
    tell(fmt::format(
        "{} trials are kept as commit {} found them; another directory by --out has them run anew", trials,
        commit));
  }
  if (outdated > 0) {
    tell(fmt::format(
        "{} trials are of sources that were in no commit and have changed since; they are run again",
        outdated));
  }
  return run_trials(together, options_.jobs, watch) && run_trials(alone, 1, watch);
}

bool Study::run_trials(const std::vector<const Trial*>& trials, Index jobs,
                       const std::function<void(const Progress&)>& watch) {
  std::mutex mutex;
  std::atomic<bool> stopped = false;
  const auto run_one = [&](Index index) {
    const Trial& trial = *trials[static_cast<std::size_t>(index)];
    if (stopped || (options_.interrupted && options_.interrupted())) {
      stopped = true;
      return;
    }
    const auto start = std::chrono::steady_clock::now();
    TrialResult result;
    std::string failure;
    try {
      result.result = trial.measurement->run(
          trial.setting, {trial.seed, options_.training, options_.test, options_.interrupted});
      result.seconds = seconds_since(start);
      result.commit = options_.commit;
      store_.keep(trial.key, result);
      // As a later study reads it: equal to the last bit, whether it ran now or before.
      result = store_.find(trial.key).value();
    } catch (const train::Interrupted&) {
      stopped = true;
      return;
    } catch (const std::exception& error) {
      failure = error.what();
    }
    const std::lock_guard lock(mutex);
    progress_.seconds += seconds_since(start);
    progress_.trouble = failure.empty() ? "" : fmt::format("a trial failed: {} ({})", failure, trial.key);
    if (!failure.empty()) failures_.emplace(trial.key, failure);
    finish(trial, std::move(result));
    if (estimated_ > 0) {
      const double left = estimated_left_ / static_cast<double>(options_.jobs) + estimated_alone_left_;
      progress_.seconds_left = progress_.seconds / estimated_ * left;
    }
    watch(progress_);
  };
  apps::run_jobs(static_cast<Index>(trials.size()), jobs, run_one);
  return !stopped;
}

void Study::finish(const Trial& trial, TrialResult result) {
  if (!failures_.contains(trial.key)) results_.emplace(trial.key, std::move(result));
  ++progress_.done;
  estimated_ += trial.estimate;
  (trial.measurement->alone ? estimated_alone_left_ : estimated_left_) -= trial.estimate;
  progress_.claims.clear();
  for (const std::size_t claim : trial.claims) {
    const bool complete = std::all_of(trials_.begin(), trials_.end(), [&](const Trial& other) {
      return std::find(other.claims.begin(), other.claims.end(), claim) == other.claims.end() ||
             results_.contains(other.key) || failures_.contains(other.key);
    });
    if (complete) progress_.claims.push_back(claims_[claim].id);
  }
}

std::map<std::string, Index> Study::commits() const {
  std::map<std::string, Index> counts;
  for (const auto& [key, result] : results_) ++counts[result.commit];
  return counts;
}

double Study::seconds() const {
  double sum = 0;
  for (const auto& [key, result] : results_) sum += result.seconds;
  return sum;
}

Json Study::judged(const Claim& claim, const Plan& plan) const {
  Results results;
  double seconds = 0;
  for (const Plan::Entry& entry : plan.entries()) {
    for (Index seed = 1; seed <= seeds_of(entry, options_.seeds); ++seed) {
      const std::string key = key_of(*entry.measurement, entry.setting, static_cast<std::uint64_t>(seed));
      const auto failure = failures_.find(key);
      if (failure != failures_.end()) return {{"complete", false}, {"failed", failure->second}};
      const auto found = results_.find(key);
      if (found == results_.end()) return {{"complete", false}};
      results.add(entry.label, found->second.result);
      seconds += found->second.seconds;
    }
  }
  Report report(options_.length, claim.expected_seeds);
  try {
    claim.judge(plan, results, report);
  } catch (const std::exception& error) {  // of a result that its rule is not made for
    return {{"complete", false}, {"failed", error.what()}};
  }
  Json json = {{"complete", true}, {"seconds", seconds}};
  json.update(report.to_json());
  return json;
}

Json Study::claims() const {
  Json all = Json::array();
  for (std::size_t i = 0; i < claims_.size(); ++i) {
    const Claim& claim = claims_[i];
    Json sources = Json::array();
    for (const Source& source : claim.sources) {
      sources.push_back({{"article", name_of(source.article)}, {"quote", source.quote}});
    }
    const bool quick = options_.length == Length::quick;
    const std::string setting = claim.setting + (quick ? "; here quicker: fewer steps, coarser grids" : "");
    Json one = {{"id", claim.id},     {"title", claim.title},
                {"sources", sources}, {"question", claim.question},
                {"setting", setting}, {"measure", claim.measure}};
    one.update(judged(claim, plans_[i]));
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace keel::study

// A claim of the articles, or one of your own, and the experiment that tests it. Each is a file in claims/
// with a function that returns it, named alike: overhead.cpp has `Claim overhead()` of the id "overhead",
// fewer_epochs.cpp `Claim fewer_epochs()` of "fewer-epochs". The build finds it there. A short one to start
// from is claims/slightly_better_accuracy.cpp: its plan() adds trials, by the measurements of measurements/,
// whose headers say what results have, in settings of training.h that probe() of nets.h makes; its judge()
// compares them, as report.h, sweep.h and compare.h help to.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "study/report.h"
#include "study/trial.h"

namespace keel::study {

// The four articles that the claims are from, and the paper that they are about.
enum class Article { transforms, glossary, faster, dropout, paper };
// "How Batch Normalization Transforms Deep Learning Efficiency"
std::string title_of(Article article);
std::vector<Article> all_articles();
// "transforms"
std::string name_of(Article article);

// The trials of a claim, each with a label that the claim's rule asks for them by.
class Plan {
 public:
  explicit Plan(Length length) : length_(length) {}
  bool full() const { return length_ == Length::full; }
  // By length: the first for a quick study, the second for a full one.
  template <class T>
  T choose(T quick, T full_value) const {
    return full() ? full_value : quick;
  }
  // Each is run once for every seed.   throws: ValueError if the label is taken
  void add(const std::string& label, const Measurement& measurement, Json setting);
  // A trial that has nothing random in it: run with the first seed only.
  void add_once(const std::string& label, const Measurement& measurement, Json setting);

  struct Entry {
    std::string label;
    const Measurement* measurement;
    Json setting;
    bool once;
  };
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  void add(Entry entry);

  Length length_;
  std::vector<Entry> entries_;
};

// What the trials of a claim gave: by label, one object a seed.
class Results {
 public:
  void add(const std::string& label, Json result) { results_[label].push_back(std::move(result)); }
  bool has(const std::string& label) const { return results_.contains(label); }
  const std::vector<Json>& at(const std::string& label) const;
  // The number at a path of keys ("steps_to/0.97"), one a seed; NaN where it is null.
  //   throws: ValueError if there is none
  std::vector<double> values(const std::string& label, const std::string& path) const;
  // The numbers of an array at a path, one array a seed.
  std::vector<std::vector<double>> series(const std::string& label, const std::string& path) const;
  // How many seeds diverged.
  Index diverged(const std::string& label) const;

 private:
  std::map<std::string, std::vector<Json>> results_;
};

// An article that makes the claim, and its own words; none where the claim is in ours.
struct Source {
  Article article;
  std::string quote = {};
};

struct Claim {
  std::string id;               // "higher-learning-rates"
  std::string title;            // in a few words
  std::vector<Source> sources;  // that say so; none of a claim of your own
  std::string question;         // that the experiment answers, with a question mark
  std::string setting;          // data, model, training, in a sentence; of a full study
  std::string measure;          // what is compared, and the rule of the verdict
  std::function<void(Plan& plan)> plan;
  // Of how many seeds the expected numbers are the mean, at least.
  int expected_seeds = 1;
  // Fixed before the run: makes of the results the checks that the verdict follows from, numbers and figures.
  std::function<void(const Plan& plan, const Results& results, Report& report)> judge;
};

// All claims, in order of their files' names.
std::vector<Claim> all_claims();

}  // namespace keel::study

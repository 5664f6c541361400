// A trial: one measurement, in one setting, at one seed.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "keel/data/dataset.h"
#include "keel/train/metrics.h"

namespace keel::study {

using Json = nlohmann::ordered_json;

// What a trial may use.
struct TrialContext {
  std::uint64_t seed = 1;  // of initial weights, the order of examples, noise
  data::DatasetPtr training;
  data::DatasetPtr test;
  // To be asked now and then; Interrupted (keel/train/metrics.h) is the answer to true.
  train::StopRequest interrupted = {};
};

// Something that can be measured: a function of the setting, the seed and the data, run on one thread, whose
// result is the same bits each time (but for seconds).
struct Measurement {
  std::string name;
  // To be raised when results that were written before are not what it would give now.
  int version = 1;
  // An object of what was found. Numbers that are not finite are written as null.
  std::function<Json(const Json& setting, const TrialContext& context)> run;
  // About how long it takes on one core.
  std::function<double(const Json& setting)> seconds;
  // Whether it is to have the machine to itself, as it measures time.
  bool alone = false;
};

// Names, setting and seed in one line: equal trials have equal keys, and are run once for all claims.
std::string key_of(const Measurement& measurement, const Json& setting, std::uint64_t seed);

}  // namespace keel::study

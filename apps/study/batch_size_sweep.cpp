#include "study/batch_size_sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "study/compare.h"
#include "study/measurements/train.h"
#include "study/nets.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

// A word, or a layer with what depends on the batch size and the number of steps.
std::string norm_of(const std::string& arm, Index batch_size, Index steps) {
  const auto share = [&](double part) {
    return static_cast<Index>(std::lround(part * static_cast<double>(steps)));
  };
  if (arm == "renorm") {
    return norm_layer(
               "renorm",
               {{"relaxation_begin", share(0.05)}, {"r_max_end", share(0.33)}, {"d_max_end", share(0.2)}})
        .dump();
  }
  if (arm == "full") {
    const double alpha = 0.1 * static_cast<double>(batch_size) / 64 + 0.01;
    return norm_layer("full", {{"alpha", std::min(1.0, alpha)}}).dump();
  }
  if (arm.starts_with("bln")) {
    return norm_layer("bln", {{"batch_size", batch_size}, {"sqrt_scaling", arm == "bln"}}).dump();
  }
  return arm;
}

// Weight normalisation takes its first scales from a batch, of whose size they should not be.
constexpr Index kFirstBatch = 500;

Json one_epoch(const Plan& plan, const std::string& arm, Index batch_size, double rate) {
  const Index steps = plan.choose<Index>(10000, 60000) / batch_size;
  Json setting = probe({.norm = norm_of(arm, batch_size, steps)}, rate, steps);
  setting["batch"] = batch_size;
  if (arm.starts_with("weight")) setting["first_batch"] = kFirstBatch;
  return setting;
}

bool needs_two(const std::string& arm) { return arm == "batch" || arm == "renorm" || arm.ends_with("BN"); }

}  // namespace

std::vector<Index> swept_batch_sizes(const Plan& plan) {
  if (!plan.full()) return {2, 8, 64};
  return {1, 2, 4, 8, 16, 32, 64, 128, 256};
}

std::string at_batch_size(const std::string& arm, Index batch_size) {
  return fmt::format("{} m {}", arm, batch_size);
}

std::string shown_at_batch_size(const std::string& arm, Index batch_size) {
  return fmt::format("{}, batches of {}", arm, batch_size);
}

void plan_batch_size_sweep(Plan& plan, const std::vector<std::string>& arms) {
  for (const std::string& arm : arms) {
    for (const Index size : swept_batch_sizes(plan)) {
      if (size == 1 && needs_two(arm)) continue;
      plan.add(at_batch_size(arm, size), train_and_test(),
               one_epoch(plan, arm, size, 0.1 * static_cast<double>(size) / 64));
    }
  }
}

void plan_rates_at_batch_size(Plan& plan, const std::vector<std::string>& arms, Index batch_size,
                              const std::vector<double>& rates) {
  for (const std::string& arm : arms) {
    for (const double rate : rates) {
      plan.add(at_rate(at_batch_size(arm, batch_size), rate), train_and_test(),
               one_epoch(plan, arm, batch_size, rate));
    }
  }
}

Series over_batch_sizes(const Plan& plan, const Results& results, const std::string& arm) {
  std::vector<double> sizes;
  std::vector<std::string> labels;
  for (const Index size : swept_batch_sizes(plan)) {
    if (!results.has(at_batch_size(arm, size))) continue;
    sizes.push_back(static_cast<double>(size));
    labels.push_back(at_batch_size(arm, size));
  }
  return over_trials(results, arm, sizes, labels);
}

}  // namespace keel::study

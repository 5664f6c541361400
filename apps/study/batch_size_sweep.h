// The family at batch sizes from 1 to 256: one epoch of the probe (nets.h), at a learning rate of 0.1 m / 64.
#pragma once

#include <string>
#include <vector>

#include "study/claim.h"

namespace keel::study {

std::vector<Index> swept_batch_sizes(const Plan& plan);
// "batch m 8"
std::string at_batch_size(const std::string& arm, Index batch_size);
// "batch, batches of 8", as numbers are labelled
std::string shown_at_batch_size(const std::string& arm, Index batch_size);

// Arms are words of norms, or "bln unscaled": without the division by the root of the width. Batches of one
// are left out for norms that have nothing to normalise by there.
void plan_batch_size_sweep(Plan& plan, const std::vector<std::string>& arms);

// The same at one batch size and several learning rates: at_rate(at_batch_size(arm, batch_size), rate).
void plan_rates_at_batch_size(Plan& plan, const std::vector<std::string>& arms, Index batch_size,
                              const std::vector<double>& rates);

// An arm's accuracies over batch sizes, where it has them.
Series over_batch_sizes(const Plan& plan, const Results& results, const std::string& arm);

}  // namespace keel::study

// The MNIST experiment of the paper (Ioffe & Szegedy, arXiv:1502.03167v3, section 4.1): three hidden layers
// of 100 sigmoid units, 50,000 steps of batches of 60. The paper gives no optimiser, learning rate and
// deviation of weights; here plain SGD at three rates, N(0, 0.05^2).
#pragma once

#include <string>
#include <vector>

#include "study/claim.h"

namespace keel::study {

inline const std::vector<double> kPaperRates = {0.1, 0.5, 1};

Index paper_steps(const Plan& plan);
// Trials of train_and_watch_activations() called at_rate("none", rate) and at_rate("batch", rate).
void plan_paper_experiment(Plan& plan, const std::vector<double>& rates);

// A panel of the paper's Figure 1 (b, c): the percentiles over steps, as means over the seeds.
Figure percentiles_of(const Results& results, const std::string& norm, double rate);

}  // namespace keel::study

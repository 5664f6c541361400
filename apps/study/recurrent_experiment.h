// An LSTM of 100 units that reads MNIST images row by row, at batches of 100 and of 4: RMSProp with momentum,
// gradients cut to norm 1 and a random first state, as in Cooijmans et al., arXiv:1603.09025, section 5.1.
#pragma once

#include <array>
#include <string>

#include "study/claim.h"

namespace keel::study {

struct RecurrentArm {
  const char* norm;
  double at_100, at_4;  // expected accuracies
};
inline constexpr std::array<RecurrentArm, 3> kRecurrentArms = {RecurrentArm{"none", 0.952, 0.754},
                                                               RecurrentArm{"layer", 0.957, 0.866},
                                                               RecurrentArm{"batch", 0.972, 0.715}};

// "batch m 4"
std::string recurrent_label(const std::string& norm, Index batch_size);
void plan_recurrent(Plan& plan);
// Numbers and the chart of both claims.
void add_recurrent_findings(const Results& results, Report& report);

}  // namespace keel::study

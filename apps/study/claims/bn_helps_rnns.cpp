#include "study/claim.h"
#include "study/recurrent_experiment.h"

namespace keel::study {
namespace {

void judge(const Plan&, const Results& results, Report& report) {
  const auto accuracy = [&](const char* norm, Index size) {
    return results.values(recurrent_label(norm, size), "accuracy");
  };
  report.expect_more("at batches of 100, BN in the LSTM is better than no norm", accuracy("batch", 100),
                     accuracy("none", 100));
  report.expect_more("at batches of 4, BN in the LSTM is better than no norm", accuracy("batch", 4),
                     accuracy("none", 4));
  add_recurrent_findings(results, report);
}

}  // namespace

Claim bn_helps_rnns() {
  return {.id = "bn-helps-rnns",
          .title = "BN helps recurrent networks",
          .sources = {{Article::dropout}},
          .question = "Does an LSTM learn better with Batch Normalization in its step?",
          .setting =
              "MNIST row by row, LSTM of 100 units, BN with statistics for each timestep, RMSProp 0.001 with "
              "momentum 0.9, gradients cut to norm 1, first state N(0, 0.1^2), weights as PyTorch starts "
              "them, 2,400 steps at batches of 100 and of 4, 5,000 test images",
          .measure = "Test accuracy at the end, with BN minus without",
          .plan = plan_recurrent,
          .judge = judge};
}

}  // namespace keel::study

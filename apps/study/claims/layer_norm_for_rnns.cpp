#include "study/claim.h"
#include "study/recurrent_experiment.h"

namespace keel::study {
namespace {

void judge(const Plan&, const Results& results, Report& report) {
  const auto accuracy = [&](const char* norm, Index size) {
    return results.values(recurrent_label(norm, size), "accuracy");
  };
  report.expect_more("at batches of 100, LN in the LSTM is better than BN", accuracy("layer", 100),
                     accuracy("batch", 100));
  report.expect_more("at batches of 4, LN in the LSTM is better than BN", accuracy("layer", 4),
                     accuracy("batch", 4));
  report.expect_more("at batches of 4, BN in the LSTM is worse than no norm", accuracy("none", 4),
                     accuracy("batch", 4));
  add_recurrent_findings(results, report);
}

}  // namespace

Claim layer_norm_for_rnns() {
  return {.id = "layer-norm-for-rnns",
          .title = "BN is worse in recurrent networks, where LN is preferred",
          .sources = {{Article::transforms}, {Article::glossary}},
          .question = "In an LSTM, is Layer Normalization better than Batch Normalization?",
          .setting =
              "MNIST row by row, LSTM of 100 units, RMSProp 0.001 with momentum 0.9, gradients cut to norm "
              "1, first state N(0, 0.1^2), weights as PyTorch starts them, 2,400 steps at batches of 100 and "
              "of 4, 5,000 test images",
          .measure = "Test accuracy at the end, LN minus BN and none minus BN",
          .plan = plan_recurrent,
          .judge = judge};
}

}  // namespace keel::study

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "keel/core/tensor_ops.h"
#include "keel/nn/layer_norm.h"
#include "study/claim.h"
#include "study/compare.h"
#include "study/exact.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

constexpr Index kRows = 60;
// Fully connected and convolutional.
const std::vector<Shape> kExamples = {{100}, {7, 7, 8}};

Tensor normalized(const Tensor& x, const Shape& example, nn::Mode mode) {
  nn::LayerNorm norm(example);
  nn::Context context(mode);
  return norm(Variable(x), context).value();
}

Json run(const Json&, const TrialContext& context) {
  double permuted = 0, alone = 0, modes = 0;
  for (const Shape& example : kExamples) {
    std::vector<Index> extents = {kRows};
    for (int axis = 0; axis < example.rank(); ++axis) extents.push_back(example[axis]);
    const Tensor x = random_batch(Shape(extents), context.seed, static_cast<std::uint64_t>(example.rank()));
    const Tensor y = normalized(x, example, nn::Mode::training);
    std::vector<std::int32_t> order(static_cast<std::size_t>(kRows));
    std::iota(order.begin(), order.end(), 0);
    Rng(context.seed, Stream::shuffle).shuffle(order);
    const auto difference = [&](const Tensor& part, nn::Mode mode, const Tensor& expected) {
      return largest_difference(normalized(part, example, mode), expected);
    };
    permuted =
        std::max(permuted, difference(gather_rows(x, order), nn::Mode::training, gather_rows(y, order)));
    for (Index row = 0; row < kRows; ++row) {
      alone = std::max(alone, difference(x.rows(row, row + 1), nn::Mode::training, y.rows(row, row + 1)));
    }
    modes = std::max(modes, difference(x, nn::Mode::evaluation, y));
  }
  return {{"permuted", permuted}, {"alone", alone}, {"modes", modes}};
}

const Measurement& independence() {
  static const Measurement measurement = {
      .name = "layer_norm_independence", .run = run, .seconds = [](const Json&) { return 0.02; }};
  return measurement;
}

void plan(Plan& plan) { plan.add("LN", independence(), Json::object()); }

void judge(const Plan&, const Results& results, Report& report) {
  const auto values = [&](const char* path) { return results.values("LN", path); };
  report.expect_all_at_most("Examples in another order: the same outputs in that order", values("permuted"),
                            0);
  report.expect_all_at_most("An example alone: the same outputs as in the batch", values("alone"), 0);
  report.expect_all_at_most("Training and evaluation: the same outputs", values("modes"), 0);
  report.add({"largest difference in another order", values("permuted")});
  report.add({"largest difference alone", values("alone")});
  report.add({"largest difference between modes", values("modes")});
  report.add(chart_of_values(
      "How much LN's outputs change", "largest difference",
      {{"other order", values("permuted")}, {"alone", values("alone")}, {"evaluation", values("modes")}}));
  const double largest =
      std::max({mean_of(values("permuted")), mean_of(values("alone")), mean_of(values("modes"))});
  report.set_sentence(
      fmt::format("LN gives an example {} with the batch in another order, alone, and in evaluation.",
                  the_same("outputs", largest)));
}

}  // namespace

Claim layer_norm_ignores_batch() {
  return {.id = "layer-norm-ignores-batch",
          .title = "LN is independent of the batch",
          .sources = {{Article::glossary}, {Article::dropout}},
          .question = "Does LN give an example the same outputs whatever else is in the batch?",
          .setting = fmt::format("One LN layer on random batches of {} examples, of shapes {} and {}", kRows,
                                 kExamples[0], kExamples[1]),
          .measure = "Largest differences of outputs in another order, alone, and in evaluation; none at all",
          .plan = plan,
          .judge = judge};
}

}  // namespace keel::study

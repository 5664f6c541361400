#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "keel/core/tensor_ops.h"
#include "keel/nn/batch_norm.h"
#include "study/claim.h"
#include "study/compare.h"
#include "study/exact.h"
#include "study/sweep.h"

namespace keel::study {
namespace {

constexpr Index kImages = 16, kSide = 7, kChannels = 8, kPositions = kImages * kSide * kSide;
constexpr double kBound = 1e-6;
const Shape kShape = {kImages, kSide, kSide, kChannels};

Tensor normalized(const Tensor& x) {
  nn::BatchNorm norm(x.size(-1));
  nn::Context context(nn::Mode::training);
  return norm(Variable(x), context).value();
}

// The positions of all images, mixed.
Tensor mixed(const Tensor& x, std::span<const std::int32_t> order) {
  return gather_rows(x.reshape({kPositions, kChannels}), order).reshape(kShape);
}

Json run(const Json&, const TrialContext& context) {
  const Tensor x = random_batch(kShape, context.seed);
  const Tensor y = normalized(x);
  std::vector<std::int32_t> order(static_cast<std::size_t>(kPositions));
  std::iota(order.begin(), order.end(), 0);
  Rng(context.seed, Stream::shuffle).shuffle(order);

  // Channel 0 stays, all others are of other images.
  const Tensor others = random_batch(kShape, context.seed, 1);
  const Tensor changed = concatenate({slice(x, 3, 0, 1), slice(others, 3, 1, kChannels)}, 3);
  // What one image is given depends on the others.
  const Tensor first = normalized(x.rows(0, 1));
  return {
      {"mixed", largest_difference(normalized(mixed(x, order)), mixed(y, order))},
      {"other_channels", largest_difference(slice(normalized(changed), 3, 0, 1), slice(y, 3, 0, 1))},
      {"parameters_a_channel", static_cast<double>(nn::BatchNorm(kChannels).num_parameters()) / kChannels},
      {"other_images", largest_difference(first, y.rows(0, 1))}};
}

const Measurement& channels() {
  static const Measurement measurement = {
      .name = "per_channel", .run = run, .seconds = [](const Json&) { return 0.01; }};
  return measurement;
}

void plan(Plan& plan) { plan.add("BN", channels(), Json::object()); }

void judge(const Plan&, const Results& results, Report& report) {
  const auto values = [&](const char* path) { return results.values("BN", path); };
  report.expect_all_at_most("Positions and images may be mixed: outputs move with them", values("mixed"),
                            kBound);
  report.expect_all_at_most("A channel does not depend on the others", values("other_channels"), 0);
  report.expect_all_at_most("A channel has two parameters, whatever the number of positions",
                            values("parameters_a_channel"), 2);
  report.expect_all_above("A channel's statistics are of all images: one alone is normalised differently",
                          values("other_images"), kBound);
  report.add({"largest difference after mixing", values("mixed")});
  report.add({"largest difference if the other channels change", values("other_channels")});
  report.add({"parameters of a channel", values("parameters_a_channel")});
  report.add({"largest difference between an image alone and in the batch", values("other_images")});
  report.add(chart_of_differences("What changes the output of a channel",
                                  {{"mixed positions", values("mixed")},
                                   {"other channels", values("other_channels")},
                                   {"other images", values("other_images")}},
                                  kBound));
  report.set_sentence(fmt::format(
      "With the positions of all images mixed, each gets {}; with all other channels changed, a channel gets "
      "{}; each channel has {:g} parameters.",
      the_same("outputs", mean_of(values("mixed"))), the_same("outputs", mean_of(values("other_channels"))),
      mean_of(values("parameters_a_channel"))));
}

}  // namespace

Claim per_channel() {
  return {
      .id = "per-channel",
      .title = "In convolutional networks BN normalises per channel",
      .sources = {{Article::transforms}},
      .question = "Does BN treat all positions of all images as one set, channel by channel?",
      .setting = fmt::format("One BN layer in training on random images of shape {}", kShape),
      .measure = fmt::format(
          "Largest differences of outputs when positions are mixed (at most {:g}) and when other channels "
          "change (none); parameters of a channel",
          kBound),
      .plan = plan,
      .judge = judge};
}

}  // namespace keel::study

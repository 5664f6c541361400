#include "keel/nn/fold_batch_norm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "keel/nn/activation.h"
#include "keel/nn/batch_norm.h"
#include "keel/nn/batch_renorm.h"
#include "keel/nn/conv2d.h"
#include "keel/nn/dense.h"
#include "keel/nn/model_description.h"
#include "keel/nn/noisy_batch_norm.h"
#include "support/check_module.h"
#include "support/errors.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using nn::fold_batch_norm;
using nn::ModelDescription;
using nn::NormPosition;
using nn::Sequential;
using testing::message_of;
using testing::random_tensor;
using testing::same_bits;

bool is_norm(const nn::Module& module) {
  return module.kind() == "batch_norm" || module.kind() == "batch_renorm" || module.kind() == "full_norm";
}

// As training might leave them; every second gamma is negative.
void randomize_norms(nn::Module& model) {
  Rng rng(5, Stream::test);
  model.visit([&](const std::string&, nn::Module& module) {
    if (!is_norm(module)) return;
    for (nn::NamedVariable& named : module.named_state()) {
      const bool shifts = named.name == "bias" || named.name == "running_mean";
      if (!shifts && named.name != "weight" && !named.name.starts_with("running_")) continue;
      float* const values = named.variable.mutable_value().data<float>();
      for (Index c = 0; c < named.variable.shape()[0]; ++c) {
        const double sign = named.name == "weight" && c % 2 == 0 ? -1 : 1;
        values[c] = static_cast<float>(shifts ? rng.uniform(-0.5, 0.5) : sign * rng.uniform(0.5, 1.5));
      }
    }
  });
}

Tensor evaluated(nn::Module& model, const Tensor& x) {
  nn::Context context(nn::Mode::evaluation);
  return model(Variable(x), context).value().to(DType::float64);
}

// The largest difference of the logits of two models, relative to the largest logit.
double difference(nn::Module& a, nn::Module& b, const Shape& input, DType dtype) {
  const Tensor x = random_tensor(input, 3, dtype);
  const Tensor right = evaluated(a, x), found = evaluated(b, x);
  EXPECT_TRUE(right.shape() == found.shape());
  double worst = 0, largest = 0;
  for (Index i = 0; i < right.numel(); ++i) {
    largest = std::max(largest, std::abs(right.data<double>()[i]));
    const double error = std::abs(found.data<double>()[i] - right.data<double>()[i]);
    if (!(error <= worst)) worst = error;
  }
  return worst / largest;
}

Index norms_of(nn::Module& model) {
  Index count = 0;
  model.visit([&](const std::string&, nn::Module& module) { count += is_norm(module); });
  return count;
}

void expect_folds(const std::shared_ptr<Sequential>& model, const Shape& input, const std::string& what) {
  randomize_norms(*model);
  const Index norms = norms_of(*model);
  ASSERT_GT(norms, 0) << what;
  const auto narrow = fold_batch_norm(*model);
  EXPECT_EQ(norms_of(*narrow.model), 0) << what;
  EXPECT_EQ(narrow.folded.size(), norms) << what;
  EXPECT_LE(difference(*model, *narrow.model, input, DType::float32), 1e-5) << what;
  model->to(DType::float64);
  EXPECT_LE(difference(*model, *fold_batch_norm(*model).model, input, DType::float64), 1e-12) << what;
}

std::shared_ptr<Sequential> model_of(const std::string& layers, const Shape& input, Index classes = 3) {
  return ModelDescription::parse(R"({"layers": [)" + layers + "]}", "test")
      .build(input, classes, Rng(1, Stream::initialization));
}

constexpr NormPosition kBefore = NormPosition::before_activation;
constexpr NormPosition kAfter = NormPosition::after_activation;

TEST(FoldBatchNorm, FoldsTheNamedModels) {
  const auto expect = [](const std::string& name, NormPosition position) {
    const auto description = ModelDescription::named(
        name, {.batch_norm = true, .norm_position = position, .dropout = 0.5, .init = "he_normal"});
    expect_folds(description.build({16, 16, 2}, 5, Rng(1, Stream::initialization)), {4, 16, 16, 2}, name);
  };
  for (const std::string& name : ModelDescription::named_models()) expect(name, kBefore);
  // Behind the activation: into the layer behind, through dropout, pooling and flatten.
  expect("mlp", kAfter);
  expect("lenet5", kAfter);
}

TEST(FoldBatchNorm, FoldsIntoTheLayerInFront) {
  const auto expect = [](const std::string& layers, const Shape& input = {5, 6, 4}) {
    expect_folds(
        model_of(layers + R"(, {"layer": "flatten"}, {"layer": "dense", "units": "classes"})", input),
        {3, input[0], input[1], input[2]}, layers);
  };
  const std::string norm = R"({"layer": "batch_norm"})";
  expect(R"({"layer": "conv2d", "filters": 6, "kernel": 3, "bias": false},)" + norm);
  expect(R"({"layer": "conv2d", "filters": 6, "kernel": 3, "padding": "same", "stride": 2, "groups": 2},)" +
         norm);
  expect(R"({"layer": "dense", "units": 7, "bias": false},)" + norm);
  // In evaluation a BatchNorm.
  expect(R"({"layer": "dense", "units": 7}, {"layer": "noisy_batch_norm"})");
  expect(R"({"layer": "dense", "units": 7}, {"layer": "dropout"}, {"layer": "batch_norm", "scale": false})");
  expect(
      R"({"layer": "dense", "units": 7}, {"layer": "avg_pool2d"}, {"layer": "batch_norm", "center": false})");
  expect(R"({"layer": "dense", "units": 7},)" + norm +
         R"(, {"layer": "relu"}, {"layer": "dense", "units": 3},)" + norm);
}

TEST(FoldBatchNorm, FoldsIntoTheLayerBehind) {
  const auto expect = [](const std::string& layers, const Shape& input = {5, 6, 4}) {
    expect_folds(
        model_of(layers + R"(, {"layer": "flatten"}, {"layer": "dense", "units": "classes"})", input),
        {3, input[0], input[1], input[2]}, layers);
  };
  const std::string norm = R"({"layer": "batch_norm"})";
  expect(norm);
  expect(R"({"layer": "relu"},)" + norm +
         R"(, {"layer": "conv2d", "filters": 6, "kernel": 3, "bias": false})");
  expect(norm + R"(, {"layer": "dropout"}, {"layer": "conv2d", "filters": 6, "kernel": [1, 3], "groups": 2,
                      "stride": 2, "dilation": 2})");
  expect(norm + R"(, {"layer": "avg_pool2d", "kernel": 3, "padding": 1, "count_include_pad": false})");
  // Between two that go into the same layer.
  expect(norm + R"(, {"layer": "dense", "units": 6}, {"layer": "batch_norm"})");
  // With padding: exact if nothing is shifted.
  const auto unshifted = model_of(
      R"({"layer": "batch_norm", "center": false}, {"layer": "conv2d", "filters": 3, "kernel": 3, "padding": 1},
         {"layer": "global_avg_pool2d"})",
      {5, 6, 4});
  randomize_norms(*unshifted);
  dynamic_cast<nn::BatchNorm&>(*unshifted->children()[0].module).running_mean.mutable_value().fill(0);
  EXPECT_LE(difference(*unshifted, *fold_batch_norm(*unshifted).model, {2, 5, 6, 4}, DType::float32), 1e-5);
}

TEST(FoldBatchNorm, FoldsWhatIsBatchNormInEvaluation) {
  const std::string conv = R"({"layer": "conv2d", "filters": 6, "kernel": 3, "bias": false})";
  const std::string end = R"(, {"layer": "flatten"}, {"layer": "dense", "units": "classes"})";
  for (const std::string name : {"batch_renorm", "full_norm"}) {
    const std::string norm = fmt::format(R"({{"layer": "{}"}})", name);
    expect_folds(model_of(conv + "," + norm + R"(, {"layer": "relu"})" + end, {5, 6, 4}), {3, 5, 6, 4},
                 name + " behind a layer");
    expect_folds(model_of(norm + R"(, {"layer": "avg_pool2d"})" + end, {6, 6, 2}), {3, 6, 6, 2},
                 name + " in front of one");
    const auto model = model_of(R"({"layer": "relu"},)" + norm + R"(, {"layer": "tanh"})" + end, {3});
    EXPECT_EQ(message_of<ValueError>([&] { fold_batch_norm(*model); }),
              fmt::format("[fold_batch_norm] layer 1 ({}) cannot be folded: relu is in front of it, and tanh "
                          "is behind it",
                          name));
  }
  // A deviation that is less than epsilon alone makes it counts as that, as in evaluation.
  const auto small = model_of(R"({"layer": "batch_renorm"})" + end, {3});
  dynamic_cast<nn::BatchRenorm&>(*small->children()[0].module).running_deviation.mutable_value().fill(1e-4);
  EXPECT_LE(difference(*small, *fold_batch_norm(*small).model, {2, 3}, DType::float32), 1e-5);
}

TEST(FoldBatchNorm, GivesAModelForEvaluationAndLeavesTheOriginalAlone) {
  const auto model = ModelDescription::named("resnet20").build({8, 8, 1}, 3, Rng(1, Stream::initialization));
  randomize_norms(*model);
  const auto before = model->clone();
  const auto folded = fold_batch_norm(*model);
  EXPECT_EQ(folded.folded.size(), 21);
  EXPECT_EQ(folded.folded[0], "1");
  EXPECT_EQ(folded.folded[1], "3.body.1");
  EXPECT_TRUE(folded.kept.empty());
  // Names are the original's, less BatchNorm's.
  EXPECT_EQ(folded.model->named_parameters()[0].name, "0.weight");
  EXPECT_EQ(folded.model->named_parameters()[1].name, "0.bias");
  EXPECT_EQ(folded.model->named_parameters()[4].name, "3.body.3.weight");
  nn::Context training(nn::Mode::training);
  const Variable x(Tensor::zeros({2, 8, 8, 1}));
  EXPECT_EQ(message_of<Error>([&] { (*folded.model)(x, training); }),
            "layer evaluation_only (evaluation_only): [fold_batch_norm] a model with folded BatchNorm is for "
            "evaluation: train the original");
  // Neither shares anything with the other.
  for (auto& variable : folded.model->parameters()) variable.mutable_value().fill(0);
  for (std::size_t i = 0; i < model->parameters().size(); ++i) {
    EXPECT_TRUE(same_bits(model->parameters()[i].value(), before->parameters()[i].value()));
  }
  EXPECT_TRUE(same_bits(evaluated(*folded.model, x.value()), evaluated(*folded.model->clone(), x.value())));
}

TEST(FoldBatchNorm, CopiesAModelWithoutBatchNorm) {
  const auto model = ModelDescription::named("mlp").build({4, 4, 1}, 3, Rng(1, Stream::initialization));
  const auto folded = fold_batch_norm(*model);
  EXPECT_TRUE(folded.folded.empty());
  EXPECT_EQ(difference(*model, *folded.model, {3, 4, 4, 1}, DType::float32), 0);
  EXPECT_FALSE(folded.model->parameters()[0].value().shares_elements_with(model->parameters()[0].value()));
}

TEST(FoldBatchNorm, RefusesWhatIsNotExact) {
  const auto reason = [](const std::string& layers) {
    const auto model = model_of(layers, {6, 6, 2}, 2);
    randomize_norms(*model);
    const auto kept = fold_batch_norm(*model, {.keep_unfoldable = true});
    if (kept.kept.size() != 1) return fmt::format("kept {}", kept.kept.size());
    EXPECT_EQ(difference(*model, *kept.model, {3, 6, 6, 2}, DType::float32), 0);
    const std::string message = message_of<ValueError>([&] { fold_batch_norm(*model); });
    EXPECT_EQ(message, fmt::format("[fold_batch_norm] layer {} (batch_norm) cannot be folded: {}",
                                   kept.kept[0].path, kept.kept[0].reason));
    return kept.kept[0].path + ": " + kept.kept[0].reason;
  };
  const std::string norm = R"({"layer": "batch_norm"})";
  const std::string same = R"({"layer": "conv2d", "filters": 2, "kernel": 3, "padding": "same"})";
  const std::string end = R"(, {"layer": "global_avg_pool2d"})";
  EXPECT_EQ(
      reason(R"({"layer": "relu"},)" + norm + "," + same + end),
      "1: relu is in front of it, and the conv2d behind it pads with zeros, which BatchNorm would shift");
  EXPECT_EQ(reason(same + R"(, {"layer": "max_pool2d"},)" + norm + end),
            "2: max_pool2d is in front of it, and no layer is behind it");
  EXPECT_EQ(reason(same + R"(, {"layer": "flatten"}, {"layer": "batch_norm"}, {"layer": "relu"},
                             {"layer": "dense", "units": 2})"),
            "2: flatten is in front of it, and relu is behind it");
  EXPECT_EQ(
      reason(same + R"(, {"layer": "avg_pool2d", "kernel": 3, "padding": 1}, {"layer": "batch_norm"})" + end),
      "2: avg_pool2d is in front of it, and no layer is behind it");
  EXPECT_EQ(reason(R"({"layer": "residual", "body": [{"layer": "batch_norm"}, {"layer": "relu"}]})" + end),
            "0.body.0: no layer is in front of it, and relu is behind it");
  EXPECT_EQ(reason(same + R"(, {"layer": "batch_norm", "track_running_stats": false})" + end),
            "1: it has no running statistics");
  EXPECT_EQ(reason(same + R"(, {"layer": "batch_norm", "axis": 1})" + end),
            "1: its channels are in axis 1, not in the last, where weights have theirs");
}

TEST(FoldBatchNorm, RefusesLayersThatAreUsedTwiceOrHidden) {
  Rng rng(1, Stream::initialization);
  const auto dense = std::make_shared<nn::Dense>(3, 3, rng);
  Sequential twice;
  twice.add(dense);
  twice.add<nn::BatchNorm>(3);
  twice.add(dense);
  EXPECT_EQ(message_of<ValueError>([&] { fold_batch_norm(twice); }),
            "[fold_batch_norm] layer 1 (batch_norm) cannot be folded: the layer in front of it is used in "
            "several places, and the layer behind it is used in several places");

  struct Composite final : nn::Layer<Composite> {
    nn::Child<nn::BatchNorm> norm = child("norm", std::make_shared<nn::BatchNorm>(3));
    Variable forward(const Variable& x, nn::Context& context) override { return norm(x, context); }
  };
  Sequential hidden;
  hidden.add(dense);
  hidden.add<Composite>();
  EXPECT_EQ(message_of<ValueError>([&] { fold_batch_norm(hidden); }),
            "[fold_batch_norm] layer 1.norm (batch_norm) cannot be folded: Composite is no Sequential and no "
            "Residual, so what is next to it is not known");
  EXPECT_EQ(
      difference(hidden, *fold_batch_norm(hidden, {.keep_unfoldable = true}).model, {2, 3}, DType::float32),
      0);

  struct Noisy final : nn::Layer<Noisy> {
    nn::Child<nn::NoisyBatchNorm> norm = child("norm", std::make_shared<nn::NoisyBatchNorm>(3));
    Variable forward(const Variable& x, nn::Context& context) override { return norm(x, context); }
  };
  Sequential noisy;
  noisy.add(dense);
  noisy.add<Noisy>();
  const auto kept = fold_batch_norm(noisy, {.keep_unfoldable = true}).kept;
  ASSERT_EQ(kept.size(), 1);  // and not its inner BatchNorm as well
  EXPECT_EQ(kept[0].path, "1.norm");

  Sequential broken;
  broken.add(dense);
  broken.add<nn::BatchNorm>(3).running_var.mutable_value().fill(-1);
  EXPECT_EQ(
      message_of<ValueError>([&] { fold_batch_norm(broken); }),
      "[fold_batch_norm] layer 1 (batch_norm) cannot be folded: its channel 0 has mean 0 and variance -1: "
      "expected finite statistics");
}

}  // namespace
}  // namespace keel

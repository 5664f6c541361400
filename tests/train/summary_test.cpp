#include "keel/train/summary.h"

#include <gtest/gtest.h>

#include "keel/nn/activation.h"
#include "keel/nn/dense.h"
#include "keel/nn/flatten.h"
#include "keel/nn/models.h"
#include "support/errors.h"
#include "train/support.h"

namespace keel::train {
namespace {

using keel::testing::message_of;

TEST(Summary, OfTheExperimentsMlp) {
  const auto model = nn::mlp(Rng(1, Stream::initialization), {.batch_norm = true});
  const Index first = 784 * 128 + 128, norm = 2 * 128, second = 128 * 10 + 10;
  const Index buffers = 2 * 128 + 1;  // running mean and variance, and the count of batches
  EXPECT_EQ(summary_table(*model, {28, 28, 1}),
            fmt::format("layer  kind        output shape  parameters\n"
                        "-------------------------------------------\n"
                        "       input       [N,28,28,1]             \n"
                        "0      flatten     [N,784]                0\n"
                        "1      dense       [N,128]       {:>10}\n"
                        "2      relu        [N,128]                0\n"
                        "3      batch_norm  [N,128]       {:>10}\n"
                        "4      dense       [N,10]        {:>10}\n"
                        "-------------------------------------------\n"
                        "       total                     {:>10}\n"
                        "buffers (not trained): {}\n",
                        first, norm, second, first + norm + second, buffers));
}

TEST(Summary, ListsTheLayersOfNestedContainers) {
  Rng rng(1, Stream::initialization);
  const auto inner = std::make_shared<nn::Sequential>();
  inner->add("hidden", std::make_shared<nn::Dense>(6, 5, rng));
  inner->add<nn::Tanh>();
  const auto outer = std::make_shared<nn::Sequential>();
  outer->add("inner", inner);
  outer->add("last", std::make_shared<nn::Dense>(5, 2, rng, nn::DenseOptions{.bias = false}));
  nn::Sequential model;
  model.add<nn::Flatten>();
  model.add("body", outer);

  const std::vector<LayerSummary> layers = summarize(model, {3, 2});
  std::vector<std::string> lines;
  for (const LayerSummary& layer : layers) {
    lines.push_back(fmt::format("{} {} {} {}", layer.path, layer.kind, layer.output_shape, layer.parameters));
  }
  EXPECT_EQ(lines, (std::vector<std::string>{"0 flatten [1,6] 0", "body.inner.hidden dense [1,5] 35",
                                             "body.inner.1 tanh [1,5] 0", "body.last dense [1,2] 10"}));
  // A long path makes its column wider.
  EXPECT_EQ(summary_table(model, {3, 2}),
            "layer              kind     output shape  parameters\n"
            "----------------------------------------------------\n"
            "                   input    [N,3,2]                 \n"
            "0                  flatten  [N,6]                  0\n"
            "body.inner.hidden  dense    [N,5]                 35\n"
            "body.inner.1       tanh     [N,5]                  0\n"
            "body.last          dense    [N,2]                 10\n"
            "----------------------------------------------------\n"
            "                   total                          45\n"
            "buffers (not trained): 0\n");
}

TEST(Summary, OfAModelThatIsNoContainer) {
  Rng rng(1, Stream::initialization);
  nn::Dense model(4, 3, rng);
  const std::vector<LayerSummary> layers = summarize(model, {4});
  ASSERT_EQ(layers.size(), 1U);
  EXPECT_EQ(layers[0].path, "");
  EXPECT_EQ(layers[0].kind, "dense");
  EXPECT_EQ(layers[0].output_shape, (Shape{1, 3}));
  EXPECT_EQ(layers[0].parameters, 15);
}

TEST(Summary, OfAnInputThatDoesNotFitIsTheLayersError) {
  const auto model = nn::mlp(Rng(1, Stream::initialization), {});
  EXPECT_EQ(message_of<ShapeError>([&] {
              summary_table(*model, {27, 28, 1});
            }),
            "layer 1 (dense): [dense] input [2,756] does not fit weight [784,128]: expected 784 features "
            "along the last axis");
}

TEST(Summary, LeavesTheModelAsItIs) {
  const auto model = testing::small_mlp({.batch_norm = true, .dropout = 0.5});
  const std::vector<double> before = testing::state_of(*model);
  summary_table(*model, {12, 10, 2});
  EXPECT_EQ(testing::state_of(*model), before);
  EXPECT_TRUE(is_recording());
}

}  // namespace
}  // namespace keel::train

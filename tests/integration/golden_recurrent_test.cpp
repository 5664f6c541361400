// Recurrent layers against PyTorch: all steps' outputs, and all gradients.
#include <gtest/gtest.h>

#include <memory>

#include "keel/nn/gru.h"
#include "keel/nn/lstm.h"
#include "keel/nn/rnn.h"
#include "support/golden.h"

namespace keel::golden {
namespace {

std::shared_ptr<nn::Recurrent> make_layer(const Json& item) {
  const std::string kind = item.at("options").at("kind"), norm = item.at("options").at("norm");
  const Shape x = shape_of(item.at("inputs").at("x")),
              weight = shape_of(item.at("inputs").at("weight_hh_l0"));
  const nn::RecurrentOptions options = {.return_sequences = true,
                                        .norm = norm == "none"    ? nn::RecurrentNorm::none
                                                : norm == "layer" ? nn::RecurrentNorm::layer
                                                                  : nn::RecurrentNorm::batch,
                                        .timesteps = x[1],
                                        .epsilon = item.at("options").at("epsilon")};
  Rng rng(1, Stream::initialization);
  if (kind == "lstm") return std::make_shared<nn::LSTM>(x[2], weight[0], rng, options);
  if (kind == "gru") return std::make_shared<nn::GRU>(x[2], weight[0], rng, options);
  return std::make_shared<nn::RNN>(x[2], weight[0], rng, options,
                                   kind == "rnn_relu" ? nn::RNNActivation::relu : nn::RNNActivation::tanh);
}

class GoldenRecurrent : public ::testing::TestWithParam<DType> {};

TEST_P(GoldenRecurrent, LayersAreThoseOfPyTorch) {
  const DType dtype = GetParam();
  for (const Json& item : cases("recurrent")) {
    SCOPED_TRACE(item.at("name"));
    const std::shared_ptr<nn::Recurrent> layer = make_layer(item);
    layer->to(dtype);
    ASSERT_EQ(layer->named_parameters().size(), item.at("inputs").size() - 1);
    for (auto& [name, parameter] : layer->named_parameters()) {
      ASSERT_EQ(parameter.shape(), shape_of(item.at("inputs").at(name))) << name;
      parameter.mutable_value().copy_from(make(item.at("inputs").at(name), dtype));
    }
    const Variable x(make(item.at("inputs").at("x"), dtype), true);
    nn::Context context(nn::Mode::training);
    const Variable y = (*layer)(x, context);
    EXPECT_TRUE(is_close(y.value(), item.at("output"), tolerance_of(dtype))) << "output";
    y.backward(make(item.at("cotangent"), dtype));
    EXPECT_TRUE(is_close(x.grad(), item.at("gradients").at("x"), tolerance_of(dtype))) << "dx";
    for (const auto& [name, parameter] : layer->named_parameters()) {
      EXPECT_TRUE(is_close(parameter.grad(), item.at("gradients").at(name), tolerance_of(dtype))) << name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Types, GoldenRecurrent, ::testing::Values(DType::float64, DType::float32),
                         [](const auto& each) { return std::string(name_of(each.param)); });

}  // namespace
}  // namespace keel::golden

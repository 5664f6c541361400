#include "keel/nn/residual.h"

#include <gtest/gtest.h>

#include "keel/nn/activation.h"
#include "keel/nn/conv2d.h"
#include "keel/nn/dense.h"
#include "support/check_module.h"
#include "support/errors.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using nn::Residual;
using nn::Sequential;
using testing::check_module;
using testing::message_of;
using testing::random_tensor;
using testing::same_bits;

std::shared_ptr<Sequential> convolutions(Rng& rng, Index channels, Index stride) {
  auto body = std::make_shared<Sequential>();
  body->add<nn::Conv2d>(2, channels, 3, rng,
                        nn::Conv2dLayerOptions{.convolution = {.stride = stride, .padding = 1, .groups = 1}});
  body->add<nn::Tanh>();
  return body;
}

TEST(Residual, IsASoundLayer) {
  EXPECT_TRUE(check_module([](Rng& rng) { return std::make_shared<Residual>(convolutions(rng, 2, 1)); },
                           {.input = random_tensor({2, 3, 4, 2}), .output_shape = {2, 3, 4, 2}}));
  EXPECT_TRUE(check_module(
      [](Rng& rng) {
        const auto body = convolutions(rng, 3, 2);
        auto shortcut = std::make_shared<Sequential>();
        shortcut->add<nn::Conv2d>(2, 3, 1, rng, nn::Conv2dLayerOptions{.convolution = {.stride = 2}});
        return std::make_shared<Residual>(body, shortcut);
      },
      {.input = random_tensor({2, 3, 4, 2}), .output_shape = {2, 2, 2, 3}}));
}

TEST(Residual, AddsWhatGoesIn) {
  Rng rng(1, Stream::initialization);
  const auto body = convolutions(rng, 2, 1);
  Residual layer(body);
  nn::Context context(nn::Mode::evaluation);
  const Variable x(random_tensor({1, 3, 4, 2}, 1, DType::float32));
  EXPECT_TRUE(same_bits(layer(x, context).value(), add((*body)(x, context), x).value()));
  EXPECT_EQ(layer.kind(), "residual");
  EXPECT_EQ(layer.named_parameters()[0].name, "body.0.weight");
}

TEST(Residual, RejectsPartsThatDoNotFit) {
  Rng rng(1, Stream::initialization);
  EXPECT_EQ(message_of<ValueError>([] { Residual(nullptr); }),
            "[module] expected a module as 'body', found none");
  nn::Context context(nn::Mode::evaluation);
  // [1,3,4,1] would broadcast against [1,3,4,2].
  Residual layer(convolutions(rng, 1, 1));
  EXPECT_EQ(message_of<ShapeError>([&] {
              layer(Variable(Tensor::zeros({1, 3, 4, 2})), context);
            }),
            "[residual] expected body and shortcut of one shape, found [1,3,4,1] and [1,3,4,2] for input "
            "[1,3,4,2]");
}

}  // namespace
}  // namespace keel

#include "keel/nn/embedding.h"

#include <gtest/gtest.h>

#include "keel/autograd/gradcheck.h"
#include "keel/nn/model_description.h"
#include "keel/ops/embedding.h"
#include "support/check_module.h"
#include "support/errors.h"
#include "support/random_tensor.h"
#include "support/threads.h"

namespace keel {
namespace {

using nn::Embedding;
using testing::message_of;
using testing::random_tensor;
using testing::same_bits;
using Inputs = std::vector<Variable>;

Variable run(nn::Module& layer, const Tensor& x) {
  nn::Context context(nn::Mode::training);
  return layer(Variable(x), context);
}

// Id 3 comes three times, 1 never.
const Tensor& ids() {
  static const Tensor tensor = Tensor::from<std::int32_t>({2, 3}, {3, 0, 3, 2, 3, 0});
  return tensor;
}

TEST(EmbeddingOp, LooksRowsUpAndAddsTheirGradients) {
  const Variable weight(Tensor::from<float>({4, 2}, {0, 1, 10, 11, 20, 21, 30, 31}), true);
  const Variable y = embedding(ids(), weight);
  EXPECT_TRUE(
      same_bits(y.value(), Tensor::from<float>({2, 3, 2}, {30, 31, 0, 1, 30, 31, 20, 21, 30, 31, 0, 1})));
  y.backward(Tensor::from<float>({2, 3, 2}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  EXPECT_TRUE(same_bits(weight.grad(), Tensor::from<float>({4, 2}, {14, 16, 0, 0, 7, 8, 15, 18})));
}

TEST(EmbeddingOp, GradientsMatchCentralDifferences) {
  const GradcheckResult result =
      gradcheck([](const Inputs& v) { return embedding(ids(), v[0]); }, {random_tensor({4, 5})});
  EXPECT_TRUE(result) << result.message;
}

TEST(EmbeddingOp, PaddingHasNoGradient) {
  const Variable weight(random_tensor({4, 3}), true);
  embedding(ids(), weight, 3).backward(Tensor::ones({2, 3, 3}, DType::float64));
  for (Index c = 0; c < 3; ++c) {
    EXPECT_EQ(weight.grad().at({3, c}), 0);
    EXPECT_EQ(weight.grad().at({0, c}), 2);
  }
}

TEST(EmbeddingOp, HasTheSameBitsForAnyNumberOfThreads) {
  Tensor many = Tensor::empty({5000}, DType::int32);
  for (Index i = 0; i < many.numel(); ++i) {
    many.data<std::int32_t>()[i] = static_cast<std::int32_t>(i * i % 17);
  }
  const Tensor dy = random_tensor({5000, 200}, 1, DType::float32);
  const auto result = [&] {
    const Variable weight(random_tensor({17, 200}, 2, DType::float32), true);
    embedding(many, weight).backward(dy);
    return weight.grad();
  };
  EXPECT_TRUE(same_bits(testing::with_one_thread(result), testing::with_three_threads(result)));
}

TEST(EmbeddingOp, RejectsWhatIsNoId) {
  const Variable weight(random_tensor({3, 2}));
  EXPECT_EQ(message_of<ValueError>([&] { embedding(ids(), weight); }),
            "[embedding] expected ids in [0,3), found 3 at place 0 of [2,3]");
  EXPECT_EQ(message_of<ValueError>([&] {
              embedding(Tensor::from<std::int32_t>({2}, {0, -1}), weight);
            }),
            "[embedding] expected ids in [0,3), found -1 at place 1 of [2]");
  EXPECT_EQ(message_of<DTypeError>([&] { embedding(Tensor::zeros({2}), weight); }),
            "[embedding] expected int32 ids, found float32");
  EXPECT_EQ(message_of<ShapeError>([&] { embedding(ids(), Variable(Tensor::zeros({3}))); }),
            "[embedding] expected a weight [V,D], found [3]");
  EXPECT_EQ(message_of<ValueError>([&] { embedding(ids(), weight, 3); }),
            "[embedding] expected a padding_idx in [0,3), found 3");
}

TEST(EmbeddingLayer, IsASoundLayer) {
  EXPECT_TRUE(testing::check_module(
      [](Rng& rng) { return std::make_shared<Embedding>(4, 5, rng); },
      {.input = ids().to(DType::float64), .output_shape = {2, 3, 5}, .input_is_ids = true}));
}

TEST(EmbeddingLayer, TakesIdsAsIntegersOrWholeNumbers) {
  Rng rng(1, Stream::test);
  Embedding layer(4, 5, rng, {.padding_idx = 2});
  const Variable y = run(layer, ids());
  EXPECT_EQ(y.shape(), (Shape{2, 3, 5}));
  EXPECT_TRUE(same_bits(y.value(), run(layer, ids().to(DType::float32)).value()));
  for (Index c = 0; c < 5; ++c) EXPECT_EQ(y.value().at({1, 0, c}), 0);
  y.backward(Tensor::ones({2, 3, 5}));
  EXPECT_EQ(layer.weight.grad().at({2, 0}), 0);
  EXPECT_EQ(layer.weight.grad().at({3, 0}), 3);

  const auto copy = layer.clone();
  EXPECT_TRUE(same_bits(run(*copy, ids()).value(), y.value()));
  copy->to(DType::float64);
  EXPECT_EQ(run(*copy, ids()).dtype(), DType::float64);
  EXPECT_EQ(layer.kind(), "embedding");
}

TEST(EmbeddingLayer, SaysWhatDoesNotFit) {
  Rng rng(1, Stream::test);
  EXPECT_EQ(message_of<ValueError>([&] { Embedding(0, 5, rng); }),
            "[embedding] expected num_embeddings and embedding_dim of at least 1, found 0 and 5");
  EXPECT_EQ(message_of<ValueError>([&] { Embedding(4, 5, rng, {.padding_idx = 4}); }),
            "[embedding] expected a padding_idx in [0,4), found 4");
  Embedding layer(4, 5, rng);
  EXPECT_EQ(
      message_of<ValueError>([&] {
        run(layer, Tensor::from<float>({2}, {1, 0.5}));
      }),
      "[embedding] expected ids, which are whole numbers, found 0.5 at place 1 of [2]: pixels of images "
      "are no ids");
  EXPECT_EQ(message_of<ValueError>([&] { run(layer, Tensor::full({1}, 4)); }),
            "[embedding] expected ids in [0,4), found 4 at place 0 of [1]");
}

TEST(EmbeddingLayer, StandsInModelDescriptions) {
  const auto description = nn::ModelDescription::parse(
      R"({"layers": [{"layer": "embedding", "num_embeddings": 9, "embedding_dim": 4, "padding_idx": 0},
                     {"layer": "flatten"}, {"layer": "dense", "units": "classes"}]})",
      "model.json");
  const auto model = description.build({6}, 3, Rng(1, Stream::initialization));
  EXPECT_EQ(run(*model, Tensor::full({2, 6}, 8)).shape(), (Shape{2, 3}));
  EXPECT_EQ(model->named_parameters()[0].variable.value().at({0, 1}), 0);
  EXPECT_NE(description.to_json().find(
                R"({"layer":"embedding","num_embeddings":9,"embedding_dim":4,"padding_idx":0})"),
            std::string::npos);
  EXPECT_EQ(message_of<FileError>([] {
              nn::ModelDescription::parse(
                  R"({"layers": [{"layer": "embedding", "num_embeddings": 9, "embedding_dim": 4,
                                  "padding_idx": 9}]})",
                  "model.json");
            }),
            "model.json: layers[0] (embedding): padding_idx: expected an id below 9, found 9");
}

}  // namespace
}  // namespace keel

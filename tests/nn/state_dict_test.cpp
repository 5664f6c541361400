#include "keel/nn/state_dict.h"

#include <gtest/gtest.h>

#include "keel/nn/batch_norm.h"
#include "keel/nn/dense.h"
#include "keel/nn/sequential.h"
#include "support/check_module.h"
#include "support/errors.h"

namespace keel::nn {
namespace {

using keel::testing::message_of;
using keel::testing::same_bits;

Sequential small_model(std::uint64_t seed) {
  Rng rng(seed, Stream::test);
  Sequential model;
  model.add<Dense>(2, 3, rng);
  model.add<BatchNorm>(3);
  return model;
}

std::vector<NamedTensor> copy_of(const Module& module) {
  std::vector<NamedTensor> state = module.state_dict();
  for (NamedTensor& named : state) named.tensor = named.tensor.clone();
  return state;
}

bool same_state(const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b) {
  bool same = a.size() == b.size();
  for (std::size_t i = 0; same && i < a.size(); ++i) {
    same = a[i].name == b[i].name && same_bits(a[i].tensor, b[i].tensor);
  }
  return same;
}

TEST(StateDict, NamesParametersAndBuffersAsPyTorchDoes) {
  std::vector<std::string> names;
  for (const NamedTensor& named : small_model(1).state_dict()) names.push_back(named.name);
  EXPECT_EQ(names, (std::vector<std::string>{"0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean",
                                             "1.running_var", "1.num_batches_tracked"}));
}

TEST(StateDict, SharesElementsWithTheModule) {
  Sequential model = small_model(1);
  model.named_state()[1].variable.mutable_value().fill(7);
  EXPECT_EQ(model.state_dict()[1].tensor.at({2}), 7);
}

TEST(StateDict, ComesBackThroughLoading) {
  Sequential model = small_model(1), other = small_model(2);
  const std::vector<NamedTensor> saved = copy_of(model);
  ASSERT_FALSE(same_state(saved, other.state_dict()));
  EXPECT_TRUE(load_state_dict(other, saved).empty());
  EXPECT_TRUE(same_state(saved, other.state_dict()));
  EXPECT_FALSE(other.state_dict()[0].tensor.shares_elements_with(saved[0].tensor));
}

TEST(StateDict, LoadsNothingUnlessAllFits) {
  Sequential model = small_model(1);
  const std::vector<NamedTensor> before = copy_of(model);
  std::vector<NamedTensor> wrong = copy_of(small_model(2));
  wrong[0].tensor = Tensor::ones({3, 2});
  wrong[1].name = "0.offset";
  wrong[6].tensor = Tensor::ones({1});
  EXPECT_EQ(
      message_of<ValueError>([&] { load_state_dict(model, wrong); }),
      "[load_state_dict] missing 1: '0.bias'; unexpected 1: '0.offset'; mismatched 2: '0.weight' (expected "
      "[2,3] float32, found [3,2] float32), '1.num_batches_tracked' (expected [1] int32, found [1] float32)");
  EXPECT_TRUE(same_state(before, model.state_dict()));
}

TEST(StateDict, LoadsWhatFitsIfNotStrict) {
  Sequential model = small_model(1);
  const std::vector<NamedTensor> before = copy_of(model);
  std::vector<NamedTensor> given = copy_of(small_model(2));
  given[0].tensor = Tensor::ones({3, 2});
  given[1].tensor = Tensor::full({3}, 5);
  given.pop_back();
  const StateDifference difference = load_state_dict(model, given, {.strict = false});
  EXPECT_EQ(
      difference.to_string(),
      "missing 1: '1.num_batches_tracked'; mismatched 1: '0.weight' (expected [2,3] float32, found [3,2] "
      "float32)");
  EXPECT_TRUE(same_bits(model.state_dict()[0].tensor, before[0].tensor));
  EXPECT_EQ(model.state_dict()[1].tensor.at({0}), 5);
}

TEST(StateDict, RefusesWhatCannotBeMeant) {
  Sequential model = small_model(1);
  EXPECT_EQ(message_of<ValueError>([&] {
              load_state_dict(model, {{"a", Tensor::ones({1})}, {"a", Tensor::ones({1})}});
            }),
            "[load_state_dict] expected one tensor of each name, found two named 'a'");
  EXPECT_EQ(message_of<ValueError>([&] {
              load_state_dict(model, {{"a", Tensor()}});
            }),
            "[load_state_dict] tensor 'a' is undefined");
  const std::string message = message_of<ValueError>([&] {
    load_state_dict(model, {{"a", Tensor::ones({1})}}, {.strict = false});
  });
  EXPECT_EQ(message.rfind("[load_state_dict] none of the 1 tensors fits: missing 7: '0.weight', ", 0), 0u)
      << message;
}

TEST(StateDict, ConvertsReals) {
  Sequential model = small_model(1);
  const std::vector<NamedTensor> before = copy_of(model);
  Sequential in_float64 = small_model(2);
  in_float64.to(DType::float64);
  load_state_dict(in_float64, before);
  EXPECT_EQ(in_float64.state_dict()[0].tensor.dtype(), DType::float64);
  load_state_dict(model, copy_of(in_float64));
  EXPECT_TRUE(same_state(before, model.state_dict()));
}

TEST(StateDict, ListsTheFirstOfManyNames) {
  StateDifference difference;
  for (int i = 0; i < 10; ++i) difference.missing.push_back(std::to_string(i));
  EXPECT_EQ(difference.to_string(), "missing 10: '0', '1', '2', '3', '4', '5', '6', '7' and 2 more");
  EXPECT_EQ(StateDifference().to_string(), "");
}

TEST(StateDict, RefusesABackwardOfTheForwardPassBeforeLoading) {
  Sequential model = small_model(1);
  Context context(Mode::training);
  const Variable y = model(Variable(Tensor::from<float>({2, 2}, {1, 2, 3, 5})), context);
  load_state_dict(model, copy_of(small_model(2)));
  EXPECT_NE(message_of([&] {
              y.backward(Tensor::ones({2, 3}));
            }).find("changed in place"),
            std::string::npos);
}

}  // namespace
}  // namespace keel::nn

// Whole models, trained for ten steps with Adam, against PyTorch: every loss, and where parameters, running
// statistics and predictions end up.
#include <gtest/gtest.h>

#include "keel/core/tensor_ops.h"
#include "keel/nn/models.h"
#include "keel/ops/loss.h"
#include "keel/optim/adam.h"
#include "support/golden.h"

namespace keel::golden {
namespace {

// How close Keel and PyTorch stay. In float64 the losses agree to the 13 digits that are stored. In float32
// all of it is rounding: PyTorch's own losses, predictions and parameters are up to 4e-7, 6e-6 and 8e-5 away
// from those of its float64. Parameters most, as Adam scales gradients up to one size, also those that are
// small because large terms cancel (a beta in front of another normalisation, say).
struct Tolerances {
  double losses;
  double predictions;
  double parameters;
};
Tolerances tolerances_of(DType dtype) {
  if (dtype == DType::float64) return {.losses = 1e-11, .predictions = 1e-10, .parameters = 1e-9};
  return {.losses = 1e-5, .predictions = 5e-5, .parameters = 5e-4};
}

// Where Adam turns rounding into steps of full size, and ReLU and pooling into other gradients, two correct
// float32 programs end as far apart as PyTorch does from itself when its weights start four roundings away:
// 3e-4 in the predictions of the cnn. So only losses are compared where sums are taken in another way than
// PyTorch's; in float64 everything is.
enum class Compare { everything, losses };

struct Case {
  const char* topic;
  std::shared_ptr<nn::Sequential> (*make_model)(Rng rng, const nn::ClassifierOptions& options);
  nn::ClassifierOptions options;
  DType dtype;
  Compare compare = Compare::everything;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.topic << " " << name_of(c.dtype); }

// Sets the initial values, in order of registration. "fixed" parameters are not trained. Returns those that
// are.
std::vector<nn::NamedVariable> set_parameters(nn::Module& model, const Json& specifications, DType dtype) {
  std::vector<nn::NamedVariable> trained;
  const std::vector<nn::NamedVariable> parameters = model.named_parameters();
  check(parameters.size() == specifications.size(), "[golden] the model has {} parameters, the file {}",
        parameters.size(), specifications.size());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    nn::NamedVariable named = parameters[i];
    const Json& specification = specifications.at(i);
    check<ShapeError>(named.variable.shape() == shape_of(specification), "[golden] {} is {}, {} is {}",
                      named.name, named.variable.shape(), specification.at("name").get<std::string>(),
                      shape_of(specification));
    named.variable.set_value(make(specification, dtype));
    named.variable.set_requires_grad(!specification.contains("fixed"));
    if (named.variable.requires_grad()) trained.push_back(named);
  }
  return trained;
}

// Whether a tensor has the first elements, the sum and the sum of squares of another. Errors are measured by
// the root mean square of its elements.
void expect_summary(const std::string& name, const Tensor& tensor, const Json& expected, double tolerance) {
  SCOPED_TRACE(fmt::format("{} ({})", name, expected.at("name").get<std::string>()));
  const Tensor exact = tensor.to(DType::float64);
  const double n = static_cast<double>(exact.numel());
  const double sum_of_squares = expected.at("sum_of_squares");
  const double size = std::sqrt(sum_of_squares / n);
  const auto first = expected.at("first").get<std::vector<double>>();
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_NEAR(exact.values<double>()[i], first[i], tolerance * size) << "element " << i;
  }
  EXPECT_NEAR(sum(exact).item(), expected.at("sum"), tolerance * size * n) << "sum";
  EXPECT_NEAR(sum(multiply(exact, exact)).item(), sum_of_squares, 2 * tolerance * sum_of_squares)
      << "sum of squares";
}

void expect_summaries(const std::vector<nn::NamedVariable>& found, const Json& expected, double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    expect_summary(found[i].name, found[i].variable.value(), expected.at(i), tolerance);
  }
}

// All but the counters of batches.
std::vector<nn::NamedVariable> running_statistics(const nn::Module& model) {
  std::vector<nn::NamedVariable> buffers = model.named_buffers();
  std::erase_if(buffers, [](const auto& buffer) { return !is_floating(buffer.variable.dtype()); });
  return buffers;
}

class GoldenTrajectory : public ::testing::TestWithParam<Case> {};

TEST_P(GoldenTrajectory, TenStepsOfAdam) {
  const auto& [topic, make_model, options, dtype, compare] = GetParam();
  const Tolerances tolerances = tolerances_of(dtype);
  const Json golden = load(topic);
  const Json& expected = golden.at(name_of(dtype));
  const auto model = make_model(Rng(1, Stream::initialization), options);
  model->to(dtype);
  optim::Adam optimizer(set_parameters(*model, golden.at("parameters"), dtype));

  ASSERT_EQ(golden.at("batches").size(), 10U);
  ASSERT_EQ(expected.at("losses").size(), 10U);
  for (std::size_t step = 0; step < 10; ++step) {
    const Json& batch = golden.at("batches").at(step);
    nn::Context training(nn::Mode::training);
    const Variable logits = (*model)(Variable(make(batch.at("x"), dtype)), training);
    const Variable loss = softmax_cross_entropy(logits, make_labels(batch.at("labels")));
    EXPECT_TRUE(is_close(loss.item(), expected.at("losses").at(step).get<double>(), tolerances.losses))
        << "loss of step " << step + 1;
    loss.backward();
    optimizer.step(golden.at("optimizer").at("lr"));
    optimizer.clear_grad();
  }
  if (compare == Compare::losses) return;
  expect_summaries(model->named_parameters(), expected.at("parameters"), tolerances.parameters);
  expect_summaries(running_statistics(*model), expected.at("buffers"), tolerances.parameters);
  const NoGrad no_grad;
  nn::Context evaluation(nn::Mode::evaluation);
  const Variable logits = (*model)(Variable(make(golden.at("evaluation"), dtype)), evaluation);
  EXPECT_TRUE(is_close(logits.value(), expected.at("evaluation_logits"), tolerances.predictions));
}

constexpr nn::NormPosition kAfter = nn::NormPosition::after_activation;
constexpr nn::NormPosition kBefore = nn::NormPosition::before_activation;

std::vector<Case> all_cases() {
  std::vector<Case> result;
  for (const DType dtype : {DType::float64, DType::float32}) {
    result.push_back({"trajectory_mlp", nn::mlp, {}, dtype});
    result.push_back({"trajectory_mlp_bn", nn::mlp, {.batch_norm = true, .norm_position = kAfter}, dtype});
    result.push_back({"trajectory_cnn", nn::cnn, {.convolution = Conv2dAlgorithm::direct}, dtype});
    result.push_back({"trajectory_cnn",
                      nn::cnn,
                      {},
                      dtype,
                      dtype == DType::float64 ? Compare::everything : Compare::losses});
    result.push_back({"trajectory_cnn_bn", nn::cnn, {.batch_norm = true, .norm_position = kBefore}, dtype});
  }
  return result;
}

INSTANTIATE_TEST_SUITE_P(Models, GoldenTrajectory, ::testing::ValuesIn(all_cases()), [](const auto& each) {
  const bool direct = each.param.options.convolution == Conv2dAlgorithm::direct;
  return fmt::format("{}_{}{}", each.param.topic, name_of(each.param.dtype), direct ? "_direct" : "");
});

}  // namespace
}  // namespace keel::golden

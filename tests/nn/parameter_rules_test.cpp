// Penalties and constraints of parameters: what they compute, whom they belong to, how they are described.
#include <gtest/gtest.h>

#include <cmath>

#include "keel/autograd/gradcheck.h"
#include "keel/nn/activation.h"
#include "keel/nn/batch_norm.h"
#include "keel/nn/dense.h"
#include "keel/nn/model_description.h"
#include "keel/ops/arithmetic.h"
#include "keel/ops/elementwise.h"
#include "keel/ops/penalty.h"
#include "keel/ops/reduction.h"
#include "support/errors.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using testing::message_of;
using testing::random_away_from_zero;
using testing::random_tensor;

std::vector<double> values(const Tensor& tensor) {
  const Tensor wide = tensor.to(DType::float64);
  return {wide.data<double>(), wide.data<double>() + wide.numel()};
}

TEST(Regularizers, ComputeTheirFormulas) {
  const Variable w(Tensor::from<double>({2, 2}, {1, -2, 0, 3}), true);
  EXPECT_DOUBLE_EQ(nn::l1(0.5)(w).item(), 3);
  EXPECT_DOUBLE_EQ(nn::l2(0.5)(w).item(), 7);
  EXPECT_DOUBLE_EQ(nn::l1_l2(0.5, 1)(w).item(), 17);
  nn::l1_l2(0.5, 1)(w).backward();
  EXPECT_EQ(values(w.grad()), (std::vector<double>{2.5, -4.5, 0, 6.5}));
}

TEST(Regularizers, PassGradcheck) {
  const auto result =
      gradcheck([](const std::vector<Variable>& in) { return 2.0 * l1_l2_penalty(in[0], 0.3, 0.7); },
                {random_away_from_zero({3, 5}, 0.1, 2)});
  EXPECT_TRUE(result) << result.message;
  EXPECT_LT(result.worst_error, 1e-7);
}

TEST(Regularizers, RefuseFactorsThatAreNone) {
  EXPECT_EQ(message_of<ValueError>([] { nn::l2(-1); }),
            "[regularizer] expected a finite factor of at least 0, found -1");
  EXPECT_EQ(message_of<ValueError>([] { l1_l2_penalty(Variable(Tensor::ones({2})), INFINITY, 0); }),
            "[l1_l2_penalty] expected finite factors of at least 0, found inf and 0");
}

std::vector<double> constrained(const nn::Constraint& constraint, const Shape& shape,
                                const std::vector<double>& elements) {
  Tensor w = Tensor::from<double>(shape, elements);
  constraint(w);
  return values(w);
}

using Values = std::vector<double>;

TEST(Constraints, OfNormsLookAtTheInputsOfEachUnit) {
  // Units (3,4), (0.3,0.4) and (0,0): norms 5, 0.5 and 0.
  const Values w = {3, 0.3, 0, 4, 0.4, 0};
  EXPECT_EQ(constrained(nn::max_norm(2.5), {2, 3}, w), (Values{1.5, 0.3, 0, 2, 0.4, 0}));
  EXPECT_EQ(constrained(nn::max_norm(2.5), {2, 1, 1, 3}, w), (Values{1.5, 0.3, 0, 2, 0.4, 0}));
  EXPECT_EQ(constrained(nn::unit_norm(), {2, 3}, w), (Values{3 * 0.2, 0.6, 0, 4 * 0.2, 0.8, 0}));
  EXPECT_EQ(constrained(nn::min_max_norm({.least = 1, .most = 10}), {2, 3}, w),
            (Values{3, 0.6, 0, 4, 0.8, 0}));
  EXPECT_EQ(constrained(nn::min_max_norm({.least = 1, .most = 10, .rate = 0.5}), {2, 3}, w),
            (Values{3, 0.3 * 1.5, 0, 4, 0.4 * 1.5, 0}));
}

TEST(Constraints, OfNormsTakeAVectorAsAWholeAndOtherAxes) {
  EXPECT_EQ(constrained(nn::max_norm(2.5), {2}, {3, 4}), (Values{1.5, 2}));
  EXPECT_EQ(constrained(nn::max_norm(2.5), {}, {-5}), (Values{-2.5}));
  EXPECT_EQ(constrained(nn::max_norm(2.5, {1}), {2, 2}, {3, 4, 1, 1}), (Values{1.5, 2, 1, 1}));
  EXPECT_EQ(constrained(nn::max_norm(2.5, {-1, 0}), {2, 2}, {3, 4, 0, 0}), (Values{1.5, 2, 0, 0}));
  EXPECT_EQ(constrained(nn::max_norm(1, {0, 2}), {2, 2, 1}, {3, 0, 4, 0.5}),
            (Values{3 * 0.2, 0, 4 * 0.2, 0.5}));
  EXPECT_EQ(message_of<ShapeError>([] {
              constrained(nn::max_norm(1, {2}), {1, 1}, {1});
            }),
            "[constraint] [1,1] has no axis 2");
}

TEST(Constraints, NonNegativeKeepsNaN) {
  const Values w = constrained(nn::non_negative(), {4}, {-1, 2, 0, NAN});
  EXPECT_EQ(Values(w.begin(), w.begin() + 3), (Values{0, 2, 0}));
  EXPECT_TRUE(std::isnan(w[3]));
}

TEST(Constraints, RefuseNumbersThatAreNone) {
  EXPECT_EQ(message_of<ValueError>([] { nn::max_norm(0); }),
            "[max_norm] expected a finite norm above 0, found 0");
  EXPECT_EQ(message_of<ValueError>([] { nn::min_max_norm({.least = 2, .most = 1}); }),
            "[min_max_norm] expected finite norms 0 <= least <= most, most above 0, found 2 and 1");
  EXPECT_EQ(message_of<ValueError>([] { nn::min_max_norm({.rate = 0}); }),
            "[min_max_norm] expected a rate in (0,1], found 0");
}

nn::Sequential small_model() {
  Rng rng(1, Stream::initialization);
  nn::Sequential model;
  model.add<nn::Dense>(3, 2, rng);
  model.add<nn::BatchNorm>(2);
  return model;
}

TEST(ParameterRules, PenaltyIsTheSumOverParameters) {
  nn::Sequential model = small_model();
  EXPECT_FALSE(model.penalty().defined());
  model.regularize("0.weight", nn::l2(0.5));
  model.regularize("1.weight", nn::l1(0.25));
  model.regularize("0.bias", [](const Variable& b) { return sum(pow(b, 4)); });
  double expected = 0.25 * 2;
  for (const double w : values(model.named_parameters()[0].variable.value())) expected += 0.5 * w * w;
  for (const double b : values(model.named_parameters()[1].variable.value())) expected += std::pow(b, 4);
  EXPECT_NEAR(model.penalty().item(), expected, 1e-6);

  model.regularize("0.bias", {});
  model.regularize("0.weight", {});
  EXPECT_EQ(model.penalty().item(), 0.5);
  model.named_parameters()[2].variable.set_requires_grad(false);
  EXPECT_FALSE(model.penalty().defined()) << "what is not trained has no penalty";
}

TEST(ParameterRules, AreClonedWithTheModule) {
  nn::Sequential model = small_model();
  model.regularize("0.weight", nn::l2(0.5));
  model.constrain("0.weight", nn::max_norm(0.125));
  const auto copy = model.clone();
  EXPECT_EQ(copy->penalty().item(), model.penalty().item());
  const Values before = values(model.named_parameters()[0].variable.value());
  copy->apply_constraints();
  EXPECT_EQ(values(model.named_parameters()[0].variable.value()), before);
  const Values after = values(copy->named_parameters()[0].variable.value());
  for (std::size_t unit = 0; unit < 2; ++unit) {
    EXPECT_NEAR(std::hypot(after[unit], after[2 + unit], after[4 + unit]), 0.125, 1e-7);
  }
  EXPECT_LT(copy->penalty().item(), model.penalty().item());
}

TEST(ParameterRules, NameTheParametersThereAre) {
  nn::Sequential model = small_model();
  EXPECT_EQ(message_of<ValueError>([&] { model.regularize("0.wieght", nn::l2()); }),
            "[module] this sequential has no parameter '0.wieght'; it has 0.weight, "
            "0.bias, 1.weight, 1.bias: did you mean '0.weight'?");
  EXPECT_EQ(message_of<ValueError>([&] { model.constrain("1.running_mean", nn::non_negative()); }),
            "[module] this sequential has no parameter '1.running_mean'; it has 0.weight, 0.bias, 1.weight, "
            "1.bias");
  EXPECT_EQ(message_of<ValueError>([] { nn::ReLU().regularize("weight", nn::l2()); }),
            "[module] this relu has no parameter 'weight'; it has none");
  model.regularize("0.bias", [](const Variable& b) { return b; });
  EXPECT_EQ(message_of<ShapeError>([&] { model.penalty(); }),
            "[module] the regularizer of 'bias' in a dense gave [2]: expected one element");
}

nn::ModelDescription parse(const std::string& layers) {
  return nn::ModelDescription::parse(fmt::format(R"({{"layers": [{}]}})", layers), "model.json");
}

std::shared_ptr<nn::Sequential> build(const std::string& layers) {
  return parse(layers).build({2}, 2, Rng(1, Stream::initialization));
}

TEST(ParameterRules, AreDescribed) {
  const std::string text =
      R"({"layer":"dense","units":2,"bias":true,"weight_regularizer":{"l1":0.5,"l2":0.25},)"
      R"("bias_constraint":"unit_norm"},)"
      R"({"layer":"batch_norm","initial_gamma":-3,"gamma_regularizer":{"l2":1},)"
      R"("gamma_constraint":"non_negative","beta_constraint":{"max_norm":1}})";
  const auto model = build(text);
  Variable w = model->named_parameters()[0].variable, gamma = model->named_parameters()[2].variable;
  EXPECT_NEAR(model->penalty().item(), l1_l2_penalty(w, 0.5, 0.25).item() + 18, 1e-6);
  model->apply_constraints();
  EXPECT_EQ(values(gamma.value()), (Values{0, 0}));
  EXPECT_NEAR(model->penalty().item(), l1_l2_penalty(w, 0.5, 0.25).item(), 1e-6);
  const Values bias = values(model->named_parameters()[1].variable.value());
  EXPECT_NEAR(std::hypot(bias[0], bias[1]), 1, 1e-6);

  const std::string canonical = parse(text).to_json();
  EXPECT_NE(canonical.find(R"("weight_regularizer":{"l1":0.5,"l2":0.25},"bias_constraint":"unit_norm"})"),
            std::string::npos)
      << canonical;
  EXPECT_EQ(nn::ModelDescription::parse(canonical, "canonical").to_json(), canonical);
}

TEST(ParameterRules, OfMinMaxNormAndOfNamedModelsAreDescribed) {
  const auto model =
      build(R"({"layer": "dense", "units": 2, "weight_constraint": {"min_max_norm": [7, 8], "rate": 0.5}})");
  Variable w = model->named_parameters()[0].variable;
  w.set_value(Tensor::from<float>({2, 2}, {3, 0, 4, 10}));
  model->apply_constraints();
  EXPECT_EQ(values(w.value()), (Values{3.6F, 0, 4.8F, 9}));

  const auto mlp =
      nn::ModelDescription::parse(
          R"({"model": "mlp", "batch_norm": true, "norm": {"gamma_regularizer": {"l2": 0.5}}})", "model.json")
          .build({4}, 2, Rng(1, Stream::initialization));
  EXPECT_EQ(mlp->penalty().item(), 64);  // half of the 128 hidden units' gamma of 1
}

TEST(ParameterRules, OfAllNormalisationsAreDescribed) {
  for (const char* norm : {"batch_norm", "batch_renorm", "full_norm", "noisy_batch_norm", "layer_norm",
                           "group_norm", "rms_norm", "batch_layer_norm"}) {
    const auto model = build(fmt::format(R"({{"layer": "{}", "gamma_regularizer": {{"l1": 2}}}})", norm));
    EXPECT_EQ(model->penalty().item(), 4) << norm;
    if (std::string(norm) == "rms_norm") continue;
    EXPECT_EQ(
        build(fmt::format(R"({{"layer": "{}", "beta_regularizer": {{"l1": 2}}}})", norm))->penalty().item(),
        0)
        << norm;
  }
}

double total(const nn::Sequential& model, const std::string& parameter) {
  double sum = 0;
  for (const nn::NamedVariable& each : model.named_parameters()) {
    if (each.name != "0." + parameter && each.name != "1." + parameter) continue;
    for (const double element : values(each.variable.value())) sum += std::abs(element);
  }
  return sum;
}

// Whatever a layer registers may have them, unless its reader says which.
TEST(ParameterRules, OfParametersOfAllOtherLayersAreDescribed) {
  const std::string sequences = R"({"layer": "reshape", "shape": [2, 1]}, )";
  const std::string logits = R"("units": 2, )";
  struct Case {
    std::string before, layer;
    std::vector<std::string> parameters;
  };
  const std::string norm = R"("norm": "layer", "initial_gamma": 0.5, )";
  const std::vector<Case> cases = {{"",
                                    R"("layer": "weight_norm", "body": [{"layer": "dense", "units": 2}], )",
                                    {"weight_g", "weight_v", "bias"}},
                                   {sequences,
                                    R"("layer": "rnn", )" + logits,
                                    {"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"}},
                                   {sequences,
                                    R"("layer": "lstm", )" + logits,
                                    {"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"}},
                                   {sequences,
                                    R"("layer": "gru", )" + logits,
                                    {"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"}},
                                   {sequences,
                                    R"("layer": "lstm", )" + norm + logits,
                                    {"norm_ih.weight", "norm_hh.weight", "norm_ih.bias"}}};
  for (const Case& each : cases) {
    for (const std::string& parameter : each.parameters) {
      SCOPED_TRACE(each.layer + parameter);
      const std::string text =
          fmt::format(R"({}{{{}"{}_regularizer": {{"l1": 2}}, "{}_constraint": "non_negative"}})",
                      each.before, each.layer, parameter, parameter);
      const auto model = build(text);
      EXPECT_NEAR(model->penalty().item(), 2 * total(*model, parameter), 1e-5);
      const std::string canonical = parse(text).to_json();
      EXPECT_EQ(nn::ModelDescription::parse(canonical, "canonical").to_json(), canonical);
      EXPECT_NE(canonical.find(parameter + "_constraint"), std::string::npos) << canonical;
    }
  }
  EXPECT_EQ(message_of<ValueError>([] {
              build(R"({"layer": "weight_norm", "body": [{"layer": "dense", "units": 2}],
                        "wieght_g_regularizer": {"l1": 2}})");
            }),
            "model.json for inputs [2]: layers[0] (weight_norm): [module] this weight_norm has no parameter "
            "'wieght_g'; it has weight_g, weight_v, bias: did you mean 'weight_g'?");
}

TEST(ParameterRules, OfAnEmbeddingAreDescribed) {
  const auto model = nn::ModelDescription::parse(
                         R"({"layers": [{"layer": "embedding", "num_embeddings": 3, "embedding_dim": 2,
                             "weight_regularizer": {"l1": 2}}, {"layer": "flatten"},
                             {"layer": "dense", "units": "classes"}]})",
                         "model.json")
                         .build({2}, 2, Rng(1, Stream::initialization));
  EXPECT_NEAR(model->penalty().item(), 2 * total(*model, "weight"), 1e-5);
}

TEST(ParameterRules, OfALayerWhoseWeightIsMadeOfOthersAreRefused) {
  EXPECT_EQ(
      message_of<ValueError>([] {
        build(R"({"layer": "weight_norm", "body": [{"layer": "dense", "units": 2,
                        "weight_constraint": "unit_norm"}]})");
      }),
      "model.json for inputs [2]: layers[0] (weight_norm): [weight_norm] penalties and constraints of the "
      "dense in the body are not supported");
}

TEST(ParameterRules, OfDescriptionsSayWhatIsExpected) {
  const auto error = [](const std::string& options) {
    return message_of<FileError>([&] { parse(R"({"layer": "dense", "units": 2, )" + options + "}"); });
  };
  for (const char* value : {"2", "{}", R"({"l3": 1})", R"({"l2": -1})", R"({"l1": "1"})", R"("l2")"}) {
    EXPECT_TRUE(
        error(fmt::format(R"("weight_regularizer": {})", value))
            .starts_with("model.json: layers[0] (dense): weight_regularizer: expected {\"l1\": 1e-5}, "
                         "{\"l2\": 1e-4} or both, with numbers of at least 0, found "))
        << value;
  }
  for (const char* value :
       {"2", "{}", R"("positive")", R"({"max_norm": 0})", R"({"max_norm": 1, "rate": 1})",
        R"({"min_max_norm": 1})", R"({"min_max_norm": [2, 1]})", R"({"min_max_norm": [0, 1], "rate": 2})",
        R"({"min_max_norm": [0, 1], "axis": 2})"}) {
    EXPECT_TRUE(
        error(fmt::format(R"("bias_constraint": {})", value))
            .starts_with("model.json: layers[0] (dense): bias_constraint: expected \"non_negative\", "
                         "\"unit_norm\", {\"max_norm\": 2} or {\"min_max_norm\": [0.5, 2], \"rate\": 1}, "
                         "found "))
        << value;
  }
  EXPECT_EQ(error(R"("wieght_regularizer": {"l2": 1})"),
            "model.json: layers[0] (dense): unknown key \"wieght_regularizer\": did you mean "
            "'weight_regularizer'?");
  EXPECT_EQ(
      error(R"("bias": false, "bias_regularizer": {"l2": 1})"),
      "model.json: layers[0] (dense): bias_regularizer: expected none, as there is no bias with \"bias\": "
      "false, found {\"l2\":1}");
}

TEST(ParameterRules, OfNormsAreForParametersThatTheyHave) {
  const auto error = [](const std::string& norm) {
    return message_of<FileError>([&] { parse(R"({"layer": )" + norm + "}"); });
  };
  for (const char* norm : {"batch_norm", "layer_norm", "group_norm", "rms_norm", "batch_renorm"}) {
    EXPECT_EQ(
        error(fmt::format(R"("{}", "scale": false, "gamma_regularizer": {{"l2": 1}})", norm)),
        fmt::format("model.json: layers[0] ({}): gamma_regularizer: expected none, as there is no gamma with "
                    "\"scale\": false, found {{\"l2\":1}}",
                    norm));
  }
  for (const char* norm :
       {"batch_norm", "layer_norm", "group_norm", "mean_only_batch_norm", "batch_renorm"}) {
    EXPECT_EQ(
        error(fmt::format(R"("{}", "center": false, "beta_constraint": "non_negative")", norm)),
        fmt::format("model.json: layers[0] ({}): beta_constraint: expected none, as there is no beta with "
                    "\"center\": false, found \"non_negative\"",
                    norm));
  }
  EXPECT_EQ(
      error(R"("instance_norm", "gamma_constraint": "unit_norm")"),
      "model.json: layers[0] (instance_norm): gamma_constraint: expected none, as there is no gamma with "
      "\"affine\": false, found \"unit_norm\"");
  EXPECT_NO_THROW(parse(R"({"layer": "batch_norm", "scale": false, "gamma_regularizer": null})"));
}

}  // namespace
}  // namespace keel

#include "keel/optim/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>

#include "keel/core/parallel.h"
#include "keel/ops/arithmetic.h"
#include "keel/optim/adam.h"
#include "keel/optim/sgd.h"
#include "support/random_tensor.h"

namespace keel::optim {
namespace {

const double kNaN = std::numeric_limits<double>::quiet_NaN();

Variable trainable(const Shape& shape, double value = 1, DType dtype = DType::float32) {
  return Variable(Tensor::full(shape, value, dtype), true);
}

Tensor random_tensor(const Shape& shape, std::uint64_t seed) {
  return keel::testing::random_tensor(shape, seed, DType::float32);
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.bytes(), b.bytes(), a.num_bytes()) == 0;
}

template <class E, class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("another kind of error: ") + error.what();
  }
  return "no error";
}

// Layers in nn name their parameters so.
struct Named {
  std::string name;
  Variable variable;
};

TEST(Adam, FirstStepMovesEveryTensorByTheRate) {
  // One step count for all tensors: with a count that ran on from tensor to tensor, the second would move by
  // 0.74 of the rate only.
  Variable a = trainable({3, 2}, 0), b = trainable({5}, 0);
  a.set_grad(Tensor::full({3, 2}, 4));
  b.set_grad(Tensor::full({5}, -0.01));
  Adam adam(std::vector{a, b});
  adam.step(1e-3);
  // m / sqrt(v) is the gradient's sign at t = 1; epsilon takes away 1e-8 / |g| of it, float32 rounds by 1e-7.
  for (const float x : a.value().values<float>()) EXPECT_NEAR(x, -1e-3, 3e-9);
  for (const float x : b.value().values<float>()) EXPECT_NEAR(x, 1e-3, 3e-9);
  EXPECT_EQ(adam.step_count(), 1);
}

TEST(Adam, RejectsNumbersOutOfRange) {
  const std::vector<Variable> w = {trainable({2, 3})};
  const auto message = [&](const AdamOptions& options) {
    return message_of<ValueError>([&] { Adam adam(w, options); });
  };
  EXPECT_EQ(message({.beta1 = 1}), "[adam] beta1 1: expected a number in [0, 1)");
  EXPECT_EQ(message({.beta1 = kNaN}), "[adam] beta1 nan: expected a number in [0, 1)");
  EXPECT_EQ(message({.beta2 = -0.1}), "[adam] beta2 -0.1: expected a number in [0, 1)");
  EXPECT_EQ(message({.beta2 = kNaN}), "[adam] beta2 nan: expected a number in [0, 1)");
  EXPECT_EQ(message({.epsilon = 0}), "[adam] epsilon 0: expected a finite number > 0");
  EXPECT_EQ(message({.epsilon = kNaN}), "[adam] epsilon nan: expected a finite number > 0");
  EXPECT_EQ(message(AdamOptions::adamw(-1)), "[adamw] weight_decay -1: expected a finite number >= 0");
  EXPECT_EQ(message({.weight_decay = kNaN}), "[adam] weight_decay nan: expected a finite number >= 0");
  EXPECT_EQ(message({.beta1 = 0, .beta2 = 0}), "no error");
}

TEST(Sgd, RejectsNumbersOutOfRange) {
  const std::vector<Variable> w = {trainable({2, 3})};
  const auto message = [&](const SgdOptions& options) {
    return message_of<ValueError>([&] { Sgd sgd(w, options); });
  };
  EXPECT_EQ(message({.momentum = 1}), "[sgd] momentum 1: expected a number in [0, 1)");
  EXPECT_EQ(message({.momentum = kNaN}), "[sgd] momentum nan: expected a number in [0, 1)");
  EXPECT_EQ(message({.nesterov = true}), "[sgd] nesterov needs a momentum above 0");
  EXPECT_EQ(message({.weight_decay = -1}), "[sgd] weight_decay -1: expected a finite number >= 0");
}

TEST(Optimizer, RejectsParametersItCannotTrain) {
  const Variable w = trainable({2, 3}), frozen(Tensor::ones({4}));
  const auto message = [](ParameterGroups groups) {
    return message_of<ValueError>([&] { Adam adam(std::move(groups)); });
  };
  EXPECT_EQ(message(std::vector<Variable>{}), "[adam] no parameters to optimise");
  EXPECT_EQ(message(std::vector<ParameterGroup>{{}}), "[adam] no parameters to optimise");
  EXPECT_EQ(message(std::vector{w, w}), "[adam] parameter '1' [2,3] is given twice, first as '0'");
  EXPECT_EQ(message(std::vector<Named>{{"a", w}, {"b", w}}),
            "[adam] parameter 'b' [2,3] is given twice, first as 'a'");
  EXPECT_EQ(message(std::vector<Named>{{"a", w}, {"a", trainable({2})}}),
            "[adam] two parameters are named 'a'");
  EXPECT_EQ(message(std::vector<Named>{{"a", w}, {"b", frozen}}),
            "[adam] parameter 'b' [4] does not require a gradient");
  EXPECT_EQ(message(std::vector{w, Variable()}), "[adam] parameter '1' is undefined");
  // Twice in different groups is twice.
  EXPECT_EQ(message(std::vector<ParameterGroup>{{named_parameters({w})}, {named_parameters({w})}}),
            "[adam] parameter '1' [2,3] is given twice, first as '0'");
}

TEST(Optimizer, RejectsParametersThatShareElements) {
  const Tensor values = Tensor::ones({4, 3});
  const auto message = [](const Tensor& a, const Tensor& b) {
    return message_of<ValueError>([&] {
      Adam adam(std::vector<Named>{{"a", Variable(a, true)}, {"b", Variable(b, true)}});
    });
  };
  EXPECT_EQ(message(values, values),
            "[adam] parameters 'a' [4,3] and 'b' [4,3] share elements, which each would change: give one a "
            "clone()");
  EXPECT_EQ(message(values.rows(0, 2), values.rows(1, 4)),
            "[adam] parameters 'a' [2,3] and 'b' [3,3] share elements, which each would change: give one a "
            "clone()");
  EXPECT_EQ(message(values.rows(2, 4), values.rows(0, 3)),
            "[adam] parameters 'a' [2,3] and 'b' [3,3] share elements, which each would change: give one a "
            "clone()");
  // Parts of one tensor that do not meet are parameters like any others.
  EXPECT_EQ(message(values.rows(0, 2), values.rows(2, 4)), "no error");
  EXPECT_EQ(message(values.rows(2, 4), values.rows(0, 2)), "no error");
  EXPECT_EQ(message(values, values.clone()), "no error");
}

TEST(Optimizer, AStepRefusesABackwardOfTheForwardPassBeforeIt) {
  Variable w = trainable({2}), x = trainable({2}, 3);
  const Variable first = w * x, second = w * x;
  first.backward(Tensor::ones({2}));
  Sgd sgd(std::vector{w});
  sgd.step(0.1);
  EXPECT_EQ(message_of<Error>([&] { second.backward(Tensor::ones({2})); }),
            "[multiply] backward: input 0 was changed in place after the forward pass");
}

TEST(Optimizer, RejectsGroupNumbersOutOfRange) {
  const auto message = [](double scale, double decay) {
    const ParameterGroup good{.parameters = named_parameters({trainable({2, 3})})};
    const ParameterGroup bad{.parameters = named_parameters({trainable({3})}),
                             .learning_rate_scale = scale,
                             .weight_decay = decay};
    return message_of<ValueError>([&] { Sgd sgd(std::vector{good, bad}); });
  };
  EXPECT_EQ(message(0, 0), "[sgd] learning_rate_scale 0 of group 1: expected a finite number > 0");
  EXPECT_EQ(message(kNaN, 0), "[sgd] learning_rate_scale nan of group 1: expected a finite number > 0");
  EXPECT_EQ(message(1, -2), "[sgd] weight_decay -2 of group 1: expected a finite number >= 0");
  EXPECT_EQ(message(1, kNaN), "[sgd] weight_decay nan of group 1: expected a finite number >= 0");
}

TEST(Optimizer, SplitForDecaySparesVectors) {
  Variable weight = trainable({2, 3}), bias = trainable({3}), kernel = trainable({1, 1, 2, 4}),
           gamma = trainable({4});
  const auto groups = split_for_decay(
      std::vector<Named>{{"0.weight", weight}, {"0.bias", bias}, {"1.weight", kernel}, {"2.gamma", gamma}});
  ASSERT_EQ(groups.size(), 2u);
  ASSERT_EQ(groups[0].parameters.size(), 2u);
  EXPECT_EQ(groups[0].parameters[0].name, "0.weight");
  EXPECT_EQ(groups[0].parameters[1].name, "1.weight");
  EXPECT_FALSE(groups[0].weight_decay.has_value());
  ASSERT_EQ(groups[1].parameters.size(), 2u);
  EXPECT_EQ(groups[1].parameters[0].name, "0.bias");
  EXPECT_EQ(groups[1].parameters[1].name, "2.gamma");
  EXPECT_EQ(groups[1].weight_decay, 0);

  // Without gradients' help, decay alone moves the weights: 1 - 0.5 * 0.1 of them is left.
  Sgd sgd(groups, {.weight_decay = 0.1});
  for (Variable* v : {&weight, &bias, &kernel, &gamma}) v->set_grad(Tensor::zeros(v->shape()));
  sgd.step(0.5);
  EXPECT_FLOAT_EQ(weight.value().data<float>()[5], 0.95f);
  EXPECT_FLOAT_EQ(kernel.value().data<float>()[7], 0.95f);
  EXPECT_EQ(bias.value().data<float>()[2], 1);
  EXPECT_EQ(gamma.value().data<float>()[3], 1);
  EXPECT_EQ(sgd.groups()[0].weight_decay, 0.1);

  EXPECT_EQ(split_for_decay(std::vector<Named>{{"gamma", gamma}}).size(), 1u);
}

TEST(Optimizer, LeavesParametersWithoutGradientAlone) {
  Variable used = trainable({2, 3}), unused = trainable({4});
  Adam adam(std::vector<Named>{{"used", used}, {"unused", unused}}, AdamOptions::adamw());
  EXPECT_EQ(message_of<Error>([&] { adam.step(0.1); }),
            "[adamw] none of 2 parameters has a gradient: step() comes after backward()");
  EXPECT_EQ(adam.step_count(), 0);
  EXPECT_EQ(adam.parameters_without_gradient(), (std::vector<std::string>{"used", "unused"}));
  used.set_grad(Tensor::ones({2, 3}));
  EXPECT_EQ(adam.parameters_without_gradient(), std::vector<std::string>{"unused"});
  adam.step(0.1);
  EXPECT_TRUE(same_bits(unused.value(), Tensor::ones({4})));  // not decayed either
  EXPECT_NE(used.value().data<float>()[0], 1);
  adam.clear_grad();
  EXPECT_FALSE(used.grad().defined());
}

TEST(Optimizer, RejectsRatesAndCountsOutOfRange) {
  Variable w = trainable({2, 3});
  w.set_grad(Tensor::ones({2, 3}));
  Sgd sgd(std::vector{w});
  EXPECT_EQ(message_of<ValueError>([&] { sgd.step(-0.5); }),
            "[sgd] learning rate -0.5: expected a finite number >= 0");
  EXPECT_EQ(message_of<ValueError>([&] { sgd.step(kNaN); }),
            "[sgd] learning rate nan: expected a finite number >= 0");
  EXPECT_EQ(message_of<ValueError>([&] { sgd.load_state({}, -1); }), "[sgd] step count -1: expected >= 0");
  EXPECT_EQ(sgd.step_count(), 0);
  sgd.step(0);  // the end of a cosine
  EXPECT_TRUE(same_bits(w.value(), Tensor::ones({2, 3})));
}

TEST(Optimizer, RejectsParametersThatChangedUnderIt) {
  Variable first = trainable({2}), w = trainable({2, 3});
  Adam adam(std::vector<Named>{{"first", first}, {"w", w}});
  first.set_grad(Tensor::ones({2}));
  w.set_value(Tensor::ones({3, 2}));
  w.set_grad(Tensor::ones({3, 2}));
  EXPECT_EQ(message_of<ShapeError>([&] { adam.step(0.1); }), "[adam] parameter 'w' is [3,2], its m [2,3]");
  w.clear_grad();
  w.set_value(Tensor::ones({2, 3}, DType::float64));
  w.set_grad(Tensor::ones({2, 3}, DType::float64));
  EXPECT_EQ(message_of<DTypeError>([&] { adam.step(0.1); }),
            "[adam] parameter 'w' is float64, its m float32");
  // Nothing is half done.
  EXPECT_TRUE(same_bits(first.value(), Tensor::ones({2})));
  EXPECT_EQ(adam.step_count(), 0);
}

TEST(Optimizer, FindsTheMinimumOfAQuadratic) {
  // f(p) = sum(c_i * (p_i - i)^2) with curvatures from 0.5 to 8.
  const auto distance_after = [](Optimizer& optimizer, Variable& p, Index steps, double rate) {
    const auto derivative = [&](Index i) {
      return 2 * std::exp2(i - 1) * (p.value().data<double>()[i] - static_cast<double>(i));
    };
    for (Index step = 0; step < steps; ++step) {
      Tensor gradient = Tensor::like(p.value());
      for (Index i = 0; i < 5; ++i) gradient.data<double>()[i] = derivative(i);
      p.set_grad(gradient);
      optimizer.step(rate / (1 + 0.01 * static_cast<double>(step)));
    }
    double distance = 0;
    for (Index i = 0; i < 5; ++i) {
      distance = std::max(distance, std::abs(p.value().data<double>()[i] - static_cast<double>(i)));
    }
    return distance;
  };
  Variable a = trainable({5}, 10, DType::float64), b = trainable({5}, 10, DType::float64),
           c = trainable({5}, 10, DType::float64);
  Adam adam(std::vector{a});
  EXPECT_LT(distance_after(adam, a, 1000, 0.5), 1e-6);
  // Stable below 2 / 16; the flattest direction shrinks by at least exp(-sum of rates) = 1e-8.
  Sgd sgd(std::vector{b});
  EXPECT_LT(distance_after(sgd, b, 1000, 0.1), 1e-6);
  Sgd nesterov(std::vector{c}, {.momentum = 0.9, .nesterov = true});
  EXPECT_LT(distance_after(nesterov, c, 1000, 0.02), 1e-6);
}

// Values after `steps` steps with gradients that depend on the step and, if asked, a save and load on the
// way.
std::vector<Tensor> train(bool interrupted) {
  const std::vector<Shape> shapes = {{3, 5}, {7}};
  std::vector<Variable> parameters;
  const auto make = [&](const std::vector<Tensor>& values) {
    parameters.clear();
    for (const Tensor& value : values) parameters.emplace_back(value.clone(), true);
    return std::make_unique<Adam>(parameters, AdamOptions::adamw());
  };
  std::unique_ptr<Optimizer> optimizer = make({random_tensor(shapes[0], 100), random_tensor(shapes[1], 101)});
  for (std::uint64_t step = 0; step < 6; ++step) {
    if (interrupted && step == 3) {
      std::vector<NamedTensor> saved = optimizer->state();
      for (NamedTensor& entry : saved) entry.tensor = entry.tensor.clone();
      const Index count = optimizer->step_count();
      optimizer = make({parameters[0].value(), parameters[1].value()});
      optimizer->load_state(saved, count);
    }
    for (std::size_t i = 0; i < 2; ++i) parameters[i].set_grad(random_tensor(shapes[i], 2 * step + i));
    optimizer->step(0.1);
  }
  return {parameters[0].value(), parameters[1].value()};
}

TEST(Optimizer, GoesOnBitForBitFromSavedState) {
  const std::vector<Tensor> straight = train(false), resumed = train(true);
  EXPECT_TRUE(same_bits(straight[0], resumed[0]));
  EXPECT_TRUE(same_bits(straight[1], resumed[1]));
}

TEST(Optimizer, LoadsAllOfAStateOrNothing) {
  Variable w = trainable({2, 3});
  Sgd sgd(std::vector<Named>{{"w", w}}, {.momentum = 0.9});
  w.set_grad(Tensor::ones({2, 3}));
  sgd.step(0.1);
  const Tensor before = sgd.state()[0].tensor.clone();
  const auto message = [&](const std::vector<NamedTensor>& tensors) {
    return message_of<ValueError>([&] { sgd.load_state(tensors, 7); });
  };
  const Tensor good = Tensor::full({2, 3}, 4);
  EXPECT_EQ(message({}), "[sgd] state: missing 1: 'w.velocity'");
  EXPECT_EQ(message({{"w.velocity", good}, {"w.m", good}}), "[sgd] state: unexpected 1: 'w.m'");
  EXPECT_EQ(message({{"w.velocity", Tensor::ones({3, 2})}}),
            "[sgd] state: mismatched 1: 'w.velocity' (expected [2,3] float32, found [3,2] float32)");
  EXPECT_TRUE(same_bits(sgd.state()[0].tensor, before));
  EXPECT_EQ(sgd.step_count(), 1);
  EXPECT_EQ(message({{"w.velocity", good}}), "no error");
  EXPECT_TRUE(same_bits(sgd.state()[0].tensor, good));
  EXPECT_FALSE(sgd.state()[0].tensor.shares_elements_with(good));
  EXPECT_EQ(sgd.step_count(), 7);
}

TEST(Optimizer, GroupsAndElementTypesTrainedTogetherAreTrainedAsAlone) {
  const auto parameters = [] {
    return std::vector{Variable(random_tensor({211, 301}, 1), true), trainable({3}, 2, DType::float64),
                       Variable(random_tensor({7}, 2), true), trainable({5}, 3)};
  };
  const auto group = [](const Variable& p, std::size_t i) {
    return ParameterGroup{.parameters = named_parameters({p}),
                          .learning_rate_scale = 1 + 0.5 * static_cast<double>(i),
                          .weight_decay = 0.1 * static_cast<double>(i)};
  };
  std::vector<Variable> together = parameters(), alone = parameters();
  for (std::vector<Variable>* list : {&together, &alone}) {
    for (Variable& p : *list) p.set_grad(p.value().clone());
  }
  together[3].clear_grad();  // stays as it is
  std::vector<ParameterGroup> groups;
  for (std::size_t i = 0; i < 4; ++i) groups.push_back(group(together[i], i));
  Adam all_adam(groups);
  Sgd all_sgd(groups, {.momentum = 0.9});
  all_adam.step(0.1);
  all_sgd.step(0.1);
  for (std::size_t i = 0; i < 3; ++i) {
    Adam adam(std::vector{group(alone[i], i)});
    Sgd sgd(std::vector{group(alone[i], i)}, {.momentum = 0.9});
    adam.step(0.1);
    sgd.step(0.1);
  }
  for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(same_bits(together[i].value(), alone[i].value())) << i;
}

TEST(Optimizer, NamesItsState) {
  const std::vector<Named> parameters = {{"0.weight", trainable({2, 3})}, {"0.bias", trainable({3})}};
  const auto names = [](const Optimizer& optimizer) {
    std::vector<std::string> result;
    for (const NamedTensor& entry : optimizer.state()) result.push_back(entry.name);
    return result;
  };
  EXPECT_EQ(names(Adam(parameters)),
            (std::vector<std::string>{"0.weight.m", "0.weight.v", "0.bias.m", "0.bias.v"}));
  EXPECT_EQ(names(Sgd(parameters, {.momentum = 0.9})),
            (std::vector<std::string>{"0.weight.velocity", "0.bias.velocity"}));
  EXPECT_TRUE(names(Sgd(parameters)).empty());
  EXPECT_EQ(names(Sgd(std::vector{trainable({2}), trainable({3})}, {.momentum = 0.9})),
            (std::vector<std::string>{"0.velocity", "1.velocity"}));
}

TEST(Optimizer, SameBitsForAnyNumberOfThreads) {
  const Shape shape = {211, 301};  // several chunks, the last one not full
  const auto run = [&](int threads) {
    set_num_threads(threads);
    std::vector<Tensor> results;
    for (const bool use_adam : {true, false}) {
      Variable p(random_tensor(shape, 50), true);
      std::unique_ptr<Optimizer> optimizer;
      if (use_adam) optimizer = std::make_unique<Adam>(std::vector{p}, AdamOptions{.weight_decay = 0.1});
      if (!use_adam) optimizer = std::make_unique<Sgd>(std::vector{p}, SgdOptions{.momentum = 0.9});
      for (std::uint64_t step = 0; step < 3; ++step) {
        p.set_grad(random_tensor(shape, step));
        optimizer->step(0.01);
      }
      results.push_back(p.value());
    }
    return results;
  };
  const int threads_before = num_threads();
  const std::vector<Tensor> one = run(1), three = run(3);
  set_num_threads(threads_before);
  EXPECT_TRUE(same_bits(one[0], three[0]));
  EXPECT_TRUE(same_bits(one[1], three[1]));
}

}  // namespace
}  // namespace keel::optim

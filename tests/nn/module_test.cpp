#include "keel/nn/module.h"

#include <gtest/gtest.h>

#include "keel/nn/activation.h"
#include "keel/nn/batch_norm.h"
#include "keel/nn/dense.h"
#include "keel/nn/sequential.h"
#include "keel/ops/arithmetic.h"
#include "support/check_module.h"
#include "support/errors.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using nn::Child;
using nn::Context;
using nn::Mode;
using testing::check_module;
using testing::message_of;
using testing::random_tensor;
using testing::same_bits;

// y = x + body(x), with a trained gate and a count of calls.
struct Residual final : nn::Layer<Residual> {
  nn::Parameter gate = parameter("gate", Tensor::ones({1}));
  nn::Buffer calls = buffer("calls", Tensor::zeros({1}, DType::int32));
  Child<nn::Sequential> body;

  explicit Residual(Rng& rng, Index features = 3) : body(child("body", layers(features, rng))) {}
  Variable forward(const Variable& x, Context& context) override {
    if (context.training()) ++*calls.mutable_value().data<std::int32_t>();
    return x + gate * body(x, context);
  }
  static std::shared_ptr<nn::Sequential> layers(Index features, Rng& rng) {
    auto sequence = std::make_shared<nn::Sequential>();
    sequence->add<nn::Dense>(features, features + 1, rng);
    sequence->add<nn::BatchNorm>(features + 1);
    sequence->add<nn::Tanh>();
    sequence->add<nn::Dense>(features + 1, features, rng);
    return sequence;
  }
};

// The same module at two places.
struct Twice final : nn::Layer<Twice> {
  Child<nn::Dense> first, second;
  explicit Twice(const std::shared_ptr<nn::Dense>& dense)
      : first(child("first", dense)), second(child("second", dense)) {}
  Variable forward(const Variable& x, Context& context) override {
    return second(first(x, context), context);
  }
};

std::vector<std::string> names_of(const std::vector<nn::NamedVariable>& variables) {
  std::vector<std::string> names;
  for (const nn::NamedVariable& named : variables) names.push_back(named.name);
  return names;
}

Rng new_rng() { return Rng(1, Stream::initialization); }

TEST(Module, ACompositeIsALayerLikeAnyOther) {
  EXPECT_TRUE(check_module([](Rng& rng) { return std::make_shared<Residual>(rng); },
                           {.input = random_tensor({5, 3}),
                            .output_shape = {5, 3},
                            .differs_in_training = true,
                            .zero_gradients_in_training = {"body.0.bias"}}));
}

TEST(Module, NamesArePathsInOrderOfRegistration) {
  Rng rng = new_rng();
  const Residual residual(rng);
  EXPECT_EQ(names_of(residual.named_parameters()),
            (std::vector<std::string>{"gate", "body.0.weight", "body.0.bias", "body.1.weight", "body.1.bias",
                                      "body.3.weight", "body.3.bias"}));
  EXPECT_EQ(names_of(residual.named_buffers()),
            (std::vector<std::string>{"calls", "body.1.running_mean", "body.1.running_var",
                                      "body.1.num_batches_tracked"}));
  EXPECT_EQ(residual.num_parameters(), 1 + (3 * 4 + 4) + (4 + 4) + (4 * 3 + 3));
  EXPECT_EQ(residual.parameters().size(), 7);
  EXPECT_TRUE(residual.parameters()[0] == residual.gate);
}

TEST(Module, VisitsItselfAndEverythingBelow) {
  Rng rng = new_rng();
  Residual residual(rng);
  std::vector<std::string> seen;
  residual.visit(
      [&](const std::string& path, nn::Module& module) { seen.push_back(path + "=" + module.kind()); });
  EXPECT_EQ(seen, (std::vector<std::string>{"=Residual", "body=sequential", "body.0=dense",
                                            "body.1=batch_norm", "body.2=tanh", "body.3=dense"}));
}

TEST(Module, AModuleAtTwoPlacesIsTrainedAndCountedOnce) {
  Rng rng = new_rng();
  Twice twice(std::make_shared<nn::Dense>(3, 3, rng));
  EXPECT_EQ(names_of(twice.named_parameters()), (std::vector<std::string>{"first.weight", "first.bias"}));
  EXPECT_EQ(twice.num_parameters(), 12);
  std::vector<std::string> paths;
  twice.visit([&](const std::string& path, nn::Module&) { paths.push_back(path); });
  EXPECT_EQ(paths, (std::vector<std::string>{"", "first"}));
}

TEST(Module, ACloneOfAModuleAtTwoPlacesHasOneAtTwoPlaces) {
  const auto make = [](Rng& rng) { return std::make_shared<Twice>(std::make_shared<nn::Dense>(3, 3, rng)); };
  EXPECT_TRUE(check_module(make, {.input = random_tensor({4, 3}), .output_shape = {4, 3}}));
  Rng rng = new_rng();
  const auto original = make(rng);
  const auto copy = std::static_pointer_cast<Twice>(original->clone());
  EXPECT_EQ(copy->first.pointer(), copy->second.pointer());
  EXPECT_NE(copy->first.pointer(), original->first.pointer());

  // At two levels, too.
  const auto shared = std::make_shared<nn::Dense>(3, 3, rng);
  const auto inner = std::make_shared<nn::Sequential>();
  inner->add(shared);
  nn::Sequential outer;
  outer.add(shared);
  outer.add(inner);
  const auto outer_copy = outer.clone();
  EXPECT_EQ(outer_copy->children()[0].module, outer_copy->children()[1].module->children()[0].module);
}

TEST(Module, AClonePicksUpItsOwnMembers) {
  Rng rng = new_rng();
  const Residual original(rng);
  const auto copy = std::static_pointer_cast<Residual>(original.clone());
  EXPECT_TRUE(copy->gate == copy->parameters()[0]);
  EXPECT_TRUE(copy->calls == copy->named_buffers()[0].variable);
  EXPECT_EQ(copy->body.pointer(), copy->children()[0].module);
}

TEST(Module, ACloneKeepsWhatIsNotTrainedAndDropsGradients) {
  Rng rng = new_rng();
  nn::Dense dense(3, 2, rng);
  dense.weight.set_requires_grad(false);
  dense.bias.set_grad(Tensor::ones({2}));
  const auto copy = std::static_pointer_cast<nn::Dense>(dense.clone());
  EXPECT_FALSE(copy->weight.requires_grad());
  EXPECT_TRUE(copy->bias.requires_grad());
  EXPECT_FALSE(copy->bias.grad().defined());
}

TEST(Module, IsCopiedByCloneOnly) {
  const std::string expected = "[module] a module is copied with clone(), not by its copy constructor";
  Rng rng = new_rng();
  const nn::Dense dense(3, 2, rng);
  const Residual residual(rng);
  const nn::ReLU relu;
  EXPECT_EQ(message_of([&] { const nn::Dense copy(dense); }), expected);
  EXPECT_EQ(message_of([&] { const Residual copy(residual); }), expected);
  EXPECT_EQ(message_of([&] { const nn::ReLU copy(relu); }), expected);
  EXPECT_EQ(
      message_of([&] { const auto copy = dense.weight; }),
      "[module] a Parameter or Buffer is copied by clone() of its module; for another handle of it write "
      "'Variable w = layer.weight', not 'auto w'");
  EXPECT_EQ(
      message_of([&] { const auto copy = residual.body; }),
      "[module] a Child is copied by clone() of its module; for another handle of it take its pointer()");
  // What the messages advise.
  const Variable handle = dense.weight;
  EXPECT_TRUE(handle == dense.weight);
  // Also after a clone(), which opens the door and closes it.
  const auto copy = dense.clone();
  EXPECT_EQ(message_of([&] { const nn::Dense again(dense); }), expected);
}

TEST(Module, ACloneThatThrowsClosesTheDoor) {
  struct Throws final : nn::Layer<Throws> {
    Throws() = default;
    Throws(const Throws& other) : nn::Layer<Throws>(other) { throw ValueError("not today"); }
    Variable forward(const Variable& x, Context&) override { return x; }
  };
  nn::Sequential model;
  model.add<nn::ReLU>();
  model.add<Throws>();
  EXPECT_EQ(message_of<ValueError>([&] { model.clone(); }), "not today");
  EXPECT_EQ(message_of([&] { const nn::Sequential copy(model); }),
            "[module] a module is copied with clone(), not by its copy constructor");
}

TEST(Module, CloneRefusesToCutDownADerivedLayer) {
  struct Base : nn::Layer<Base> {
    Variable forward(const Variable& x, Context&) override { return x; }
  };
  struct Derived : Base {};
  EXPECT_EQ(message_of([] { Derived().clone(); }),
            "[module] Derived inherits clone() from another layer; it needs its own");
  EXPECT_NE(Base().clone(), nullptr);
}

TEST(Module, CloneRefusesMembersThatAreNotRegistered) {
  struct Stray final : nn::Layer<Stray> {
    nn::Parameter stray;
    Variable forward(const Variable& x, Context&) override { return x * stray; }
  };
  struct Owner final : nn::Layer<Owner> {
    nn::Parameter own = parameter("own", Tensor::ones({1}));
    Variable forward(const Variable& x, Context&) override { return x * own; }
  };
  Owner owner;
  Stray stray;
  stray.stray = std::move(owner.own);
  EXPECT_EQ(message_of([&] { stray.clone(); }),
            "[module] a Parameter or Buffer that was not registered cannot be cloned");
}

// Opens what only derived classes may do.
struct Open final : nn::Layer<Open> {
  using nn::Module::add_child;
  using nn::Module::buffer;
  using nn::Module::parameter;
  Variable forward(const Variable& x, Context&) override { return x; }
};

TEST(Module, RejectsNamesThatAreTakenEmptyOrPaths) {
  Open open;
  open.parameter("a", Tensor::ones({1}));
  const std::string taken = "[module] the name 'a' is taken in this Open";
  EXPECT_EQ(message_of<ValueError>([&] { open.parameter("a", Tensor::ones({1})); }), taken);
  EXPECT_EQ(message_of<ValueError>([&] { open.buffer("a", Tensor::ones({1})); }), taken);
  EXPECT_EQ(message_of<ValueError>([&] { open.add_child("a", std::make_shared<nn::ReLU>()); }), taken);
  EXPECT_EQ(message_of<ValueError>([&] { open.parameter("", Tensor::ones({1})); }),
            "[module] expected a name without dots, found ''");
  EXPECT_EQ(message_of<ValueError>([&] { open.parameter("b.c", Tensor::ones({1})); }),
            "[module] expected a name without dots, found 'b.c'");
  EXPECT_EQ(message_of<ValueError>([&] { open.add_child("b", nullptr); }),
            "[module] expected a module as 'b', found none");
  EXPECT_EQ(message_of<DTypeError>([&] { open.parameter("b", Tensor::ones({1}, DType::int32)); }),
            "[variable] gradients need float32 or float64 elements, found int32");
  // None of them was half registered.
  EXPECT_EQ(names_of(open.named_parameters()), std::vector<std::string>{"a"});
  EXPECT_TRUE(open.named_buffers().empty());
  EXPECT_TRUE(open.children().empty());
}

TEST(Module, TwoParametersNeverShareElements) {
  Open open;
  const Tensor initial = Tensor::zeros({2});
  nn::Parameter a = open.parameter("a", initial);
  const nn::Parameter b = open.parameter("b", initial);
  a.mutable_value().fill(1);
  EXPECT_EQ(b.value().at({0}), 0);
  EXPECT_EQ(initial.at({0}), 0);
}

template <class T>
struct Wrapper final : nn::Layer<Wrapper<T>> {
  Variable forward(const Variable& x, Context&) override { return x; }
};

TEST(Module, TheKindOfAUsersTypeIsItsName) {
  struct Local final : nn::Layer<Local> {
    Variable forward(const Variable& x, Context&) override { return x; }
  };
  EXPECT_EQ(Local().kind(), "Local");
  EXPECT_EQ(Open().kind(), "Open");
  EXPECT_EQ(Wrapper<double>().kind(), "Wrapper<double>");
  EXPECT_EQ(Wrapper<nn::ReLU>().kind(), "Wrapper<keel::nn::ReLU>");
}

TEST(Module, ConvertsRealStateInPlace) {
  Rng rng = new_rng();
  Residual residual(rng);
  const Tensor before = residual.body->parameters()[0].value();
  residual.gate.set_grad(Tensor::ones({1}));
  residual.to(DType::float64);
  for (const nn::NamedVariable& named : residual.named_parameters()) {
    EXPECT_EQ(named.variable.dtype(), DType::float64) << named.name;
    EXPECT_TRUE(named.variable.requires_grad()) << named.name;
  }
  EXPECT_EQ(residual.gate.dtype(), DType::float64);  // the member is the registered variable
  EXPECT_FALSE(residual.gate.grad().defined());
  EXPECT_EQ(residual.calls.dtype(), DType::int32);
  EXPECT_EQ(residual.named_buffers()[1].variable.dtype(), DType::float64);
  EXPECT_TRUE(same_bits(residual.body->parameters()[0].value(), before.to(DType::float64)));
  EXPECT_EQ(message_of<DTypeError>([&] { residual.to(DType::int32); }),
            "[module] parameters can be float32 or float64, found int32");
  EXPECT_EQ(residual.gate.dtype(), DType::float64);
}

TEST(Module, ClearsAllGradients) {
  Rng rng = new_rng();
  Residual residual(rng);
  Context context(Mode::training);
  residual(Variable(random_tensor({4, 3}, 1, DType::float32)), context)
      .backward(random_tensor({4, 3}, 2, DType::float32));
  for (const Variable& parameter : residual.parameters()) ASSERT_TRUE(parameter.grad().defined());
  residual.clear_grad();
  for (const Variable& parameter : residual.parameters()) EXPECT_FALSE(parameter.grad().defined());
}

TEST(Module, AModelCanBeMovedOutOfAFunction) {
  const auto make = [](bool wide) {
    Rng rng(1, Stream::initialization);
    nn::Sequential narrow_model, wide_model;
    narrow_model.add<nn::Dense>(2, 3, rng);
    wide_model.add<nn::Dense>(2, 5, rng);
    return wide ? std::move(wide_model) : std::move(narrow_model);
  };
  nn::Sequential model = make(true);
  Context context(Mode::evaluation);
  EXPECT_EQ(model(Variable(Tensor::zeros({4, 2})), context).shape(), (Shape{4, 5}));
  EXPECT_EQ(model.num_parameters(), 15);
}

// Members and registrations stay the same variables, so that a clone finds its own.
TEST(Module, AMovedLayerKeepsItsMembers) {
  Rng rng = new_rng();
  Residual original(rng);
  const Variable gate = original.gate;
  const auto body = original.body.pointer();
  const Index num_parameters = original.num_parameters();
  Residual moved = std::move(original);
  ASSERT_EQ(moved.num_parameters(), num_parameters);
  EXPECT_TRUE(moved.gate == gate);
  EXPECT_TRUE(moved.parameters()[0] == gate);
  EXPECT_EQ(moved.body.pointer(), body);
  EXPECT_EQ(moved.children()[0].module, body);
  const auto copy = std::static_pointer_cast<Residual>(moved.clone());
  EXPECT_TRUE(copy->gate == copy->parameters()[0]);
  EXPECT_FALSE(copy->gate == gate);
}

}  // namespace
}  // namespace keel

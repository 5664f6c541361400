#include "keel/ops/lstm.h"

#include <gtest/gtest.h>

#include "keel/autograd/gradcheck.h"
#include "keel/ops/timestep.h"
#include "support/errors.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using testing::message_of;
using testing::random_tensor;

Variable zeros(const Shape& shape, DType dtype = DType::float32) {
  return Variable(Tensor::zeros(shape, dtype));
}

TEST(LstmOps, HaveTheirGradients) {
  const std::vector<Tensor> inputs = {random_tensor({3, 20}, 1), random_tensor({3, 5}, 2)};
  const auto cell = [](const std::vector<Variable>& in) { return lstm_cell(in[0], in[1]); };
  const auto hidden = [](const std::vector<Variable>& in) { return lstm_hidden(in[0], in[1]); };
  const auto both = [](const std::vector<Variable>& in) {
    return lstm_hidden(in[0], lstm_cell(in[0], in[1]));
  };
  for (const DifferentiableFunction& f :
       {DifferentiableFunction(cell), DifferentiableFunction(hidden), DifferentiableFunction(both)}) {
    const GradcheckResult result = gradcheck(f, inputs);
    EXPECT_TRUE(result) << result.message;
  }
}

TEST(LstmOps, GiveGradientsToThoseWhoWantThem) {
  for (const bool of_gates : {true, false}) {
    const Variable z(random_tensor({3, 20}, 1), of_gates), c(random_tensor({3, 5}, 2), !of_gates);
    lstm_hidden(z, lstm_cell(z, c)).backward(random_tensor({3, 5}, 3));
    EXPECT_EQ(z.grad().defined(), of_gates);
    EXPECT_EQ(c.grad().defined(), !of_gates);
  }
}

TEST(LstmOps, RejectWhatDoesNotFit) {
  EXPECT_EQ(message_of<ShapeError>([] {
              lstm_cell(zeros({3, 8}), zeros({3, 3}));
            }),
            "[lstm_cell] expected gates [N,4U] and a cell [N,U], found [3,8] and [3,3]");
  EXPECT_EQ(message_of<ShapeError>([] {
              lstm_hidden(zeros({3, 8}), zeros({2, 2}));
            }),
            "[lstm_hidden] expected gates [N,4U] and a cell [N,U], found [3,8] and [2,2]");
  EXPECT_EQ(message_of<DTypeError>([] {
              lstm_cell(zeros({3, 8}), zeros({3, 2}, DType::float64));
            }),
            "[lstm_cell] expected operands of one element type, found float32 and float64");
}

TEST(TimestepOps, HaveTheirGradients) {
  const auto add = [](const std::vector<Variable>& in) { return add_timestep(in[0], in[1], 2); };
  GradcheckResult result = gradcheck(add, {random_tensor({3, 5}, 1), random_tensor({3, 4, 5}, 2)});
  EXPECT_TRUE(result) << result.message;
  const auto stack = [](const std::vector<Variable>& in) { return stack_timesteps(in); };
  result = gradcheck(stack, {random_tensor({3, 5}, 1), random_tensor({3, 5}, 2)});
  EXPECT_TRUE(result) << result.message;
}

TEST(TimestepOps, AddAndStack) {
  const Tensor a = random_tensor({3, 5}, 1), x = random_tensor({3, 4, 5}, 2);
  const Tensor y = add_timestep(Variable(a), Variable(x), 2).value();
  EXPECT_EQ(y.at({1, 3}), a.at({1, 3}) + x.at({1, 2, 3}));
  const Tensor stacked = stack_timesteps({Variable(a), Variable(y)}).value();
  EXPECT_EQ(stacked.shape(), (Shape{3, 2, 5}));
  EXPECT_EQ(stacked.at({2, 0, 4}), a.at({2, 4}));
  EXPECT_EQ(stacked.at({2, 1, 4}), y.at({2, 4}));
}

TEST(TimestepOps, RejectWhatDoesNotFit) {
  EXPECT_EQ(message_of<ShapeError>([] {
              add_timestep(zeros({3, 5}), zeros({3, 4, 5}), 4);
            }),
            "[add_timestep] [3,5] and step 4 of [3,4,5]: expected [N,C] and a step of [N,T,C]");
  EXPECT_EQ(message_of<ShapeError>([] { stack_timesteps({zeros({3})}); }),
            "[stack_timesteps] expected steps [N,C], found [3]");
}

}  // namespace
}  // namespace keel

#include "keel/ops/gru.h"

#include <gtest/gtest.h>

#include "keel/autograd/gradcheck.h"
#include "support/errors.h"
#include "support/random_tensor.h"

namespace keel {
namespace {

using testing::message_of;
using testing::random_tensor;

TEST(GruOps, HaveTheirGradients) {
  const GradcheckResult result =
      gradcheck([](const std::vector<Variable>& in) { return gru_cell(in[0], 1, in[1], in[2]); },
                {random_tensor({3, 2, 15}, 1), random_tensor({3, 15}, 2), random_tensor({3, 5}, 3)});
  EXPECT_TRUE(result) << result.message;
}

TEST(GruOps, RejectWhatDoesNotFit) {
  const auto zeros = [](const Shape& shape, DType dtype = DType::float32) {
    return Variable(Tensor::zeros(shape, dtype));
  };
  EXPECT_EQ(message_of<ShapeError>([&] {
              gru_cell(zeros({3, 2, 6}), 2, zeros({3, 6}), zeros({3, 2}));
            }),
            "[gru_cell] step 2 of [3,2,6], [3,6] and [3,2]: expected a step of [N,T,3U], [N,3U] and [N,U]");
  EXPECT_EQ(message_of<ShapeError>([&] {
              gru_cell(zeros({3, 6}), 0, zeros({3, 6}), zeros({3, 2}));
            }),
            "[gru_cell] step 0 of [3,6], [3,6] and [3,2]: expected a step of [N,T,3U], [N,3U] and [N,U]");
  EXPECT_EQ(message_of<DTypeError>([&] {
              gru_cell(zeros({3, 2, 6}), 0, zeros({3, 6}, DType::float64), zeros({3, 2}));
            }),
            "[gru_cell] expected operands of one element type, found float64 and float32");
}

}  // namespace
}  // namespace keel

#include "keel/ops/timestep.h"

#include "keel/core/tensor_ops.h"
#include "keel/ops/layout.h"

namespace keel {

// y = a + x[:, t, :]     da += dy     dx[:, t, :] += dy
Variable add_timestep(const Variable& a, const Variable& x, Index t) {
  const Shape &step = a.shape(), &sequence = x.shape();
  check<ShapeError>(step.rank() == 2 && sequence.rank() == 3 && step[0] == sequence[0] &&
                        step[1] == sequence[2] && 0 <= t && t < sequence[1],
                    "[add_timestep] {} and step {} of {}: expected [N,C] and a step of [N,T,C]", step, t,
                    sequence);
  Tensor y = slice(x.value(), 1, t, t + 1).reshape(step);
  add_scaled(y, a.value());
  return Variable::from_op("add_timestep", std::move(y), {a, x},
                           [t, one_step = sequence.with(1, 1)](const Tensor& dy, Gradients& gradients) {
                             if (gradients.wants(0)) gradients.add(0, dy);
                             if (gradients.wants(1))
                               add_to_slice(gradients.add_to(1), 1, t, dy.reshape(one_step));
                           });
}

Variable stack_timesteps(const std::vector<Variable>& steps) {
  std::vector<Variable> parts;
  parts.reserve(steps.size());
  for (const Variable& step : steps) {
    check<ShapeError>(step.shape().rank() == 2, "[stack_timesteps] expected steps [N,C], found {}",
                      step.shape());
    parts.push_back(reshape(step, {step.shape()[0], 1, step.shape()[1]}));
  }
  return concatenate(parts, 1);
}

}  // namespace keel

#include "keel/ops/gru.h"

#include "keel/core/tensor_ops.h"
#include "kernels/gru.h"

namespace keel {

Variable gru_cell(const Variable& a, Index t, const Variable& b, const Variable& h) {
  const Shape &sequence = a.shape(), &state = h.shape();
  const bool ranks = sequence.rank() == 3 && state.rank() == 2;
  check<ShapeError>(ranks && sequence.with(1, 1) == Shape{state[0], 1, 3 * state[1]} &&
                        b.shape() == Shape{state[0], 3 * state[1]} && 0 <= t && t < sequence[1],
                    "[gru_cell] step {} of {}, {} and {}: expected a step of [N,T,3U], [N,3U] and [N,U]", t,
                    sequence, b.shape(), state);
  for (const Variable* operand : {&a, &b}) {
    check<DTypeError>(operand->dtype() == h.dtype(),
                      "[gru_cell] expected operands of one element type, found {} and {}",
                      name_of(operand->dtype()), name_of(h.dtype()));
  }
  const Index rows = state[0], units = state[1], stride = sequence[1] * sequence[2];
  Tensor next = Tensor::like(h.value()), gates = Tensor::like(b.value());
  dispatch_floating("gru_cell", h.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::gru_cell(a.value().data<T>() + t * sequence[2], stride, b.value().data<T>(), h.value().data<T>(),
                      gates.data<T>(), next.data<T>(), rows, units);
  });
  return Variable::from_op("gru_cell", std::move(next), {a, b, h},
                           [gates, vb = b.value(), vh = h.value(), one_step = sequence.with(1, 1), t, rows,
                            units](const Tensor& dnext, Gradients& gradients) {
                             Tensor da = Tensor::like(vb), db = Tensor::like(vb);
                             dispatch_floating("gru_cell", dnext.dtype(), [&](auto zero) {
                               using T = decltype(zero);
                               T* dh = gradients.wants(2) ? gradients.add_to(2).data<T>() : nullptr;
                               kernels::gru_cell_gradient(gates.data<T>(), vb.data<T>(), vh.data<T>(),
                                                          dnext.data<T>(), da.data<T>(), db.data<T>(), dh,
                                                          rows, units);
                             });
                             if (gradients.wants(0))
                               add_to_slice(gradients.add_to(0), 1, t, da.reshape(one_step));
                             if (gradients.wants(1)) gradients.add(1, std::move(db));
                           });
}

}  // namespace keel

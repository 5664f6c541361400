#include "keel/ops/lstm.h"

#include "kernels/lstm.h"

namespace keel {
namespace {

void check_operands(const char* operation, const Variable& z, const Variable& c) {
  check<ShapeError>(z.shape().rank() == 2 && c.shape().rank() == 2 && z.shape()[0] == c.shape()[0] &&
                        z.shape()[1] == 4 * c.shape()[1],
                    "[{}] expected gates [N,4U] and a cell [N,U], found {} and {}", operation, z.shape(),
                    c.shape());
  check<DTypeError>(z.dtype() == c.dtype(), "[{}] expected operands of one element type, found {} and {}",
                    operation, name_of(z.dtype()), name_of(c.dtype()));
}

// Null if nobody wants it.
template <class T>
T* accumulator(Gradients& gradients, std::size_t input) {
  return gradients.wants(input) ? gradients.add_to(input).data<T>() : nullptr;
}

}  // namespace

Variable lstm_cell(const Variable& z, const Variable& c) {
  check_operands("lstm_cell", z, c);
  const Index rows = c.shape()[0], units = c.shape()[1];
  Tensor next = Tensor::like(c.value()), gates = Tensor::empty({rows, 3 * units}, c.dtype());
  dispatch_floating("lstm_cell", c.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::lstm_cell(z.value().data<T>(), c.value().data<T>(), gates.data<T>(), next.data<T>(), rows,
                       units);
  });
  return Variable::from_op("lstm_cell", std::move(next), {z, c},
                           [gates, vc = c.value(), rows, units](const Tensor& dnext, Gradients& gradients) {
                             dispatch_floating("lstm_cell", dnext.dtype(), [&](auto zero) {
                               using T = decltype(zero);
                               kernels::lstm_cell_gradient(gates.data<T>(), vc.data<T>(), dnext.data<T>(),
                                                           accumulator<T>(gradients, 0),
                                                           accumulator<T>(gradients, 1), rows, units);
                             });
                           });
}

Variable lstm_hidden(const Variable& z, const Variable& c) {
  check_operands("lstm_hidden", z, c);
  const Index rows = c.shape()[0], units = c.shape()[1];
  Tensor h = Tensor::like(c.value()), output = Tensor::like(h), tanh_c = Tensor::like(h);
  dispatch_floating("lstm_hidden", c.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::lstm_hidden(z.value().data<T>(), c.value().data<T>(), output.data<T>(), tanh_c.data<T>(),
                         h.data<T>(), rows, units);
  });
  return Variable::from_op("lstm_hidden", std::move(h), {z, c},
                           [output, tanh_c, rows, units](const Tensor& dh, Gradients& gradients) {
                             dispatch_floating("lstm_hidden", dh.dtype(), [&](auto zero) {
                               using T = decltype(zero);
                               kernels::lstm_hidden_gradient(output.data<T>(), tanh_c.data<T>(), dh.data<T>(),
                                                             accumulator<T>(gradients, 0),
                                                             accumulator<T>(gradients, 1), rows, units);
                             });
                           });
}

}  // namespace keel

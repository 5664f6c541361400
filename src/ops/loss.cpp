#include "keel/ops/loss.h"

#include "keel/core/tensor_ops.h"
#include "kernels/softmax.h"

namespace keel {

// dlogits += dy (softmax(logits) - onehot(labels)) / N
Variable softmax_cross_entropy(const Variable& logits, const Tensor& labels) {
  check<ShapeError>(logits.shape().rank() == 2 && logits.value().numel() > 0,
                    "[softmax_cross_entropy] expected logits [N,K] with at least one element, found {}",
                    logits.shape());
  const Index rows = logits.shape()[0], classes = logits.shape()[1];
  check<DTypeError>(labels.defined() && labels.dtype() == DType::int32,
                    "[softmax_cross_entropy] expected int32 labels, found {}",
                    labels.defined() ? name_of(labels.dtype()) : "an undefined tensor");
  check<ShapeError>(labels.shape() == Shape{rows},
                    "[softmax_cross_entropy] logits {} expect labels [{}], found {}", logits.shape(), rows,
                    labels.shape());
  for (Index r = 0; r < rows; ++r) {
    const Index label = labels.data<std::int32_t>()[r];
    check<ValueError>(label >= 0 && label < classes,
                      "[softmax_cross_entropy] label {} of example {} is out of range for {} classes", label,
                      r, classes);
  }
  Tensor probability = Tensor::like(logits.value());
  Tensor loss = Tensor::empty({}, logits.dtype());
  dispatch_floating("softmax_cross_entropy", logits.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const double total = kernels::cross_entropy(logits.value().data<T>(), labels.data<std::int32_t>(),
                                                probability.data<T>(), rows, classes);
    loss.fill(total / static_cast<double>(rows));
  });
  return Variable::from_op(
      "softmax_cross_entropy", loss, {logits}, [=](const Tensor& dy, Gradients& gradients) {
        if (!gradients.wants(0)) return;
        Tensor dlogits = Tensor::like(probability);
        dispatch_floating("softmax_cross_entropy", dy.dtype(), [&](auto zero) {
          using T = decltype(zero);
          kernels::cross_entropy_gradient(probability.data<T>(), labels.data<std::int32_t>(),
                                          dy.item() / static_cast<double>(rows), dlogits.data<T>(), rows,
                                          classes);
        });
        gradients.add(0, std::move(dlogits));
      });
}

// dprediction += dy 2 (prediction - target) / n          dtarget -= the same
Variable mean_squared_error(const Variable& prediction, const Variable& target) {
  check<ShapeError>(prediction.shape() == target.shape(),
                    "[mean_squared_error] expected equal shapes, found {} and {}", prediction.shape(),
                    target.shape());
  check<ShapeError>(prediction.value().numel() > 0,
                    "[mean_squared_error] expected at least one element, found {}", prediction.shape());
  check<DTypeError>(
      prediction.dtype() == target.dtype() && is_floating(target.dtype()),
      "[mean_squared_error] expected float32 or float64 elements, the same in both, found {} and {}",
      name_of(prediction.dtype()), name_of(target.dtype()));
  const Tensor difference = subtract(prediction.value(), target.value());
  return Variable::from_op("mean_squared_error", mean(multiply(difference, difference)), {prediction, target},
                           [difference](const Tensor& dy, Gradients& gradients) {
                             const double scale = 2 * dy.item() / static_cast<double>(difference.numel());
                             if (gradients.wants(0)) add_scaled(gradients.add_to(0), difference, scale);
                             if (gradients.wants(1)) add_scaled(gradients.add_to(1), difference, -scale);
                           });
}

}  // namespace keel

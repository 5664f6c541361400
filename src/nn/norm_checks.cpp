#include "nn/norm_checks.h"

#include "ops/check_epsilon.h"

namespace keel::nn {

void check_epsilon(const char* kind, double epsilon) { keel::check_epsilon(kind, epsilon, DType::float32); }

void check_norm(const char* kind, Index channels, double epsilon) {
  check<ValueError>(channels >= 1, "[{}] expected at least 1 channel, found {}", kind, channels);
  check_epsilon(kind, epsilon);
}

void check_share(const char* kind, const char* option, double share) {
  check<ValueError>(share >= 0 && share <= 1,
                    "[{}] expected {} in [0,1], the weight of the new batch, found {}", kind, option, share);
}

void check_dtype(const char* kind, const Variable& x, const Variable& parameter) {
  check<DTypeError>(!parameter.defined() || parameter.dtype() == x.dtype(),
                    "[{}] expected {} elements as in the layer, found {}", kind,
                    name_of(parameter.defined() ? parameter.dtype() : x.dtype()), name_of(x.dtype()));
}

void check_norm_input(const char* kind, const Variable& x, Index channels, const Variable& parameter) {
  check<ShapeError>(x.shape().rank() >= 2 && x.shape()[-1] == channels,
                    "[{}] expected an input [...,{}] with at least two axes, found {}", kind, channels,
                    x.shape());
  check_dtype(kind, x, parameter);
}

void check_last_axes(const char* kind, const Variable& x, const Shape& shape) {
  const Shape& found = x.shape();
  const auto fits = [&] { return Shape(std::span(found.end() - shape.rank(), found.end())) == shape; };
  check<ShapeError>(found.rank() > shape.rank() && fits(), "[{}] expected an input [...,{}], found {}", kind,
                    shape.to_string().substr(1, shape.to_string().size() - 2), found);
}

void check_rows(const char* kind, const Variable& x, Index channels, const char* where) {
  check<ValueError>(x.value().numel() / channels > 1,
                    "[{}] expected more than one value per channel {}, found input {}: use larger "
                    "batches, or drop the incomplete last batch",
                    kind, where, x.shape());
}

void check_no_mask(const char* kind, const Context& context) {
  check<ValueError>(
      !context.mask().defined(),
      "[{}] expected no mask, as statistics of some of the rows are not supported, found one {}", kind,
      context.mask().defined() ? context.mask().shape() : Shape{});
}

void check_no_mask_of_steps(const char* kind, const Context& context) {
  if (context.mask().defined() && context.mask().shape().rank() > 1) check_no_mask(kind, context);
}

}  // namespace keel::nn

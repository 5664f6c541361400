#include "keel/ops/pool2d.h"

#include <limits>

#include "kernels/pool2d.h"
#include "ops/extents.h"

namespace keel {
namespace {

void check_image(const char* name, const Shape& x) {
  check<ShapeError>(x.rank() == 4 && x[1] > 0 && x[2] > 0,
                    "[{}] expects an input [N,H,W,C] with pixels, found {}", name, x);
  check_image_extents(name, x);
}

kernels::Pool2dSizes sizes_of(const char* name, const Shape& x, Pair kernel, Pair stride, Pair padding) {
  check_image(name, x);
  check<ValueError>(kernel.h >= 1 && kernel.w >= 1, "[{}] kernel {}x{}: expects at least 1", name, kernel.h,
                    kernel.w);
  check_option(name, "kernel", kernel);
  check_option(name, "stride", stride);
  check<ValueError>(stride.h >= 0 && stride.w >= 0,
                    "[{}] stride {}x{}: expects at least 1, or 0 for the kernel's", name, stride.h, stride.w);
  check<ValueError>(
      padding.h >= 0 && padding.w >= 0 && padding.h <= kernel.h / 2 && padding.w <= kernel.w / 2,
      "[{}] padding {}x{}: expects 0 to half of the kernel {}x{}", name, padding.h, padding.w, kernel.h,
      kernel.w);
  const Index h = x[1] + 2 * padding.h, w = x[2] + 2 * padding.w;
  check<ShapeError>(kernel.h <= h && kernel.w <= w,
                    "[{}] kernel {}x{} is larger than the {}x{} pixels of input {} with padding {}x{}", name,
                    kernel.h, kernel.w, h, w, x, padding.h, padding.w);
  const Index stride_h = stride.h == 0 ? kernel.h : stride.h, stride_w = stride.w == 0 ? kernel.w : stride.w;
  return {.n = x[0],
          .h = x[1],
          .w = x[2],
          .c = x[3],
          .kh = kernel.h,
          .kw = kernel.w,
          .stride_h = stride_h,
          .stride_w = stride_w,
          .pad_h = padding.h,
          .pad_w = padding.w,
          .oh = (h - kernel.h) / stride_h + 1,
          .ow = (w - kernel.w) / stride_w + 1};
}

// An average pooling whose result gets the given shape.
Variable average(const char* name, const Variable& x, const kernels::Pool2dSizes& sizes, bool count_padding,
                 const Shape& shape) {
  Tensor y = Tensor::empty(shape, x.dtype());
  dispatch_floating(name, x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::avg_pool2d(x.value().data<T>(), y.data<T>(), sizes, count_padding);
  });
  return Variable::from_op(
      name, std::move(y), {x}, [name, sizes, count_padding](const Tensor& dy, Gradients& grads) {
        if (!grads.wants(0)) return;
        dispatch_floating(name, dy.dtype(), [&](auto zero) {
          using T = decltype(zero);
          kernels::avg_pool2d_grad(dy.data<T>(), grads.add_to(0).data<T>(), sizes, count_padding);
        });
      });
}

}  // namespace

Variable max_pool2d(const Variable& x, const MaxPool2dOptions& options) {
  const char* name = "max_pool2d";
  const kernels::Pool2dSizes sizes =
      sizes_of(name, x.shape(), options.kernel, options.stride, options.padding);
  check<ShapeError>(sizes.h * sizes.w <= std::numeric_limits<std::int32_t>::max(),
                    "[{}] input {} has more pixels than an int32 can count", name, x.shape());
  Tensor y = Tensor::empty({sizes.n, sizes.oh, sizes.ow, sizes.c}, x.dtype());
  Tensor argmax = Tensor::empty(y.shape(), DType::int32);
  dispatch_floating(name, x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::max_pool2d(x.value().data<T>(), y.data<T>(), argmax.data<std::int32_t>(), sizes);
  });
  return Variable::from_op(
      name, std::move(y), {x}, [=, shape = x.shape()](const Tensor& dy, Gradients& grads) {
        if (!grads.wants(0)) return;
        Tensor dx = Tensor::empty(shape, dy.dtype());
        dispatch_floating(name, dy.dtype(), [&](auto zero) {
          using T = decltype(zero);
          kernels::max_pool2d_grad(dy.data<T>(), argmax.data<std::int32_t>(), dx.data<T>(), sizes);
        });
        grads.add(0, std::move(dx));
      });
}

Variable avg_pool2d(const Variable& x, const AvgPool2dOptions& options) {
  const kernels::Pool2dSizes sizes =
      sizes_of("avg_pool2d", x.shape(), options.kernel, options.stride, options.padding);
  return average("avg_pool2d", x, sizes, options.count_include_pad, {sizes.n, sizes.oh, sizes.ow, sizes.c});
}

Variable global_avg_pool2d(const Variable& x) {
  const char* name = "global_avg_pool2d";
  const Shape& shape = x.shape();
  check_image(name, shape);
  const kernels::Pool2dSizes sizes = sizes_of(name, shape, {shape[1], shape[2]}, 0, 0);
  return average(name, x, sizes, true, {sizes.n, sizes.c});
}

}  // namespace keel

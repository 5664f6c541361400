#include "keel/ops/conv2d.h"

#include <functional>

#include "kernels/conv2d.h"
#include "ops/bias_gradient.h"
#include "ops/extents.h"
#include "ops/winograd.h"

namespace keel {
namespace {

void check_options(const Conv2dOptions& o) {
  check<ValueError>(o.stride.h >= 1 && o.stride.w >= 1, "[conv2d] stride {}x{}: expects at least 1",
                    o.stride.h, o.stride.w);
  check<ValueError>(o.dilation.h >= 1 && o.dilation.w >= 1, "[conv2d] dilation {}x{}: expects at least 1",
                    o.dilation.h, o.dilation.w);
  check<ValueError>(o.padding.h >= 0 && o.padding.w >= 0, "[conv2d] padding {}x{}: expects at least 0",
                    o.padding.h, o.padding.w);
  check_option("conv2d", "stride", o.stride);
  check_option("conv2d", "dilation", o.dilation);
  check_option("conv2d", "padding", o.padding);
  check<ValueError>(o.groups >= 1, "[conv2d] groups {}: expects at least 1", o.groups);
}

void check_tensors(const Tensor& x, const Tensor& weight, const Tensor* bias, Index groups) {
  const Shape &xs = x.shape(), &ws = weight.shape();
  check<ShapeError>(xs.rank() == 4, "[conv2d] expects an input [N,H,W,C], found {}", xs);
  check<ShapeError>(ws.rank() == 4 && ws[0] > 0 && ws[1] > 0 && ws[2] > 0 && ws[3] > 0,
                    "[conv2d] expects a weight [KH,KW,C/groups,K] without empty axes, found {}", ws);
  check_image_extents("conv2d", xs);
  check<ShapeError>(ws[0] <= kMaxExtent && ws[1] <= kMaxExtent,
                    "[conv2d] weight {}: expects at most {} taps along an axis", ws, kMaxExtent);
  check<ShapeError>(xs[3] % groups == 0, "[conv2d] the {} channels of input {} cannot be cut into {} groups",
                    xs[3], xs, groups);
  check<ShapeError>(ws[3] % groups == 0,
                    "[conv2d] the {} output channels of weight {} cannot be cut into {} groups", ws[3], ws,
                    groups);
  if (groups == 1) {
    check<ShapeError>(xs[3] == ws[2], "[conv2d] input {} has {} channels, weight {} expects {}", xs, xs[3],
                      ws, ws[2]);
  } else {
    check<ShapeError>(xs[3] / groups == ws[2],
                      "[conv2d] input {} has {} channels in {} groups, weight {} expects {}", xs, xs[3],
                      groups, ws, ws[2] * groups);
  }
  check<DTypeError>(x.dtype() == weight.dtype(), "[conv2d] input has {} elements, weight {}",
                    name_of(x.dtype()), name_of(weight.dtype()));
  if (bias == nullptr) return;
  check<ShapeError>(bias->rank() == 1 && bias->size(0) == ws[3],
                    "[conv2d] bias {} does not fit weight {}: expects [{}]", bias->shape(), ws, ws[3]);
  check<DTypeError>(x.dtype() == bias->dtype(), "[conv2d] input has {} elements, bias {}", name_of(x.dtype()),
                    name_of(bias->dtype()));
}

// The convolution of the padded input.
kernels::Conv2dSizes sizes_of(const Shape& x, const Shape& weight, const Conv2dOptions& o) {
  const Index h = x[1] + 2 * o.padding.h, w = x[2] + 2 * o.padding.w;
  const Index covered_h = o.dilation.h * (weight[0] - 1) + 1, covered_w = o.dilation.w * (weight[1] - 1) + 1;
  check<ShapeError>(
      covered_h <= h && covered_w <= w,
      "[conv2d] weight {} with dilation {}x{} covers {}x{} pixels, input {} with padding {}x{} has {}x{}",
      weight, o.dilation.h, o.dilation.w, covered_h, covered_w, x, o.padding.h, o.padding.w, h, w);
  return {.n = x[0],
          .h = h,
          .w = w,
          .c = x[3],
          .kh = weight[0],
          .kw = weight[1],
          .k = weight[3],
          .groups = o.groups,
          .stride_h = o.stride.h,
          .stride_w = o.stride.w,
          .dilation_h = o.dilation.h,
          .dilation_w = o.dilation.w,
          .oh = (h - covered_h) / o.stride.h + 1,
          .ow = (w - covered_w) / o.stride.w + 1};
}

// The input gradient is a convolution of dy, spread by the stride and padded, with the flipped weights: every
// pixel of x then sees the outputs it took part in.
kernels::Conv2dSizes transposed(const kernels::Conv2dSizes& s, const Conv2dOptions& o) {
  const Index h = s.h - 2 * o.padding.h, w = s.w - 2 * o.padding.w;
  return {.n = s.n,
          .h = h + (s.kh - 1) * s.dilation_h,
          .w = w + (s.kw - 1) * s.dilation_w,
          .c = s.k,
          .kh = s.kh,
          .kw = s.kw,
          .k = s.c,
          .groups = s.groups,
          .stride_h = 1,
          .stride_w = 1,
          .dilation_h = s.dilation_h,
          .dilation_w = s.dilation_w,
          .oh = h,
          .ow = w};
}

// The images of x in an h x w frame, first pixel at `place`, next ones `step` apart. x itself if nothing
// changes.
Tensor framed(const Tensor& x, Index h, Index w, Pair place, Pair step) {
  if (x.size(1) == h && x.size(2) == w && place == 0 && step == 1) return x;
  Tensor y = Tensor::empty({x.size(0), h, w, x.size(3)}, x.dtype());
  const kernels::Pad2dSizes sizes{.n = x.size(0),
                                  .c = x.size(3),
                                  .h = x.size(1),
                                  .w = x.size(2),
                                  .out_h = h,
                                  .out_w = w,
                                  .top = place.h,
                                  .left = place.w,
                                  .step_h = step.h,
                                  .step_w = step.w};
  dispatch_floating("conv2d", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    kernels::pad2d(x.data<T>(), y.data<T>(), sizes);
  });
  return y;
}

// y = activation(x * weight + bias).
Tensor convolve(const Tensor& x, const Tensor& weight, const Tensor* bias, Activation activation,
                const kernels::Conv2dSizes& s, bool flipped) {
  Tensor y = Tensor::empty({s.n, s.oh, s.ow, s.k}, x.dtype());
  dispatch_floating("conv2d", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Index rows = s.kh * s.kw * (s.c / s.groups) + 1;
    Tensor packed = Tensor::empty({s.groups * rows * kernels::padded_channels<T>(s.k / s.groups)}, x.dtype());
    const kernels::Conv2dWeightSizes weight_sizes{
        .taps = s.kh * s.kw, .c = flipped ? s.k : s.c, .k = flipped ? s.c : s.k, .groups = s.groups};
    kernels::conv2d_pack(weight.data<T>(), bias == nullptr ? nullptr : bias->data<T>(), packed.data<T>(),
                         weight_sizes, flipped);
    kernels::conv2d_forward(x.data<T>(), packed.data<T>(), y.data<T>(), s, activation == Activation::relu);
  });
  return y;
}

void add_weight_gradient(const Tensor& x, const Tensor& dy, Tensor& dweight, const kernels::Conv2dSizes& s) {
  dispatch_floating("conv2d", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Index elements = s.kh * s.kw * s.c * kernels::padded_channels<T>(s.k / s.groups);
    Tensor parts = Tensor::empty({kernels::conv2d_weight_grad_parts(s.n, elements), elements}, x.dtype());
    kernels::conv2d_weight_grad(x.data<T>(), dy.data<T>(), parts.data<T>(), dweight.data<T>(), s);
  });
}

// What goes backwards through a convolution: dx and dweight, each if it is wanted.
using Backward = std::function<void(const Tensor& dz, Gradients& grads)>;

struct Convolution {
  Tensor y;
  Backward backward;
};

Convolution direct(const Tensor& x, const Tensor& weight, const Tensor* bias, const Conv2dOptions& options,
                   const kernels::Conv2dSizes& sizes) {
  // The padded input is kept for the weight gradient, so that it is padded once.
  const Tensor padded = framed(x, sizes.h, sizes.w, options.padding, 1);
  return {convolve(padded, weight, bias, options.activation, sizes, false),
          [padded, weight, sizes, options](const Tensor& dz, Gradients& grads) {
            if (grads.wants(0)) {
              const kernels::Conv2dSizes back = transposed(sizes, options);
              const Pair place{(sizes.kh - 1) * sizes.dilation_h - options.padding.h,
                               (sizes.kw - 1) * sizes.dilation_w - options.padding.w};
              grads.add(0, convolve(framed(dz, back.h, back.w, place, options.stride), weight, nullptr,
                                    Activation::none, back, true));
            }
            if (grads.wants(1)) add_weight_gradient(padded, dz, grads.add_to(1), sizes);
          }};
}

Convolution by_winograd(const Tensor& x, const Tensor& weight, const Tensor* bias,
                        const Conv2dOptions& options, const kernels::Conv2dSizes& sizes) {
  const Pair padding = options.padding;
  return {winograd_convolve(x, weight, bias, padding, options.activation, false),
          [x, weight, padding, sizes](const Tensor& dz, Gradients& grads) {
            if (grads.wants(0)) {
              grads.add(0, winograd_convolve(dz, weight, nullptr, {2 - padding.h, 2 - padding.w},
                                             Activation::none, true));
            }
            if (!grads.wants(1)) return;
            if (winograd_weight_gradient_applies(weight.shape())) {
              winograd_add_weight_gradient(x, dz, grads.add_to(1), padding);
            } else {
              add_weight_gradient(framed(x, sizes.h, sizes.w, padding, 1), dz, grads.add_to(1), sizes);
            }
          }};
}

}  // namespace

Variable conv2d(const Variable& x, const Variable& weight, const Variable& bias,
                const Conv2dOptions& options) {
  const Tensor* bias_value = bias.defined() ? &bias.value() : nullptr;
  check_options(options);
  check_tensors(x.value(), weight.value(), bias_value, options.groups);
  const kernels::Conv2dSizes sizes = sizes_of(x.shape(), weight.shape(), options);
  const Convolution forward = winograd_applies(x.shape(), weight.shape(), options)
                                  ? by_winograd(x.value(), weight.value(), bias_value, options, sizes)
                                  : direct(x.value(), weight.value(), bias_value, options, sizes);
  const Tensor activated = options.activation == Activation::relu ? forward.y : Tensor();

  std::vector<Variable> inputs = {x, weight};
  if (bias.defined()) inputs.push_back(bias);
  return Variable::from_op("conv2d", forward.y, std::move(inputs),
                           [backward = forward.backward, activated, has_bias = bias.defined()](
                               const Tensor& dy, Gradients& grads) {
                             const BiasGradient behind =
                                 bias_gradient(dy, activated, has_bias && grads.wants(2));
                             backward(behind.input, grads);
                             if (behind.bias.defined()) grads.add(2, behind.bias);
                           });
}

Pair same_padding(Pair kernel, Pair dilation) {
  check_option("same_padding", "kernel", kernel);
  check_option("same_padding", "dilation", dilation);
  const Pair sides{dilation.h * (kernel.h - 1), dilation.w * (kernel.w - 1)};
  check<ValueError>(
      sides.h % 2 == 0 && sides.w % 2 == 0,
      "[same_padding] kernel {}x{} with dilation {}x{} needs unequal padding: expects an odd kernel",
      kernel.h, kernel.w, dilation.h, dilation.w);
  return {sides.h / 2, sides.w / 2};
}

}  // namespace keel

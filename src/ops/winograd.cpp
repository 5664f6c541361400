#include "ops/winograd.h"

#include "kernels/dispatch/threads.h"
#include "kernels/winograd.h"

namespace keel {
namespace {

kernels::WinogradSizes sizes_of(const Tensor& x, Index k, Pair padding) {
  return {.n = x.size(0),
          .h = x.size(1),
          .w = x.size(2),
          .c = x.size(3),
          .k = k,
          .pad_h = padding.h,
          .pad_w = padding.w,
          .oh = x.size(1) + 2 * padding.h - 2,
          .ow = x.size(2) + 2 * padding.w - 2};
}

template <class T>
Tensor scratch_for(int threads, Index tiles, const kernels::WinogradSizes& s, DType dtype) {
  return Tensor::empty({threads, kernels::winograd_scratch<T>(tiles, s.c, s.k)}, dtype);
}

}  // namespace

bool winograd_applies(const Shape& x, const Shape& weight, const Conv2dOptions& o) {
  return o.algorithm == Conv2dAlgorithm::fastest && weight[0] == 3 && weight[1] == 3 && o.stride == 1 &&
         o.dilation == 1 && o.groups == 1 && o.padding.h <= 2 && o.padding.w <= 2 &&
         kernels::winograd_pays(x[3], weight[3]);
}

bool winograd_weight_gradient_applies(const Shape& weight) {
  return kernels::winograd_gradient_pays(weight[2], weight[3]);
}

Tensor winograd_convolve(const Tensor& x, const Tensor& weight, const Tensor* bias, Pair padding,
                         Activation activation, bool flipped) {
  const kernels::WinogradSizes s = sizes_of(x, weight.size(flipped ? 2 : 3), padding);
  Tensor y = Tensor::empty({s.n, s.oh, s.ow, s.k}, x.dtype());
  dispatch_floating("conv2d", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    Tensor packed =
        Tensor::empty({kernels::kWinogradPlaces, s.c, kernels::padded_channels<T>(s.k)}, x.dtype());
    kernels::winograd_weights(weight.data<T>(), packed.data<T>(), weight.size(2), weight.size(3), flipped);
    const int threads = kernels::num_threads();
    Tensor scratch = scratch_for<T>(threads, kernels::kWinogradForwardTiles, s, x.dtype());
    kernels::winograd_forward(x.data<T>(), packed.data<T>(), bias == nullptr ? nullptr : bias->data<T>(),
                              y.data<T>(), scratch.data<T>(), threads, s, activation == Activation::relu);
  });
  return y;
}

void winograd_add_weight_gradient(const Tensor& x, const Tensor& dy, Tensor& dweight, Pair padding) {
  const kernels::WinogradSizes s = sizes_of(x, dy.size(3), padding);
  dispatch_floating("conv2d", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    Tensor parts = Tensor::empty(
        {kernels::winograd_parts(s.n), kernels::kWinogradPlaces, s.c, kernels::padded_channels<T>(s.k)},
        x.dtype());
    const int threads = kernels::num_threads();
    Tensor scratch = scratch_for<T>(threads, kernels::kWinogradGradientTiles, s, x.dtype());
    kernels::winograd_weight_grad(x.data<T>(), dy.data<T>(), parts.data<T>(), scratch.data<T>(), threads,
                                  dweight.data<T>(), s);
  });
}

}  // namespace keel

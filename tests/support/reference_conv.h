// Convolution and pooling by their definitions: loops over everything, in float64, for tests to compare with.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "keel/core/shape.h"

namespace keel::testing {

using Values = std::vector<double>;

inline std::size_t at(Index i) { return static_cast<std::size_t>(i); }

struct ReferenceConv2d {
  Index n = 1, h = 1, w = 1, c = 1;
  Index kh = 1, kw = 1, k = 1;
  Index stride_h = 1, stride_w = 1;
  Index pad_h = 0, pad_w = 0;
  Index dilation_h = 1, dilation_w = 1;
  Index groups = 1;

  Index oh() const { return (h + 2 * pad_h - dilation_h * (kh - 1) - 1) / stride_h + 1; }
  Index ow() const { return (w + 2 * pad_w - dilation_w * (kw - 1) - 1) / stride_w + 1; }
  Index x_size() const { return n * h * w * c; }
  Index weight_size() const { return kh * kw * c / groups * k; }
  Index y_size() const { return n * oh() * ow() * k; }

  // Calls body(x index, weight index, y index) for every product in the sum.
  template <class Body>
  void for_products(const Body& body) const {
    const Index c_group = c / groups, k_group = k / groups;
    for (Index out = 0; out < y_size(); ++out) {
      const Index channel = out % k, j = out / k % ow(), i = out / k / ow() % oh(),
                  image = out / k / ow() / oh();
      for (Index tap = 0; tap < kh * kw; ++tap) {
        const Index row = i * stride_h + tap / kw * dilation_h - pad_h;
        const Index column = j * stride_w + tap % kw * dilation_w - pad_w;
        if (row < 0 || row >= h || column < 0 || column >= w) continue;
        for (Index a = 0; a < c_group; ++a) {
          const Index in = ((image * h + row) * w + column) * c + channel / k_group * c_group + a;
          body(at(in), at((tap * c_group + a) * k + channel), at(out));
        }
      }
    }
  }

  Values forward(const Values& x, const Values& weight, const Values& bias) const {
    Values y(at(y_size()));
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = bias[i % at(k)];
    for_products(
        [&](std::size_t in, std::size_t w_index, std::size_t out) { y[out] += x[in] * weight[w_index]; });
    return y;
  }
  Values input_gradient(const Values& weight, const Values& dy) const {
    Values dx(at(x_size()));
    for_products(
        [&](std::size_t in, std::size_t w_index, std::size_t out) { dx[in] += dy[out] * weight[w_index]; });
    return dx;
  }
  Values weight_gradient(const Values& x, const Values& dy) const {
    Values dweight(at(weight_size()));
    for_products(
        [&](std::size_t in, std::size_t w_index, std::size_t out) { dweight[w_index] += dy[out] * x[in]; });
    return dweight;
  }
};

struct ReferencePool2d {
  Index n = 1, h = 1, w = 1, c = 1;
  Index kh = 1, kw = 1;
  Index stride_h = 1, stride_w = 1;
  Index pad_h = 0, pad_w = 0;

  Index oh() const { return (h + 2 * pad_h - kh) / stride_h + 1; }
  Index ow() const { return (w + 2 * pad_w - kw) / stride_w + 1; }
  Index x_size() const { return n * h * w * c; }
  Index y_size() const { return n * oh() * ow() * c; }

  // Calls body(x index, pixel of the image) for the pixels of the window of element `out`.
  template <class Body>
  void for_window(Index out, const Body& body) const {
    const Index channel = out % c, j = out / c % ow(), i = out / c / ow() % oh(),
                image = out / c / ow() / oh();
    for (Index row = i * stride_h - pad_h; row < i * stride_h - pad_h + kh; ++row) {
      for (Index column = j * stride_w - pad_w; column < j * stride_w - pad_w + kw; ++column) {
        if (row < 0 || row >= h || column < 0 || column >= w) continue;
        body(at(((image * h + row) * w + column) * c + channel), row * w + column);
      }
    }
  }

  void max(const Values& x, Values& y, std::vector<std::int32_t>& argmax) const {
    y.assign(at(y_size()), -std::numeric_limits<double>::infinity());
    argmax.assign(at(y_size()), -1);
    for (Index out = 0; out < y_size(); ++out) {
      for_window(out, [&](std::size_t in, Index pixel) {
        if (argmax[at(out)] >= 0 && !(x[in] > y[at(out)]) && !std::isnan(x[in])) return;
        y[at(out)] = x[in];
        argmax[at(out)] = static_cast<std::int32_t>(pixel);
      });
    }
  }
  Values average(const Values& x, bool count_padding) const {
    Values y(at(y_size()));
    for (Index out = 0; out < y_size(); ++out) {
      Index pixels = 0;
      for_window(out, [&](std::size_t in, Index) { y[at(out)] += x[in], ++pixels; });
      y[at(out)] /= static_cast<double>(count_padding ? kh * kw : pixels);
    }
    return y;
  }
  Values average_gradient(const Values& dy, bool count_padding) const {
    Values dx(at(x_size()));
    for (Index out = 0; out < y_size(); ++out) {
      Index pixels = 0;
      for_window(out, [&](std::size_t, Index) { ++pixels; });
      const double share = dy[at(out)] / static_cast<double>(count_padding ? kh * kw : pixels);
      for_window(out, [&](std::size_t in, Index) { dx[in] += share; });
    }
    return dx;
  }
};

}  // namespace keel::testing

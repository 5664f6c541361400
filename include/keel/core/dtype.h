// Element types, known at run time.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>

#include "keel/core/error.h"

namespace keel {

// float32 to train, float64 to check gradients, int32 for labels, uint8 for stored images.
enum class DType : std::uint8_t { float32, float64, int32, uint8 };

std::size_t size_of(DType dtype);  // bytes
const char* name_of(DType dtype);  // "float32"
inline bool is_floating(DType dtype) { return dtype == DType::float32 || dtype == DType::float64; }

template <class T>
inline constexpr bool kIsElementType = false;
template <>
inline constexpr bool kIsElementType<float> = true;
template <>
inline constexpr bool kIsElementType<double> = true;
template <>
inline constexpr bool kIsElementType<std::int32_t> = true;
template <>
inline constexpr bool kIsElementType<std::uint8_t> = true;

template <class T>
requires kIsElementType<T>
constexpr DType dtype_of() {
  if constexpr (sizeof(T) == 8) return DType::float64;
  if constexpr (sizeof(T) == 1) return DType::uint8;
  if constexpr (static_cast<T>(0.5) == 0) return DType::int32;
  return DType::float32;
}

// Calls f(T{}) with T the C++ type of the dtype.
template <class F>
decltype(auto) dispatch(DType dtype, F&& f) {
  switch (dtype) {
    case DType::float64:
      return f(double{});
    case DType::int32:
      return f(std::int32_t{});
    case DType::uint8:
      return f(std::uint8_t{});
    case DType::float32:
      break;
  }
  return f(float{});
}

// The same for operations defined on real numbers only. throws: DTypeError naming the operation.
template <class F>
decltype(auto) dispatch_floating(const char* operation, DType dtype, F&& f) {
  if (dtype == DType::float64) return f(double{});
  if (dtype != DType::float32) {
    throw DTypeError(
        fmt::format("[{}] expects float32 or float64 elements, found {}", operation, name_of(dtype)));
  }
  return f(float{});
}

}  // namespace keel

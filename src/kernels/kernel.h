// How a kernel is declared, compiled for several instruction set levels, and called.
//
// A kernel is a pure function on pointers, sizes and plain options, for float and double. It allocates
// nothing, throws nothing and keeps no state. Its comment says of each output whether it writes or adds.
//
//   relu.h      // y = max(x, 0).  writes y
//               template <class T> using ReluKernel = void(const T* x, T* y, Index n);
//               KEEL_KERNEL(relu, ReluKernel);
//
//   relu.cpp    namespace keel::kernels::KEEL_ISA {
//               namespace { template <class T> void relu_kernel(const T* x, T* y, Index n) { ... } }
//               const Entry<ReluKernel> relu = {relu_kernel<float>, relu_kernel<double>};
//               }
//
//   elsewhere   kernels::relu(x, y, n);      // float or double by its arguments, level by the processor
//
// The build compiles each file of this folder once for each level, with KEEL_ISA set to its name. Keep
// helpers in unnamed namespaces, and call no function templates of the standard library that might not be
// inlined: the linker keeps one copy of each, and it could be one that the processor cannot run.
#pragma once

#include <cstdint>

#include "kernels/dispatch/isa.h"

#ifndef KEEL_ISA  // for editors and tools; the build always sets it
#define KEEL_ISA v2
#endif

namespace keel::kernels {

using Index = std::int64_t;

// One level's functions.
template <template <class> class Signature>
struct Entry {
  Signature<float>* f32;
  Signature<double>* f64;
};

template <template <class> class Signature, class F32 = Signature<float>, class F64 = Signature<double>>
struct Kernel;

// A kernel of all levels, called like a function.
template <template <class> class Signature, class R, class... A, class S, class... B>
struct Kernel<Signature, R(A...), S(B...)> {
  const Entry<Signature>* levels[kNumIsaLevels];

  R operator()(A... arguments) const { return levels[isa_level()]->f32(arguments...); }
  S operator()(B... arguments) const { return levels[isa_level()]->f64(arguments...); }
};

}  // namespace keel::kernels

#if defined(__x86_64__) && !defined(KEEL_NATIVE)
#define KEEL_KERNEL(name, Signature)        \
  namespace v2 {                            \
  extern const Entry<Signature> name;       \
  }                                         \
  namespace v3 {                            \
  extern const Entry<Signature> name;       \
  }                                         \
  namespace v4 {                            \
  extern const Entry<Signature> name;       \
  }                                         \
  inline constexpr Kernel<Signature> name { \
    { &v2::name, &v3::name, &v4::name }     \
  }
#else
#ifdef KEEL_NATIVE
#define KEEL_ONLY_ISA native
#else
#define KEEL_ONLY_ISA base
#endif
#define KEEL_KERNEL(name, Signature)        \
  namespace KEEL_ONLY_ISA {                 \
  extern const Entry<Signature> name;       \
  }                                         \
  inline constexpr Kernel<Signature> name { \
    { &KEEL_ONLY_ISA::name }                \
  }
#endif

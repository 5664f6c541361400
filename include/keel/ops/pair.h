// Pair: a number for each of an image's two axes.
#pragma once

#include "keel/core/shape.h"

namespace keel {

// {.stride = 2} is 2 down and 2 across, {.stride = {1, 2}} is 1 down and 2 across.
struct Pair {
  Index h;
  Index w;

  constexpr Pair(Index both) : h(both), w(both) {}  // implicit: one number is the common case
  constexpr Pair(Index down, Index across) : h(down), w(across) {}
  friend constexpr bool operator==(const Pair&, const Pair&) = default;
};

}  // namespace keel

// Figures in tables for people.
#pragma once

#include <fmt/format.h>

#include <string>

namespace keel::apps {

// Four decimals, as losses usually are; one that has almost diverged must not run into the next column.
inline std::string loss_in_words(double loss) {
  return loss < 1000 ? fmt::format("{:.4f}", loss) : fmt::format("{:.2e}", loss);
}

}  // namespace keel::apps

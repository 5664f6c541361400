#include "keel/core/did_you_mean.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace keel {
namespace {

char folded(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
  return c == '_' || c == ' ' ? '-' : c;
}

std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (folded(a[i - 1]) == folded(b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

// A slip of the finger is short; comparing what a hostile file holds would take long.
constexpr std::size_t kLongestName = 64;

}  // namespace

std::string did_you_mean(const std::string& name, const std::vector<std::string>& known,
                         const std::string& shown) {
  if (known.empty() || name.size() > kLongestName) return "";
  const auto nearest = std::min_element(known.begin(), known.end(), [&](const auto& a, const auto& b) {
    return distance(a, name) < distance(b, name);
  });
  if (2 * distance(*nearest, name) > std::max(nearest->size(), name.size())) return "";
  return fmt::format(": did you mean {}?", fmt::format(fmt::runtime(shown), *nearest));
}

}  // namespace keel

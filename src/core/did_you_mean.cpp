#include "keel/core/did_you_mean.h"

#include <fmt/format.h>

#include <algorithm>
#include <compare>
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

// Shorter ones begin too many words.
constexpr std::size_t kShortestBeginning = 3;

bool share_half(const std::string& a, const std::string& b) {
  return 2 * distance(a, b) <= std::max(a.size(), b.size());
}

std::vector<std::string> words_of(const std::string& name) {
  std::vector<std::string> words(1);
  for (const char c : name) {
    if (folded(c) == '-') {
      words.emplace_back();
    } else {
      words.back() += folded(c);
    }
  }
  std::erase(words, "");
  return words;
}

bool are_near_words(const std::string& a, const std::string& b) {
  const bool begins = b.starts_with(a) || a.starts_with(b);
  return (begins && std::min(a.size(), b.size()) >= kShortestBeginning) ||
         5 * distance(a, b) <= std::max(a.size(), b.size());
}

// The words of `asked` that `known` has, or 1 if it is short for `known`.
std::ptrdiff_t shared_words(const std::vector<std::string>& asked, const std::vector<std::string>& known) {
  std::string initials;
  for (const std::string& word : known) initials += word.front();
  if (asked.size() == 1 && asked.front() == initials) return 1;
  return std::count_if(asked.begin(), asked.end(), [&](const std::string& a) {
    return std::any_of(known.begin(), known.end(), [&](const auto& b) { return are_near_words(a, b); });
  });
}

// The smaller, the nearer.
struct Nearness {
  bool is_far;
  std::ptrdiff_t minus_shared_words;
  std::size_t distance;
  std::string name;

  auto operator<=>(const Nearness&) const = default;
};

}  // namespace

std::string did_you_mean(const std::string& name, const std::vector<std::string>& known,
                         const std::string& shown) {
  if (known.empty() || name.size() > kLongestName) return "";
  const auto nearest = std::min_element(known.begin(), known.end(), [&](const auto& a, const auto& b) {
    return distance(a, name) < distance(b, name);
  });
  if (!share_half(*nearest, name)) return "";
  return fmt::format(": did you mean {}?", fmt::format(fmt::runtime(shown), *nearest));
}

std::string did_you_mean_one_of(const std::string& name, const std::vector<std::string>& known) {
  constexpr std::size_t kMost = 3;
  if (name.size() > kLongestName) return "";
  std::ptrdiff_t most_shared = 1;
  std::vector<Nearness> near;
  for (const std::string& other : known) {
    const std::ptrdiff_t shared = shared_words(words_of(name), words_of(other));
    most_shared = std::max(most_shared, shared);
    near.push_back({!share_half(other, name), -shared, distance(other, name), other});
  }
  std::erase_if(near,
                [&](const Nearness& one) { return one.is_far && -one.minus_shared_words < most_shared; });
  std::sort(near.begin(), near.end());
  std::string names;
  const std::size_t count = std::min(near.size(), kMost);
  for (std::size_t i = 0; i < count; ++i) {
    names += fmt::format("{}'{}'", i == 0 ? "" : i + 1 < count ? ", " : " or ", near[i].name);
  }
  return names.empty() ? "" : fmt::format(": did you mean {}?", names);
}

}  // namespace keel

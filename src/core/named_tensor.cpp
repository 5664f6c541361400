#include "keel/core/named_tensor.h"

#include <fmt/ranges.h>

#include <unordered_map>
#include <unordered_set>

namespace keel {
namespace {

// Of each list, as one line is to be read by a person.
constexpr std::size_t kMaxListed = 8;

template <class T, class F>
void append_list(std::vector<std::string>& parts, const char* title, const std::vector<T>& items,
                 const F& text) {
  if (items.empty()) return;
  std::vector<std::string> listed;
  for (std::size_t i = 0; i < items.size() && i < kMaxListed; ++i) listed.push_back(text(items[i]));
  std::string part = fmt::format("{} {}: {}", title, items.size(), fmt::join(listed, ", "));
  if (items.size() > kMaxListed) part += fmt::format(" and {} more", items.size() - kMaxListed);
  parts.push_back(std::move(part));
}

std::string kind_of(const Tensor& tensor) {
  return fmt::format("{} {}", tensor.shape(), name_of(tensor.dtype()));
}

bool converts(DType from, DType to) { return from == to || (is_floating(from) && is_floating(to)); }

}  // namespace

std::string StateDifference::to_string() const {
  const auto quoted = [](const std::string& name) { return "'" + name + "'"; };
  std::vector<std::string> parts;
  append_list(parts, "missing", missing, quoted);
  append_list(parts, "unexpected", unexpected, quoted);
  append_list(parts, "mismatched", mismatched, [](const Mismatch& m) {
    return fmt::format("'{}' (expected {}, found {})", m.name, m.expected, m.found);
  });
  return fmt::format("{}", fmt::join(parts, "; "));
}

StateMatch match_state(const char* operation, const std::vector<NamedTensor>& expected,
                       const std::vector<NamedTensor>& given) {
  std::unordered_map<std::string, const Tensor*> by_name;
  for (const NamedTensor& named : given) {
    check<ValueError>(named.tensor.defined(), "[{}] tensor '{}' is undefined", operation, named.name);
    check<ValueError>(by_name.emplace(named.name, &named.tensor).second,
                      "[{}] expected one tensor of each name, found two named '{}'", operation, named.name);
  }
  StateMatch match;
  std::unordered_set<std::string> expected_names;
  for (std::size_t place = 0; place < expected.size(); ++place) {
    const auto& [name, target] = expected[place];
    expected_names.insert(name);
    const auto found = by_name.find(name);
    if (found == by_name.end()) {
      match.difference.missing.push_back(name);
      continue;
    }
    const Tensor& source = *found->second;
    if (source.shape() != target.shape() || !converts(source.dtype(), target.dtype())) {
      match.difference.mismatched.push_back({name, kind_of(target), kind_of(source)});
      continue;
    }
    match.copies.push_back({place, source.to(target.dtype())});
  }
  for (const NamedTensor& named : given) {
    if (!expected_names.contains(named.name)) match.difference.unexpected.push_back(named.name);
  }
  return match;
}

}  // namespace keel

#include "io/stored_tensors.h"

#include <bit>
#include <unordered_set>

namespace keel::io {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are stored as they are in memory");

void require_storable(const char* operation, const std::vector<NamedTensor>& tensors,
                      const std::set<std::string>& as_int64) {
  std::unordered_set<std::string> names;
  for (const auto& [name, tensor] : tensors) {
    check<ValueError>(!name.empty(), "[{}] '' cannot be the name of a tensor", operation);
    check<ValueError>(names.insert(name).second,
                      "[{}] expected one tensor of each name, found two named '{}'", operation, name);
    check<ValueError>(tensor.defined(), "[{}] tensor '{}' is undefined", operation, name);
    check<ValueError>(tensor.dtype() == DType::int32 || !as_int64.contains(name),
                      "[{}] '{}' can be stored as int64 if it is int32, found {}", operation, name,
                      name_of(tensor.dtype()));
  }
  for (const std::string& name : as_int64) {
    check<ValueError>(names.contains(name), "[{}] '{}' is to be stored as int64, but there is no such tensor",
                      operation, name);
  }
}

}  // namespace

StoredTensors::StoredTensors(const char* operation, const std::vector<NamedTensor>& tensors,
                             const std::set<std::string>& as_int64) {
  require_storable(operation, tensors, as_int64);
  for (const auto& [name, tensor] : tensors) {
    if (as_int64.contains(name)) {
      const std::span<const std::int32_t> values = tensor.values<std::int32_t>();
      // The elements of a vector stay where they are when it is moved.
      converted_.emplace_back(values.begin(), values.end());
      const std::span<const std::int64_t> wide = converted_.back();
      stored_.push_back({std::as_bytes(wide), sizeof(std::int64_t), true});
    } else {
      stored_.push_back({{tensor.bytes(), tensor.num_bytes()}, size_of(tensor.dtype()), false});
    }
  }
}

}  // namespace keel::io

#include "io/safetensors_header.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <unordered_set>

#include "core/utf8.h"
#include "io/json_shown.h"
#include "keel/core/error.h"

namespace keel::io {
namespace {

// Takes the JSON text event by event, so that nothing but the one structure that a header has is ever built:
// depth, repeated keys and numbers are checked as they come.
class HeaderReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderReader(const std::string& file) : file_(file) {}

  SafetensorsHeader take() { return std::move(header_); }

  bool null() override { unexpected("null"); }
  bool boolean(bool) override { unexpected("a truth value"); }
  bool number_integer(number_integer_t value) override { unexpected(fmt::format("{}", value)); }
  bool number_float(number_float_t, const string_t& text) override { unexpected(text); }
  bool binary(binary_t&) override { unexpected("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ != Place::numbers) unexpected(fmt::format("{}", value));
    const std::size_t most = field_ == "shape" ? Shape::kMaxRank : 2;
    require(numbers_.size() < most, "at most {} numbers expected as '{}' of {}", most, field_,
            shown_text(entry_.name));
    require(value <= std::numeric_limits<Index>::max(),
            "a number below 2^63 expected in '{}' of {}, found {}", field_, shown_text(entry_.name), value);
    numbers_.push_back(static_cast<Index>(value));
    return true;
  }

  bool string(string_t& value) override {
    if (place_ == Place::metadata) {
      header_.metadata[field_] = std::move(value);
    } else if (place_ == Place::entry && field_ == "dtype") {
      entry_.dtype = std::move(value);
    } else {
      unexpected("the text " + shown_text(value));
    }
    return true;
  }

  bool start_object(std::size_t) override {
    if (place_ == Place::start) {
      place_ = Place::header;
    } else if (place_ == Place::header) {
      place_ = entry_.name == kMetadataKey ? Place::metadata : Place::entry;
    } else {
      unexpected("an object");
    }
    return true;
  }

  bool key(string_t& key) override {
    if (place_ == Place::header) {
      require(!key.empty(), "names of at least one character expected, found an empty one");
      require(is_printable_utf8(key), "names in UTF-8 without control characters expected, found {}",
              shown_text(key));
      require(names_.insert(key).second, "each name once expected, found {} twice", shown_text(key));
      entry_ = {.name = std::move(key), .dtype = {}, .shape = {}};
      return true;
    }
    if (place_ == Place::entry) {
      require(key == "dtype" || key == "shape" || key == "data_offsets",
              "'dtype', 'shape' and 'data_offsets' expected of {}, found {}", shown_text(entry_.name),
              shown_text(key));
    }
    require(fields_.insert(key).second, "each key of {} once expected, found {} twice",
            shown_text(entry_.name), shown_text(key));
    field_ = std::move(key);
    return true;
  }

  bool end_object() override {
    if (place_ == Place::entry) {
      for (const char* field : {"dtype", "shape", "data_offsets"}) {
        require(fields_.contains(field), "'dtype', 'shape' and 'data_offsets' expected of {}, found no '{}'",
                shown_text(entry_.name), field);
      }
      header_.entries.push_back(std::move(entry_));
    }
    fields_.clear();
    place_ = Place::header;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ != Place::entry || field_ == "dtype") unexpected("an array");
    place_ = Place::numbers;
    numbers_.clear();
    return true;
  }

  bool end_array() override {
    if (field_ == "shape") {
      entry_.shape = checked_shape();
    } else {
      require(numbers_.size() == 2, "2 numbers expected as 'data_offsets' of {}, found {}",
              shown_text(entry_.name), numbers_.size());
      entry_.begin = static_cast<std::uint64_t>(numbers_[0]);
      entry_.end = static_cast<std::uint64_t>(numbers_[1]);
    }
    place_ = Place::entry;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    throw FileError(fmt::format("{}: JSON in UTF-8 expected as the header, found an error at its byte {}",
                                file_, position));
  }

 private:
  enum class Place { start, header, metadata, entry, numbers };

  template <class... Args>
  void require(bool condition, fmt::format_string<Args...> message, Args&&... args) const {
    if (!condition) throw FileError(file_ + ": " + fmt::format(message, std::forward<Args>(args)...));
  }

  [[noreturn]] void unexpected(const std::string& found) const {
    const auto fail = [&](const std::string& expected) {
      throw FileError(fmt::format("{}: {} expected, found {}", file_, expected, found));
    };
    if (place_ == Place::start) fail("an object as the header");
    if (place_ == Place::header) fail("an object as " + shown_text(entry_.name));
    if (place_ == Place::metadata) fail("text as the metadata " + shown_text(field_));
    if (place_ == Place::numbers)
      fail(fmt::format("integers >= 0 as '{}' of {}", field_, shown_text(entry_.name)));
    fail(fmt::format("{} as '{}' of {}", field_ == "dtype" ? "text" : "an array", field_,
                     shown_text(entry_.name)));
    std::abort();
  }

  Shape checked_shape() const {
    // What is left after dividing by each extent: the product must not exceed it. An extent of 0 makes the
    // product 0, but a product of the others that overflows is no sane file either.
    Index room = std::numeric_limits<Index>::max();
    bool fits = true;
    for (const Index extent : numbers_) {
      fits = fits && extent <= room;
      room /= std::max<Index>(extent, 1);
    }
    require(fits, "a shape whose elements can be counted expected of {}, found [{}]", shown_text(entry_.name),
            fmt::join(numbers_, ","));
    return Shape(std::span<const Index>(numbers_));
  }

  const std::string& file_;
  SafetensorsHeader header_;
  Place place_ = Place::start;
  std::unordered_set<std::string> names_;
  std::unordered_set<std::string> fields_;  // of the object that is open inside the header
  SafetensorsEntry entry_;
  std::string field_;
  std::vector<Index> numbers_;
};

void check_sizes(const SafetensorsEntry& entry, std::uint64_t data_size, const std::string& file) {
  check<FileError>(entry.begin <= entry.end && entry.end <= data_size,
                   "{}: offsets of {} within the {} bytes of data expected, found [{},{}]", file,
                   shown_text(entry.name), data_size, entry.begin, entry.end);
  const std::uint64_t size = element_size(entry, file), bytes = entry.end - entry.begin;
  const auto numel = static_cast<std::uint64_t>(entry.shape.numel());
  check<FileError>(bytes % size == 0 && bytes / size == numel,
                   "{}: {} elements of {} bytes expected of {} from its shape {}, found {} bytes", file,
                   numel, size, shown_text(entry.name), entry.shape, bytes);
}

void check_coverage(const std::vector<SafetensorsEntry>& entries, std::uint64_t data_size,
                    const std::string& file) {
  std::vector<const SafetensorsEntry*> in_order;
  for (const SafetensorsEntry& entry : entries) in_order.push_back(&entry);
  std::sort(in_order.begin(), in_order.end(), [](const SafetensorsEntry* a, const SafetensorsEntry* b) {
    return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
  });
  std::uint64_t covered = 0;
  for (const SafetensorsEntry* entry : in_order) {
    check<FileError>(entry->begin == covered,
                     "{}: data without gaps and overlaps expected: {} at {}, found at {}", file,
                     shown_text(entry->name), covered, entry->begin);
    covered = entry->end;
  }
  check<FileError>(covered == data_size, "{}: {} bytes of data expected from the header, found {}", file,
                   covered, data_size);
}

}  // namespace

std::uint64_t element_size(const SafetensorsEntry& entry, const std::string& file) {
  const std::string& dtype = entry.dtype;
  if (dtype == "U8") return 1;
  if (dtype == "F16" || dtype == "BF16") return 2;
  if (dtype == "F32" || dtype == "I32") return 4;
  if (dtype == "F64" || dtype == "I64") return 8;
  throw FileError(fmt::format("{}: dtype F32, F64, F16, BF16, I32, I64 or U8 expected of {}, found {}", file,
                              shown_text(entry.name), shown_text(dtype)));
}

SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t data_size,
                                           const std::string& file) {
  HeaderReader reader(file);
  nlohmann::json::sax_parse(json.begin(), json.end(), &reader);
  SafetensorsHeader header = reader.take();
  for (const SafetensorsEntry& entry : header.entries) check_sizes(entry, data_size, file);
  check_coverage(header.entries, data_size, file);
  return header;
}

}  // namespace keel::io

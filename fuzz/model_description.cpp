// The reader of model descriptions. What it accepts is written as canonical text, which must be read as the
// same description, and is built as far as it is small.
#include "keel/nn/model_description.h"

#include <optional>
#include <string_view>

#include "keel/core/error.h"
#include "keel/core/rng.h"
#include "support/target.h"

namespace {

using keel::fuzz::expect;
using keel::nn::ModelDescription;

constexpr keel::nn::ModelLimits kSmall = {.parameters = 1 << 16, .outputs = 1 << 14};

void build(const ModelDescription& description) {
  try {
    const keel::Rng rng(1, keel::Stream::initialization);
    if (description.input() && description.classes()) {
      description.build(rng, kSmall);
    } else {
      description.build(description.input().value_or(keel::Shape{8, 8, 1}), description.classes().value_or(3),
                        rng, kSmall);
    }
  } catch (const keel::ValueError&) {
  } catch (const keel::ShapeError&) {
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::optional<ModelDescription> description;
  try {
    description = ModelDescription::parse(text, "input");
  } catch (const keel::FileError&) {
    return 0;
  }
  const std::string canonical = description->to_json();
  expect(ModelDescription::parse(canonical, "canonical").to_json() == canonical,
         "canonical text is read as itself");
  const std::string layers = description->to_json_with_layers();
  expect(ModelDescription::parse(layers, "layers").to_json_with_layers() == layers,
         "the list of a model's layers is read as itself");
  build(*description);
  return 0;
}

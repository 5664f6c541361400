// Golden cases of operations: inputs, a cotangent, and PyTorch's output and gradients.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "keel/autograd/variable.h"
#include "support/golden.h"

namespace keel::golden {

// What a case hands to its operation.
struct Arguments {
  std::map<std::string, Variable> variables;
  Tensor labels;
  Json options;

  // Undefined if the case has none, as a convolution without a bias.
  Variable operator[](const char* name) const {
    const auto found = variables.find(name);
    return found == variables.end() ? Variable() : found->second;
  }
};

using Operation = std::function<Variable(const Arguments&)>;

inline Arguments arguments_of(const Json& item, DType dtype) {
  Arguments arguments;
  for (const auto& [name, specification] : item.at("inputs").items()) {
    if (specification.contains("classes")) {
      arguments.labels = make_labels(specification);
    } else {
      arguments.variables.emplace(name, Variable(make(specification, dtype), true));
    }
  }
  arguments.options = item.value("options", Json::object());
  return arguments;
}

inline void check_case(const Json& item, const Operation& operation, DType dtype) {
  const Arguments arguments = arguments_of(item, dtype);
  const Variable output = operation(arguments);
  EXPECT_TRUE(is_close(output.value(), item.at("output"), tolerance_of(dtype))) << "output";
  if (item.contains("cotangent")) {
    output.backward(make(item.at("cotangent"), dtype));
  } else {
    output.backward();
  }
  ASSERT_EQ(item.at("gradients").size(), arguments.variables.size());
  for (const auto& [name, variable] : arguments.variables) {
    EXPECT_TRUE(is_close(variable.grad(), item.at("gradients").at(name), tolerance_of(dtype)))
        << "gradient of " << name;
  }
}

// All cases of a file, each by the operation whose name its own begins with ("conv2d" for "conv2d_stride";
// the longest such name). A case without an operation fails, and so does an operation without a case.
inline void check_topic(const char* topic, DType dtype, const std::map<std::string, Operation>& operations) {
  std::map<std::string, int> uses;
  for (const Json& item : cases(topic)) {
    const std::string name = item.at("name");
    SCOPED_TRACE(fmt::format("case {} of {} in {}", name, topic, name_of(dtype)));
    const auto fits = [&](const auto& entry) { return name.starts_with(entry.first); };
    // In order of names, so the last that fits is the longest.
    const auto found = std::find_if(operations.rbegin(), operations.rend(), fits);
    ASSERT_NE(found, operations.rend()) << "no operation for this case";
    ++uses[found->first];
    check_case(item, found->second, dtype);
  }
  EXPECT_EQ(uses.size(), operations.size()) << "an operation of " << topic << " has no golden values";
}

}  // namespace keel::golden

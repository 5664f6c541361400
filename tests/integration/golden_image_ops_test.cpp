// Operations on images against PyTorch: output, and the gradient of every input.
#include <gtest/gtest.h>

#include "keel/ops/conv2d.h"
#include "keel/ops/pool2d.h"
#include "support/golden_cases.h"

namespace keel::golden {
namespace {

// An option of one number or two.
Pair pair(const Arguments& a, const char* name, Pair otherwise) {
  if (!a.options.contains(name)) return otherwise;
  const Json& option = a.options.at(name);
  return option.is_array() ? Pair(option.at(0), option.at(1)) : Pair(option.get<Index>());
}

class GoldenImageOps : public ::testing::TestWithParam<DType> {};

TEST_P(GoldenImageOps, Convolutions) {
  check_topic("convolutions", GetParam(), {{"conv2d", [](const Arguments& a) {
                                              return conv2d(a["x"], a["weight"], a["bias"],
                                                            {.stride = pair(a, "stride", 1),
                                                             .padding = pair(a, "padding", 0),
                                                             .dilation = pair(a, "dilation", 1),
                                                             .groups = a.options.value("groups", Index{1})});
                                            }}});
}

TEST_P(GoldenImageOps, Pooling) {
  check_topic("pooling", GetParam(),
              {{"max_pool2d",
                [](const Arguments& a) {
                  return max_pool2d(a["x"], {.kernel = pair(a, "kernel_size", 1),
                                             .stride = pair(a, "stride", 1),
                                             .padding = pair(a, "padding", 0)});
                }},
               {"avg_pool2d",
                [](const Arguments& a) {
                  return avg_pool2d(a["x"],
                                    {.kernel = pair(a, "kernel_size", 1),
                                     .stride = pair(a, "stride", 1),
                                     .padding = pair(a, "padding", 0),
                                     .count_include_pad = a.options.value("count_include_pad", true)});
                }},
               {"global_avg_pool2d", [](const Arguments& a) { return global_avg_pool2d(a["x"]); }}});
}

INSTANTIATE_TEST_SUITE_P(Types, GoldenImageOps, ::testing::Values(DType::float64, DType::float32),
                         [](const auto& each) { return std::string(name_of(each.param)); });

}  // namespace
}  // namespace keel::golden

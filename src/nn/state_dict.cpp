#include "keel/nn/state_dict.h"

#include "nn/state_match.h"

namespace keel::nn {

void require_loadable(const StateMatch& match, std::size_t expected, std::size_t given,
                      const LoadStateOptions& options) {
  const StateDifference& difference = match.difference;
  check<ValueError>(difference.empty() || !options.strict, "[load_state_dict] {}", difference.to_string());
  check<ValueError>(!match.copies.empty() || expected == 0,
                    "[load_state_dict] none of the {} tensors fits: {}", given, difference.to_string());
}

StateDifference load_state_dict(Module& module, const std::vector<NamedTensor>& tensors,
                                const LoadStateOptions& options) {
  std::vector<NamedVariable> places = module.named_state();
  StateMatch match = match_state("load_state_dict", module.state_dict(), tensors);
  require_loadable(match, places.size(), tensors.size(), options);
  for (const auto& [place, source] : match.copies) places[place].variable.mutable_value().copy_from(source);
  return std::move(match.difference);
}

}  // namespace keel::nn

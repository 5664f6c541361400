#include "keel/nn/state_dict.h"

namespace keel::nn {

StateDifference load_state_dict(Module& module, const std::vector<NamedTensor>& tensors,
                                const LoadStateOptions& options) {
  std::vector<NamedVariable> places = module.named_state();
  StateMatch match = match_state("load_state_dict", module.state_dict(), tensors);
  check<ValueError>(match.difference.empty() || !options.strict, "[load_state_dict] {}",
                    match.difference.to_string());
  check<ValueError>(!match.copies.empty() || places.empty(),
                    "[load_state_dict] none of the {} tensors fits: {}", tensors.size(),
                    match.difference.to_string());
  for (const auto& [place, source] : match.copies) places[place].variable.mutable_value().copy_from(source);
  return std::move(match.difference);
}

}  // namespace keel::nn

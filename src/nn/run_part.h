// Parts of modules that are run in a way of their own.
#pragma once

#include <functional>
#include <string>

#include "keel/nn/module.h"

namespace keel::nn {

// run_part() with f() in place of part.forward(x, context): the part's path, observer and place in errors are
// those of any other part.
Variable run_part_as(Module& part, const std::string& name, const Variable& x, Context& context,
                     const std::function<Variable()>& f);

}  // namespace keel::nn

// --threads: how many share the work of a layer.
#pragma once

#include "support/command_line.h"

namespace keel::apps {

void add_threads(CommandLine& command);

// Sets what the option says, from now on, and returns it.   throws: UsageError
int use_threads(const CommandLine& command);

}  // namespace keel::apps

// The options of a program that say which model is trained.
#pragma once

#include <optional>

#include "keel/nn/model_description.h"
#include "support/command_line.h"

namespace keel::apps {

// --bn-position, --bn-momentum, --bn-epsilon, --dropout, --init: what the models with a name have in common.
void add_model_details(CommandLine& command);
// What they say, checked.   throws: UsageError
nn::BatchNormOptions batch_norm_options_of(const CommandLine& command);
double dropout_of(const CommandLine& command);
// Nothing for "auto".
std::optional<nn::NormPosition> norm_position_of(const CommandLine& command);

// The same and --model, --norm, --batch-norm. The default of --norm: what the model usually has.
inline constexpr const char* kUsualNorm = "auto";
void add_model_options(CommandLine& command);
// Whether --model is a name, and no file.
bool is_named_model(const CommandLine& command);
// Details beside a file, which says them itself, have their defaults. Of --norm and --batch-norm, the one
// that is given counts.
//   throws: UsageError if a detail beside a file was given, or one of BatchNorm beside another norm, or if
//   --norm and --batch-norm contradict each other
void settle_model_options(CommandLine& command);
// The model that they describe: one with a name, or what the file says that --model names.
//   throws: UsageError if there is neither; FileError if the file says something else
nn::ModelDescription model_description_of(const CommandLine& command);

// --init-from, --layout, --non-strict: weights to start from.
void add_initial_weights(CommandLine& command);
// What is for --init-from has its default without that.   throws: UsageError if it was given
void settle_initial_weights(CommandLine& command);
bool has_initial_weights(const CommandLine& command);
// Gives the model the weights in the file, and says on stderr what of them did not fit, if that is allowed.
//   example: the shape of one example
//   throws: UsageError; FileError, see train::load_weights()
void load_initial_weights(const CommandLine& command, nn::Module& model, const Shape& example);

}  // namespace keel::apps

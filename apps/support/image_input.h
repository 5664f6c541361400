// Images of any kind as inputs of a model.
#pragma once

#include <string>

#include "keel/core/tensor.h"
#include "support/command_line.h"
#include "support/trained_model.h"

namespace keel::apps {

class ImageInput {
 public:
  // --prepare and --invert.
  static void add_options(CommandLine& command);

  //   throws: UsageError if the options do not fit the model
  ImageInput(const CommandLine& command, const TrainedModel& trained);

  // The image in a file as the model takes it.   shapes: uint8 [H,W,C], the model's input
  //   throws: FileError naming the file: it cannot be read, or not be prepared
  Tensor read(const std::string& path) const;

 private:
  enum class Prepare { automatic, digit, resize, none };
  enum class Invert { automatic, yes, no };
  Tensor prepared(const Tensor& image) const;

  Shape input_;
  bool digits_;  // the model is one of single digits, as far as can be told
  Prepare prepare_;
  Invert invert_;
};

}  // namespace keel::apps

#include "support/image_input.h"

#include <algorithm>
#include <vector>

#include "keel/data/digit_image.h"
#include "keel/data/image_file.h"
#include "keel/data/image_transform.h"

namespace keel::apps {
namespace {

bool is_model_of_digits(const TrainedModel& trained) {
  std::vector<std::string> digits;
  for (int i = 0; i < 10; ++i) digits.push_back(std::to_string(i));
  return trained.input == Shape{28, 28, 1} && trained.class_names == digits;
}

Tensor inverted(const Tensor& image) {
  Tensor result = Tensor::like(image);
  std::transform(image.data<std::uint8_t>(), image.data<std::uint8_t>() + image.numel(),
                 result.data<std::uint8_t>(),
                 [](std::uint8_t value) { return static_cast<std::uint8_t>(255 - value); });
  return result;
}

}  // namespace

void ImageInput::add_options(CommandLine& command) {
  command.add("prepare", "HOW", "auto",
              "digit: find one digit in a photo, scan or drawing, and make it bright on black, of MNIST's "
              "size, in its middle; resize: to the model's size, the aspect not kept; none: images must have "
              "the model's size; auto: images of the model's size as they are, others as digits if the model "
              "takes 28x28 gray pixels and has the classes 0 to 9, or else resized");
  command.add("invert", "WHEN", "auto",
              "yes: images are dark on light where the model knows light on dark; no: they are not; auto: "
              "found out where --prepare takes images for digits, otherwise no");
}

ImageInput::ImageInput(const CommandLine& command, const TrainedModel& trained)
    : input_(trained.input), digits_(is_model_of_digits(trained)) {
  const std::string& prepare = command.choice("prepare", {"auto", "digit", "resize", "none"});
  prepare_ = prepare == "auto"     ? Prepare::automatic
             : prepare == "digit"  ? Prepare::digit
             : prepare == "resize" ? Prepare::resize
                                   : Prepare::none;
  const std::string& invert = command.choice("invert", {"auto", "yes", "no"});
  invert_ = invert == "auto" ? Invert::automatic : invert == "yes" ? Invert::yes : Invert::no;
  check<FileError>(input_.rank() == 3 && (input_[2] == 1 || input_[2] == 3),
                   "{}: a model of images [H,W,1] or [H,W,3] expected, found one of inputs {}",
                   trained.path.string(), input_);
  if (prepare_ == Prepare::digit && input_[2] != 1) {
    throw UsageError(
        fmt::format("--prepare digit: expected a model of gray images, found one of inputs {}", input_));
  }
}

Tensor ImageInput::prepared(const Tensor& image) const {
  const bool has_size = image.shape() == input_;
  const bool digit = prepare_ == Prepare::digit || (prepare_ == Prepare::automatic && digits_);
  if (digit && !(has_size && prepare_ == Prepare::automatic)) {
    const data::Ink ink = invert_ == Invert::automatic ? data::Ink::detect
                          : invert_ == Invert::yes     ? data::Ink::dark
                                                       : data::Ink::bright;
    return data::prepare_digit(image, {.height = input_[0], .width = input_[1], .ink = ink});
  }
  check<ValueError>(has_size || prepare_ != Prepare::none,
                    "an image {} expected with --prepare none, found {}", input_, image.shape());
  const Tensor sized = data::resize_image(image, input_[0], input_[1]);
  const bool invert =
      invert_ == Invert::yes || (invert_ == Invert::automatic && digit && data::has_bright_border(sized));
  return invert ? inverted(sized) : sized;
}

Tensor ImageInput::read(const std::string& path) const {
  const Tensor image =
      data::read_image(path, input_[2] == 1 ? data::ImageChannels::gray : data::ImageChannels::color);
  try {
    return prepared(image);
  } catch (const ValueError& error) {
    throw FileError(fmt::format("{}: {}", path, error.what()));
  }
}

}  // namespace keel::apps

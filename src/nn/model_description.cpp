#include "keel/nn/model_description.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "keel/core/did_you_mean.h"
#include "nn/description/norm_option.h"
#include "nn/description/reading.h"
#include "nn/description/tables.h"

namespace keel::nn {

using description::Json;
using description::Reading;

struct ModelDescription::Parts {
  std::string where;  // for messages
  std::string model;
  std::string init;
  std::optional<Shape> input;
  std::optional<Index> classes;
  Json canonical;  // without input and classes
  description::DescribedLayers layers;
};

namespace {

constexpr Index kMostLayers = 4096;

std::optional<Shape> read_input(Reading& reading) {
  const Json* value = reading.find("input");
  if (value == nullptr) return {};
  std::vector<Index> extents;
  const auto extent = [](const Json& each) {
    return each.is_number_unsigned() && each.get<std::uint64_t>() - 1 < std::uint64_t{INT32_MAX};
  };
  if (!value->is_array() || value->empty() || value->size() >= Shape::kMaxRank ||
      !std::all_of(value->begin(), value->end(), extent)) {
    reading.fail("input", "the shape of one example, such as [28,28,1]");
  }
  for (const Json& each : *value) extents.push_back(each.get<Index>());
  return Shape(extents);
}

const description::ModelFile* find_model(const std::string& name) {
  const auto files = description::model_files();
  const auto found = std::find_if(files.begin(), files.end(), [&](const auto& f) { return f.name == name; });
  return found == files.end() ? nullptr : &*found;
}

std::string no_such_model(const std::string& name) {
  const auto names = ModelDescription::named_models();
  return fmt::format("there is no model {}; there are {}{}", description::shown(name), fmt::join(names, ", "),
                     did_you_mean(name, names));
}

Json json_of(const BatchNormOptions& norm) {
  return {{"epsilon", norm.epsilon},
          {"momentum", norm.momentum ? Json(*norm.momentum) : Json()},
          {"scale", norm.scale},
          {"center", norm.center},
          {"track_running_stats", norm.track_running_stats},
          {"initial_gamma", norm.initial_gamma},
          {"initial_beta", norm.initial_beta},
          {"initial_running_mean", norm.initial_running_mean},
          {"initial_running_var", norm.initial_running_var},
          {"axis", norm.axis}};
}

}  // namespace

// What makes descriptions: has the class's own access to its parts.
struct DescriptionParts {
  static ModelDescription read(const Json& json, const std::string& where) {
    check<FileError>(json.is_object(), "{}: expected an object with \"layers\" or \"model\", found {}", where,
                     description::shown(json));
    Index layers_left = kMostLayers;
    Reading reading{json, where, "", "", layers_left};
    auto parts = std::make_shared<ModelDescription::Parts>();
    parts->where = where;
    const Json* model = reading.find("model");
    const Json* layers = reading.find("layers");
    check<FileError>((model == nullptr) != (layers == nullptr),
                     "{}: expected one of the keys \"layers\" and \"model\", found {}", where,
                     model == nullptr ? "neither" : "both");
    if (model != nullptr) {
      read_named(reading, *model, *parts);
    } else {
      LayerOptions options(reading);
      parts->init = options.choice("init", initializer_names(), "pytorch_default");
      parts->layers = description::read_layers(*layers, "layers", reading);
      reading.canonical["layers"] = parts->layers.canonical;
    }
    parts->input = read_input(reading);
    if (reading.find("classes") != nullptr) parts->classes = LayerOptions(reading).integer("classes", 1);
    reading.finish();
    reading.canonical.erase("classes");
    parts->canonical = std::move(reading.canonical);
    return ModelDescription(parts);
  }

  static void read_named(Reading& reading, const Json& model, ModelDescription::Parts& parts) {
    if (!model.is_string()) reading.fail("model", "the name of a model");
    parts.model = model.get<std::string>();
    const description::ModelFile* file = find_model(parts.model);
    check<FileError>(file != nullptr, "{}: {}", reading.where, no_such_model(parts.model));
    reading.canonical["model"] = parts.model;
    LayerOptions options(reading);
    const description::NamedModel named = file->read(options);
    parts.init = named.init;
    parts.layers = description::read_layers(named.layers, "layers", reading);
  }

  static std::shared_ptr<Sequential> build(const ModelDescription& description, Rng rng,
                                           const Initializer& weight_init, const Initializer& bias_init,
                                           const ModelLimits& limits) {
    const ModelDescription::Parts& parts = *description.parts_;
    check<ValueError>(parts.input && parts.classes,
                      "{}: expected \"input\" and \"classes\", or a data set that tells them", parts.where);
    const Shape& input = *parts.input;
    const std::string place = fmt::format("{} for inputs {}", parts.where, input);
    check<ValueError>(input.numel() <= limits.outputs, "{}: expected an input of at most {} elements", place,
                      limits.outputs);
    description::Building building{*parts.classes, rng, weight_init, bias_init, limits};
    const auto built = description::at_place(
        place, place, [&] { return description::build_layers(parts.layers.layers, input, building); });
    check<ShapeError>(built.output == Shape{*parts.classes},
                      "{}: expected {} logits from the last layer, one a class, found an output {}", place,
                      *parts.classes, built.output);
    return built.model;
  }
};

ModelDescription ModelDescription::parse(std::string_view json, const std::string& where) {
  return DescriptionParts::read(description::parse_json(json, where), where);
}

ModelDescription ModelDescription::named(const std::string& model, const NamedModelOptions& options) {
  check<ValueError>(find_model(model) != nullptr, "{}", no_such_model(model));
  const std::string where = "model " + model;
  Json json = {{"model", model}, {"dropout", options.dropout}, {"norm", json_of(options.batch_norm_options)}};
  if (options.batch_norm) json["batch_norm"] = *options.batch_norm;
  if (options.norm_position) {
    json["norm_position"] = *options.norm_position == NormPosition::before_activation ? "before" : "after";
  }
  if (options.init) json["init"] = *options.init;
  json["convolution"] = options.convolution == Conv2dAlgorithm::direct ? "direct" : "fastest";
  try {
    if (options.norm == "batch") {
      json["norm"]["layer"] = "batch_norm";
    } else if (options.norm) {
      json["norm"] = options.norm->starts_with("{") ? description::parse_json(*options.norm, where + ": norm")
                                                    : Json(*options.norm);
    }
    return DescriptionParts::read(json, where);
  } catch (const FileError& error) {
    throw ValueError(error.what());  // there is no file
  }
}

ModelDescription ModelDescription::of(const std::string& model, const ClassifierOptions& options,
                                      const std::string& init) {
  return named(model, {.batch_norm = options.norm ? std::nullopt : std::optional(options.batch_norm),
                       .norm = options.norm,
                       .norm_position = options.norm_position,
                       .batch_norm_options = options.batch_norm_options,
                       .dropout = options.dropout,
                       .init = init,
                       .convolution = options.convolution})
      .for_data(options.input, options.classes);
}

std::vector<std::string> ModelDescription::named_models() {
  std::vector<std::string> names;
  for (const description::ModelFile& file : description::model_files()) names.emplace_back(file.name);
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> ModelDescription::norms() { return description::norm_words(); }
bool ModelDescription::is_norm(const std::string& layer) { return description::is_norm_layer(layer); }

namespace {

std::string with_data(Json json, const std::optional<Shape>& input, const std::optional<Index>& classes) {
  if (input) json["input"] = std::vector<Index>(input->begin(), input->end());
  if (classes) json["classes"] = *classes;
  return json.dump();
}

}  // namespace

std::string ModelDescription::to_json() const {
  return with_data(parts_->canonical, parts_->input, parts_->classes);
}

std::string ModelDescription::to_json_with_layers() const {
  const Json json = {{"init", parts_->init}, {"layers", parts_->layers.canonical}};
  return with_data(json, parts_->input, parts_->classes);
}

const std::string& ModelDescription::model() const { return parts_->model; }
const std::optional<Shape>& ModelDescription::input() const { return parts_->input; }
const std::optional<Index>& ModelDescription::classes() const { return parts_->classes; }

ModelDescription ModelDescription::for_data(const Shape& input, Index classes) const {
  check<ValueError>(!parts_->input || *parts_->input == input,
                    "{}: input: expected the shape {} of the data's examples, found {}", parts_->where, input,
                    parts_->input.value_or(Shape()));
  check<ValueError>(!parts_->classes || *parts_->classes == classes,
                    "{}: classes: expected the {} classes of the data, found {}", parts_->where, classes,
                    parts_->classes.value_or(0));
  auto parts = std::make_shared<Parts>(*parts_);
  parts->input = input;
  parts->classes = classes;
  return ModelDescription(parts);
}

std::shared_ptr<Sequential> ModelDescription::build(Rng rng, const ModelLimits& limits) const {
  return DescriptionParts::build(*this, rng, initializer_by_name(parts_->init),
                                 bias_initializer_for(parts_->init), limits);
}

std::shared_ptr<Sequential> ModelDescription::build(const Shape& input, Index classes, Rng rng,
                                                    const ModelLimits& limits) const {
  return for_data(input, classes).build(rng, limits);
}

namespace {

std::shared_ptr<Sequential> build_classifier(const char* model, Rng rng, const ClassifierOptions& options) {
  return DescriptionParts::build(ModelDescription::of(model, options), rng, options.weight_init,
                                 options.bias_init, {});
}

}  // namespace

std::shared_ptr<Sequential> mlp(Rng rng, const ClassifierOptions& options) {
  return build_classifier("mlp", rng, options);
}

std::shared_ptr<Sequential> cnn(Rng rng, const ClassifierOptions& options) {
  return build_classifier("cnn", rng, options);
}

}  // namespace keel::nn

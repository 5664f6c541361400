// How a layer gets into model descriptions (keel/nn/model_description.h): one function that reads the layer's
// options and returns what makes the layer.
//
//   // {"layer": "swish", "beta": 1.5}
//   nn::LayerMaker swish(nn::LayerOptions& options) {
//     const double beta = options.real("beta", 0, 100, 1);
//     return [=](nn::LayerSite&) { return std::make_shared<Swish>(beta); };
//   }
//
// A program registers a layer of its own:   nn::register_layer("swish", swish);
// Keel's own need no registration: the build takes each file src/nn/layers/NAME.cpp for a function NAME in
// the namespace keel::nn::layers. Named models are files src/nn/models/NAME.cpp in the same way.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "keel/core/rng.h"
#include "keel/nn/init.h"
#include "keel/nn/sequential.h"
#include "keel/ops/pair.h"

namespace keel::nn {

namespace description {
struct Building;
struct Reading;
}  // namespace description

// The place in a model that a layer is made for.
class LayerSite {
 public:
  LayerSite(description::Building& building, const Shape& input) : building_(building), input_(input) {}

  // The shape of what the layer gets for one example: [28,28,1].
  const Shape& input() const { return input_; }
  // The last extent.   throws: ShapeError if there is none
  Index channels() const;
  // Of the data set.
  Index classes() const;
  // The stream of initial values: layers draw from it one after the other.
  Rng& rng() const;
  // `own` is what LayerOptions::init() gave: the layer's own, or else the model's.
  Initializer weight_init(const std::optional<std::string>& own) const;
  Initializer bias_init(const std::optional<std::string>& own) const;

  // Asked for before a parameter, or an output that is larger than the input, takes memory. The first counts
  // for the model, the second for one example.
  //   throws: ValueError if there would be more elements than ModelLimits allows
  void reserve_parameter(std::initializer_list<Index> extents) const;
  void reserve_output(std::initializer_list<Index> extents) const;

  // For layers() of LayerOptions.
  description::Building& building() const { return building_; }

 private:
  description::Building& building_;
  Shape input_;
};

using LayerMaker = std::function<std::shared_ptr<Module>(LayerSite& site)>;

// The options of one layer. Each is asked for once, whatever the others say: a key that nobody asks for is an
// error, and what was read or defaulted is the canonical text of the layer.
//   throws, all of them: FileError naming file, place, layer and key, what was expected and what was found
class LayerOptions {
 public:
  explicit LayerOptions(description::Reading& reading) : reading_(reading) {}

  // An option without a fallback must be given.
  Index integer(const char* key, Index least, std::optional<Index> fallback = {});
  double real(const char* key, double least, double most, std::optional<double> fallback = {});
  // Finite and above 0.
  double positive(const char* key, std::optional<double> fallback = {});
  bool flag(const char* key, std::optional<bool> fallback = {});
  std::string choice(const char* key, const std::vector<std::string>& choices,
                     std::optional<std::string> fallback = {});
  // An integer for both axes, or [down, across].
  Pair pair(const char* key, Index least, std::optional<Pair> fallback = {});
  // A shape: a list of 1 to 7 integers of at least 1.
  Shape shape(const char* key);
  // The key "init": an initialiser by name; nothing if it is not given.
  std::optional<std::string> init();
  // A list of layers, as a maker of a Sequential of them; an empty maker if it is not given.
  std::function<std::shared_ptr<Sequential>(LayerSite& site)> layers(const char* key);

  // Parameters of the layer that may have a penalty and a constraint, by NAME_regularizer, NAME_constraint
  // (if this is not called: all, by their names in the layer). They may be called otherwise in descriptions:
  //   options.parameters({{"gamma", "weight"}, {"beta", "bias"}})
  // and be there or not as a flag says that was read before:
  //   options.parameters({{"gamma", "weight", "scale"}, {"beta", "bias", "center"}})
  struct ParameterName {
    ParameterName(const char* name) : described(name), registered(name) {}
    ParameterName(const char* in_descriptions, const char* in_layer, const char* flag = "")
        : described(in_descriptions), registered(in_layer), if_flag(flag) {}
    std::string described, registered, if_flag;
  };
  void parameters(const std::vector<ParameterName>& names);

  // Whether the option is this word, or null, in place of what is asked for otherwise; with `absent` the same
  // holds for one that is not given:
  //   options.says("padding", "same") ? ... : options.pair("padding", 0)
  bool says(const char* key, const char* word);
  bool is_null(const char* key, bool absent = false);

  // An integer of at least 1, or "classes", which is nothing: the number of classes of the data set.
  std::optional<Index> count(const char* key);

  // For what is not the layer's own business.
  description::Reading& reading() { return reading_; }

 private:
  description::Reading& reading_;
};

using LayerReader = std::function<LayerMaker(LayerOptions& options)>;

// Makes a layer known to all descriptions that are read from now on.
//   throws: ValueError if the name is taken or empty
void register_layer(const std::string& name, LayerReader reader);
// The names of all layers, in alphabetical order.
std::vector<std::string> layer_names();

}  // namespace keel::nn

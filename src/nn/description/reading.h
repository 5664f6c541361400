// What goes with reading and building a description: private to keel/nn/model_description.h.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "keel/core/error.h"
#include "keel/nn/layer_description.h"
#include "keel/nn/model_description.h"
#include "nn/description/json_text.h"

namespace keel::nn::description {

// An object of the text that is being read.
struct Reading {
  const Json& object;
  std::string where;   // the text, for messages: "model.json"
  std::string path;    // in the text: "layers[3].body[1]"; "" for the whole
  std::string kind;    // "conv2d"; "" for the whole
  Index& layers_left;  // that the text may still have
  Json canonical = Json::object();
  std::vector<std::string> asked = {};
  // What is done to the layer once it is made.
  std::vector<std::function<void(Module& layer)>> finishing = {};
  bool names_parameters = false;                         // LayerOptions::parameters() was called
  std::map<std::string, std::string> alternatives = {};  // by key: words that would have done as well

  // "model.json: layers[3] (conv2d)"
  std::string place() const;
  // The value of a key, which counts as asked for; null if there is none.
  const Json* find(const std::string& key);
  [[noreturn]] void fail(const std::string& key, const std::string& expected) const;
  // throws: FileError if there are keys that nobody asked for
  void finish() const;
};

// The rules of a layer whose reader does not name the parameters that may have some: all may, by the names
// they are registered under.
void read_rules_of_any_parameters(Reading& reading);

struct DescribedLayer {
  std::string path;
  std::string kind;
  LayerMaker make;
};

// A list of layers, and their canonical text.
struct DescribedLayers {
  std::vector<DescribedLayer> layers;
  Json canonical = Json::array();
};
// The layers that `list` describes; `path` is the list's own, `outer` what it is a part of.
DescribedLayers read_layers(const Json& list, const std::string& path, const Reading& outer);
// The canonical text of one layer.
Json canonical_layer(const Json& layer, const std::string& path, const Reading& outer);

// A model that is being built.
struct Building {
  Index classes;
  Rng rng;
  Initializer weight_init;
  Initializer bias_init;
  ModelLimits limits;
  double parameters = 0;  // elements so far
  Index outputs = 0;      // elements of the outputs of one example so far

  // throws: ValueError if the output of a layer makes them more than the limits allow
  void count_output(const Shape& of_example);
};

struct BuiltLayers {
  std::shared_ptr<Sequential> model;
  Shape output;  // for one example
};
BuiltLayers build_layers(const std::vector<DescribedLayer>& layers, const Shape& input, Building& building);

// f(), with the place in front of what it throws, whose type is kept. A message that begins with `inner` has
// a place already.
template <class F>
auto at_place(const std::string& place, const std::string& inner, const F& f) {
  const auto placed = [&](const Error& error) {
    const std::string message = error.what();
    return message.starts_with(inner) ? message : fmt::format("{}: {}", place, message);
  };
  try {
    return f();
  } catch (const ShapeError& error) {
    throw ShapeError(placed(error));
  } catch (const ValueError& error) {
    throw ValueError(placed(error));
  } catch (const DTypeError& error) {
    throw DTypeError(placed(error));
  } catch (const Error& error) {
    if (typeid(error) != typeid(Error)) throw;  // a class we do not know keeps what it is
    throw Error(placed(error));
  }
}

}  // namespace keel::nn::description

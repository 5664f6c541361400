#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "keel/core/did_you_mean.h"
#include "nn/description/reading.h"
#include "nn/description/tables.h"

namespace keel::nn {
namespace description {
namespace {

// All layers by name. Programs add theirs, perhaps from several threads.
class Registry {
 public:
  static Registry& instance() {
    static Registry registry;
    return registry;
  }

  void add(const std::string& name, LayerReader reader) {
    check<ValueError>(!name.empty() && reader != nullptr, "[register_layer] expected a name and a function");
    const std::lock_guard lock(mutex_);
    check<ValueError>(readers_.emplace(name, std::move(reader)).second,
                      "[register_layer] there is a layer '{}' already", name);
  }
  // An empty function if there is none.
  LayerReader find(const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto found = readers_.find(name);
    return found == readers_.end() ? LayerReader() : found->second;
  }
  std::vector<std::string> names() {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    for (const auto& [name, reader] : readers_) all.push_back(name);
    return all;
  }

 private:
  Registry() {
    for (const LayerFile& file : layer_files()) readers_.emplace(file.name, file.read);
  }

  std::mutex mutex_;
  std::map<std::string, LayerReader> readers_;
};

// What a layer's reader finds wrong is told like what the reading itself finds.
LayerMaker read_options(const LayerReader& reader, Reading& reading) {
  try {
    LayerOptions options(reading);
    LayerMaker maker = reader(options);
    read_rules_of_any_parameters(reading);
    reading.finish();
    check(maker != nullptr, "the layer's reader returned nothing that makes it");
    if (reading.finishing.empty()) return maker;
    return [maker, finishing = std::move(reading.finishing)](LayerSite& site) {
      std::shared_ptr<Module> layer = maker(site);
      for (const auto& finish : finishing) finish(*layer);
      return layer;
    };
  } catch (const FileError&) {
    throw;
  } catch (const Error& error) {
    throw FileError(fmt::format("{}: {}", reading.place(), error.what()));
  }
}

DescribedLayer read_layer(const Json& object, const std::string& path, const Reading& outer,
                          Json& canonical) {
  Reading reading{object, outer.where, path, "", outer.layers_left};
  check<FileError>(object.is_object(), "{}: expected an object {{\"layer\": ...}}, found {}", reading.place(),
                   shown(object));
  check<FileError>(reading.layers_left-- > 0, "{}: the model has too many layers", reading.place());
  const Json* name = reading.find("layer");
  if (name == nullptr || !name->is_string()) reading.fail("layer", "the name of a layer");
  const LayerReader reader = Registry::instance().find(name->get<std::string>());
  const auto names = Registry::instance().names();
  check<FileError>(reader != nullptr, "{}: there is no layer {}; there are {}{}", reading.place(),
                   shown(*name), fmt::join(names, ", "), did_you_mean(name->get<std::string>(), names));
  reading.kind = name->get<std::string>();
  reading.canonical["layer"] = reading.kind;
  LayerMaker make = read_options(reader, reading);
  canonical.push_back(std::move(reading.canonical));
  return {path, reading.kind, std::move(make)};
}

Shape example_of(const Shape& batch) {
  check<ShapeError>(batch.rank() >= 1, "the layer made a scalar of a batch");
  return Shape(std::span(batch.begin() + 1, batch.end()));
}

// The shape of one example's output, found by running the layer.
Shape output_of(Module& layer, const Shape& input, Building& building) {
  // Two examples: statistics of a batch do not exist for one.
  std::vector<Index> extents = {2};
  extents.insert(extents.end(), input.begin(), input.end());
  const NoGrad no_grad;
  Context context(Mode::evaluation);
  context.set_observer([&](const std::string&, const Variable&, const Variable& y) {
    building.count_output(example_of(y.shape()));
  });
  const Shape output = layer(Variable(Tensor::zeros(Shape(extents))), context).shape();
  check<ShapeError>(output.rank() >= 1 && output[0] == 2, "the layer made {} of a batch {}", output,
                    Shape(extents));
  building.count_output(example_of(output));
  return example_of(output);
}

}  // namespace

void Building::count_output(const Shape& of_example) {
  check<ValueError>(of_example.numel() <= limits.outputs,
                    "expected an output of at most {} elements for an example, found {}", limits.outputs,
                    of_example);
  outputs += of_example.numel();
  check<ValueError>(
      outputs <= limits.total_outputs,
      "expected outputs of all layers of at most {} elements for an example, found {} up to here",
      limits.total_outputs, outputs);
}

DescribedLayers read_layers(const Json& list, const std::string& path, const Reading& outer) {
  check<FileError>(list.is_array(), "{}: {}: expected a list of layers, found {}", outer.where, path,
                   shown(list));
  DescribedLayers result;
  for (std::size_t i = 0; i < list.size(); ++i) {
    result.layers.push_back(read_layer(list[i], fmt::format("{}[{}]", path, i), outer, result.canonical));
  }
  return result;
}

Json canonical_layer(const Json& layer, const std::string& path, const Reading& outer) {
  Json canonical = Json::array();
  read_layer(layer, path, outer, canonical);
  return canonical.front();
}

BuiltLayers build_layers(const std::vector<DescribedLayer>& layers, const Shape& input, Building& building) {
  BuiltLayers built{std::make_shared<Sequential>(), input};
  for (const DescribedLayer& layer : layers) {
    const auto module = at_place(fmt::format("{} ({})", layer.path, layer.kind), layer.path + ".", [&] {
      LayerSite site(building, built.output);
      const std::shared_ptr<Module> made = layer.make(site);
      check(made != nullptr, "the layer's maker returned nothing");
      built.output = output_of(*made, built.output, building);
      return made;
    });
    built.model->add(module);
  }
  return built;
}

}  // namespace description

namespace {

// Doubles, as the product of absurd extents has no Index.
double product(std::initializer_list<Index> extents) {
  double result = 1;
  for (const Index extent : extents) result *= static_cast<double>(extent);
  return result;
}

}  // namespace

Index LayerSite::channels() const {
  check<ShapeError>(input_.rank() >= 1, "expected an input with channels, found {}", input_);
  return input_[-1];
}

Index LayerSite::classes() const { return building_.classes; }
Rng& LayerSite::rng() const { return building_.rng; }

Initializer LayerSite::weight_init(const std::optional<std::string>& own) const {
  return own ? initializer_by_name(*own) : building_.weight_init;
}
Initializer LayerSite::bias_init(const std::optional<std::string>& own) const {
  return own ? bias_initializer_for(*own) : building_.bias_init;
}

void LayerSite::reserve_parameter(std::initializer_list<Index> extents) const {
  building_.parameters += product(extents);
  const Index most = building_.limits.parameters;
  check<ValueError>(building_.parameters <= static_cast<double>(most),
                    "expected a model of at most {} parameters, found {:.0f} up to here", most,
                    building_.parameters);
}

void LayerSite::reserve_output(std::initializer_list<Index> extents) const {
  const Index most = building_.limits.outputs;
  check<ValueError>(product(extents) <= static_cast<double>(most),
                    "expected an output of at most {} elements for an example, found {:.0f}", most,
                    product(extents));
}

void register_layer(const std::string& name, LayerReader reader) {
  description::Registry::instance().add(name, std::move(reader));
}

std::vector<std::string> layer_names() { return description::Registry::instance().names(); }

}  // namespace keel::nn

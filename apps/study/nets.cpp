#include "study/nets.h"

#include <optional>

#include "keel/core/error.h"
#include "keel/nn/norm_layer_name.h"

namespace keel::study {
namespace {

constexpr const char* kMeanOnly = "weight, mean-only BN";

bool reparametrises(const std::string& norm) { return norm == "weight" || norm == kMeanOnly; }

void add_norm(Json& layers, const Net& net) {
  if (net.norm == "none" || reparametrises(net.norm)) return;
  layers.push_back(net.norm.front() == '{' ? Json::parse(net.norm) : norm_layer(net.norm));
}

void add_dense(Json& layers, const Net& net, Index units) {
  Json dense = {{"layer", "dense"}, {"units", units}};
  if (!reparametrises(net.norm)) {
    layers.push_back(std::move(dense));
    return;
  }
  Json reparametrised = {{"layer", "weight_norm"}, {"body", Json::array({std::move(dense)})}};
  if (net.norm == kMeanOnly) reparametrised["mean_only_batch_norm"] = true;
  layers.push_back(std::move(reparametrised));
}

Json residual_block(const Net& net) {
  Json body = Json::array();
  add_norm(body, net);
  body.push_back({{"layer", net.activation}});
  add_dense(body, net, net.width);
  return {{"layer", "residual"}, {"body", std::move(body)}};
}

}  // namespace

Json norm_layer(const std::string& word, const Json& options) {
  const std::optional<std::string> name = word == "noisy" ? "noisy_batch_norm" : nn::norm_layer_name(word);
  check<ValueError>(name.has_value() && !reparametrises(word), "[study] there is no norm '{}'", word);
  Json layer = {{"layer", *name}};
  layer.update(options);
  return layer;
}

Json model_of(const Net& net) {
  Json layers = Json::array({Json{{"layer", "flatten"}}});
  if (net.residual) {
    add_dense(layers, net, net.width);
    for (Index block = 0; block < net.depth; ++block) layers.push_back(residual_block(net));
    add_norm(layers, net);
    layers.push_back({{"layer", net.activation}});
  } else {
    for (Index layer = 0; layer < net.depth; ++layer) {
      add_dense(layers, net, net.width);
      if (!net.norm_after) add_norm(layers, net);
      layers.push_back({{"layer", net.activation}});
      if (net.norm_after) add_norm(layers, net);
      if (net.dropout > 0) layers.push_back({{"layer", "dropout"}, {"rate", net.dropout}});
    }
  }
  layers.push_back({{"layer", "dense"}, {"units", "classes"}});
  return {{"layers", std::move(layers)}};
}

Json probe(const Net& net, double learning_rate, Index steps) {
  Json setting = {
      {"model", model_of(net)}, {"optimizer", "sgd"}, {"lr", learning_rate}, {"batch", 60}, {"steps", steps}};
  if (net.activation == "sigmoid") {
    setting["init_deviation"] = 0.05;
  } else {
    setting["init"] = "he_normal";
  }
  return setting;
}

}  // namespace keel::study

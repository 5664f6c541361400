#include "keel/train/layer_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "keel/core/error.h"
#include "keel/core/tensor_ops.h"
#include "keel/io/atomic_file.h"
#include "keel/train/fit_state.h"

namespace keel::train {
namespace {

constexpr const char* kColumns =
    "step,layer,kind,p15,p50,p85,mean,deviation,unit_p15,unit_p50,unit_p85,dead,flat,gradient_norm,"
    "weight_norm,update_ratio,running_mean_mean,running_mean_min,running_mean_max,running_var_mean,"
    "running_var_min,running_var_max";
constexpr std::size_t kMostBytes = std::size_t{1} << 32;

std::string cell(double value) { return std::isfinite(value) ? fmt::format(",{:.9g}", value) : ","; }

Index at_least_one(Index every) {
  check<ValueError>(every >= 1, "[layer_log] expected to log every 1 or more steps, found {}", every);
  return every;
}

// Names are free to have what separates cells.
std::string text_cell(std::string text) {
  for (char& c : text) {
    if (c == ',' || c == '"' || c == '\n' || c == '\r') c = '_';
  }
  return text;
}

// The step of a line without its end; nothing if it is none of such a log.
std::optional<Index> step_of(std::string_view line) {
  Index step = -1;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), step);
  const bool is_number = error == std::errc() && end != line.data() + line.size() && *end == ',' && step >= 0;
  const std::string_view columns = kColumns;
  const bool is_whole =
      std::count(line.begin(), line.end(), ',') == std::count(columns.begin(), columns.end(), ',');
  return is_number && is_whole ? std::optional(step) : std::nullopt;
}

// The whole lines of earlier steps that the file holds.
std::string lines_before(const std::filesystem::path& path, Index step) {
  std::error_code ignored;
  if (step == 0 || !std::filesystem::exists(path, ignored)) return "";
  const std::string text = io::read_file(path, kMostBytes);
  std::string kept;
  std::size_t begin = std::min(text.find('\n'), text.size() - 1) + 1;
  for (Index number = 2; begin < text.size(); ++number) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string::npos) break;
    const std::string line = text.substr(begin, end - begin);
    const std::optional<Index> found = step_of(line);
    check<FileError>(found.has_value(), "{}:{}: a line of the columns {} expected, found '{}'", path.string(),
                     number, kColumns, line.substr(0, 80));
    if (*found < step) kept += line + '\n';
    begin = end + 1;
  }
  return kept;
}

double norm_of_change(const std::vector<Variable>& parameters, const std::vector<Tensor>& before) {
  std::vector<Tensor> changes;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    changes.push_back(subtract(parameters[i].value(), before[i]));
  }
  return norm_of(changes);
}

std::vector<Tensor> values_of(const std::vector<Variable>& parameters) {
  std::vector<Tensor> values;
  for (const Variable& parameter : parameters) values.push_back(parameter.value());
  return values;
}

// Of the first of these names that a layer has.
std::optional<Tensor> buffer_of(const std::vector<nn::NamedVariable>& buffers, const std::string& place,
                                std::initializer_list<const char*> names) {
  for (const char* name : names) {
    for (const nn::NamedVariable& buffer : buffers) {
      if (buffer.name == place + name) return buffer.variable.value().to(DType::float64);
    }
  }
  return {};
}

// Mean, least and largest element; empty if there are none.
std::string range_cells(const std::optional<Tensor>& values) {
  if (!values || values->numel() == 0) return ",,,";
  return cell(mean(*values).item()) + cell(-max(affine(*values, -1, 0)).item()) + cell(max(*values).item());
}

// BatchLayerNorm has those of the batch beside those of the features; BatchRenorm has deviations.
std::string statistics_cells(const std::vector<nn::NamedVariable>& buffers, const std::string& place) {
  std::optional<Tensor> variance = buffer_of(buffers, place, {"running_var", "running_batch_var"});
  const std::optional<Tensor> deviation = buffer_of(buffers, place, {"running_deviation"});
  if (!variance && deviation) variance = multiply(*deviation, *deviation);
  return range_cells(buffer_of(buffers, place, {"running_mean", "running_batch_mean"})) +
         range_cells(variance);
}

}  // namespace

LayerLog::LayerLog(std::filesystem::path path, const nn::Module& model, Tensor probe,
                   const LayerLogOptions& options)
    : model_(model),
      probe_(std::move(probe)),
      every_(at_least_one(options.every)),
      file_(path, kColumns, lines_before(path, options.start_step)) {}

std::vector<LayerDistribution> LayerLog::distributions() const {
  try {
    return layer_distributions(model_, probe_);
  } catch (const ValueError& error) {
    throw ValueError(fmt::format("[layer_log] the probe batch {}: {}", probe_.shape(), error.what()));
  }
}

std::vector<LayerLog::Row> LayerLog::rows() const {
  std::vector<Row> rows;
  std::vector<std::string> paths;
  for (LayerDistribution& layer : distributions()) {
    paths.push_back(layer.path);
    rows.push_back({.layer = std::move(layer)});
  }
  for (LayerParameters& parameters : parameters_by_layer(model_, paths)) {
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& candidate) {
      return candidate.layer.path == parameters.path;
    });
    if (row == rows.end()) continue;
    row->gradient = gradient_norm(parameters);
    for (const Tensor& value : values_of(parameters.parameters)) row->weights.push_back(value.clone());
    row->parameters = std::move(parameters);
  }
  return rows;
}

void LayerLog::on_gradients(Index step) {
  if (step % every_ == 0) pending_ = rows();
}

void LayerLog::on_state(const FitState& state, Moment moment) {
  if (moment == Moment::step && pending_) {
    write(state.step - 1, *pending_, true);
    pending_.reset();
  }
  // A run that goes on from here drops these rows and writes them again, with gradients.
  if (moment == Moment::end && state.step % every_ == 0) write(state.step, rows(), false);
}

void LayerLog::write(Index step, const std::vector<Row>& rows, bool updated) {
  const std::vector<nn::NamedVariable> buffers = model_.named_buffers();
  std::string lines;
  for (const Row& row : rows) {
    const LayerDistribution& layer = row.layer;
    lines += fmt::format("{},{},{}", step, text_cell(layer.path), text_cell(layer.kind));
    for (const double figure :
         {layer.input.p15, layer.input.p50, layer.input.p85, layer.input.mean, layer.input.deviation,
          layer.unit.p15, layer.unit.p50, layer.unit.p85, layer.dead, layer.flat}) {
      lines += cell(figure);
    }
    const std::vector<Variable>& parameters = row.parameters.parameters;
    const double norm = parameters.empty() ? kNotANumber : norm_of(row.weights);
    lines += cell(updated ? row.gradient : kNotANumber) + cell(norm) +
             cell(updated ? norm_of_change(parameters, row.weights) / norm : kNotANumber);
    const std::string place = layer.path.empty() ? "" : layer.path + ".";
    lines += statistics_cells(buffers, place) + "\n";
  }
  file_.append(lines);
}

}  // namespace keel::train

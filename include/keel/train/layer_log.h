// What happens inside a model while it is trained, layer by layer, as a CSV file.
//
// A row for each layer at each logged step, `step` being the number of updates made before. All figures of a
// row are of the weights at that step: what they make of the probe batch, their gradient, and what the next
// update, number step + 1, does to them. The columns (see keel/train/distributions.h):
//   step,layer,kind     updates so far; path of the layer, and what it is. The last row of a step is
//                       "output", "logits": what the loss is given
//   p15,p50,p85,mean,deviation
//                       of the layer's input for the probe batch; of an activation: the pre-activations
//   unit_p15,unit_p50,unit_p85
//                       the same of one typical unit, the middle one
//   dead,flat           of an activation: the share of its units that are 0 for the whole probe batch, and of
//                       pre-activations where its slope is below 0.01
//   gradient_norm       Euclidean norm of the gradient of the layer's parameters for the training batch, as
//                       backward() gave it, before it is clipped
//   weight_norm         Euclidean norm of these parameters
//   update_ratio        Euclidean norm of what the update adds to them, divided by weight_norm
//   running_mean_mean,running_mean_min,running_mean_max,running_var_mean,running_var_min,running_var_max
//                       over the channels of a layer with running statistics, which have taken up the
//                       training batch of that update. Of BatchRenorm, which keeps deviations, their squares;
//                       of BatchLayerNorm those of the batch, of each element of an example
// A cell is empty where there is no such figure: of a layer without parameters, a value that is not finite,
// and gradient and update of a step behind which the run ends.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "keel/core/tensor.h"
#include "keel/nn/module.h"
#include "keel/train/callback.h"
#include "keel/train/csv_file.h"
#include "keel/train/distributions.h"

namespace keel::train {

struct LayerLogOptions {
  Index every = 100;  // steps 0, every, 2 every, ...
  // Where the run goes on. Rows of the file that are of earlier steps are kept; later ones, and a last line
  // that was cut off, are dropped: the run writes them again.
  Index start_step = 0;
};

// Changes nothing of the run, not in any bit: the probe passes through a copy of the model, in training mode
// with a random stream of its own. Costs nothing at steps that are not logged.
class LayerLog final : public Callback {
 public:
  // The model must outlive it. `probe` are inputs [N, ...], the same at each step.
  //   throws: ValueError unless every >= 1; FileError if the file has other columns, a line that is none of
  //   such a log, or cannot be written. on_gradients() throws what the model throws for the probe, as
  //   BatchNorm does for one example
  LayerLog(std::filesystem::path path, const nn::Module& model, Tensor probe, const LayerLogOptions& options);
  void on_gradients(Index step) override;
  void on_state(const FitState& state, Moment moment) override;

 private:
  struct Row {
    LayerDistribution layer;
    LayerParameters parameters = {};
    std::vector<Tensor> weights = {};  // copies, from before the update
    double gradient = kNotANumber;
  };
  std::vector<LayerDistribution> distributions() const;
  // Of the model as it stands.
  std::vector<Row> rows() const;
  void write(Index step, const std::vector<Row>& rows, bool updated);

  const nn::Module& model_;
  Tensor probe_;
  Index every_;
  CsvFile file_;
  std::optional<std::vector<Row>> pending_;  // of the update that is under way
};

}  // namespace keel::train

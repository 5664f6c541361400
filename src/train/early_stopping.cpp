#include "keel/train/early_stopping.h"

#include <cmath>
#include <limits>

#include "keel/core/error.h"

namespace keel::train {

bool should_stop(const EarlyStopping& rule, const std::vector<EpochRecord>& log) {
  check<ValueError>(rule.patience >= 0, "[early_stopping] patience {}: expected at least 0 epochs",
                    rule.patience);
  check<ValueError>(std::isfinite(rule.min_delta) && rule.min_delta >= 0,
                    "[early_stopping] min_delta {}: expected a finite number >= 0", rule.min_delta);
  if (rule.patience == 0) return false;
  double best = std::numeric_limits<double>::infinity();
  Index without_improvement = 0;
  for (const EpochRecord& record : log) {
    if (record.epoch == 0) continue;
    const bool better = record.val_loss < best - rule.min_delta;
    if (better) best = record.val_loss;
    without_improvement = better ? 0 : without_improvement + 1;
  }
  return without_improvement >= rule.patience;
}

}  // namespace keel::train

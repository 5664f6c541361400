// keel-export: the weights of a trained model, for other programs.
#include "keel/train/checkpoint.h"
#include "keel/train/model_file.h"
#include "support/command_line.h"
#include "support/trained_model.h"

namespace {

using keel::train::WeightLayout;
namespace apps = keel::apps;
namespace fs = std::filesystem;

// A run could not go on without it.
bool holds_checkpoint(const fs::path& path) {
  try {
    keel::train::read_checkpoint(path);
    return true;
  } catch (const keel::FileError&) {
    return false;
  }
}

int run(int argc, char** argv) {
  apps::CommandLine command(
      "keel-export",
      "Writes the weights of a trained model to a file that other programs read.\n"
      "\n"
      "OUT.safetensors   PyTorch, JAX and others; its metadata has the model, the run's\n"
      "                  options and the classes\n"
      "OUT.npz           NumPy: numpy.load(\"OUT.npz\")[\"0.weight\"]\n"
      "\n"
      "With --layout pytorch, the equivalent torch.nn.Sequential, which takes images\n"
      "[N,C,H,W], loads them by\n"
      "  model.load_state_dict(safetensors.torch.load_file(\"OUT.safetensors\"))\n"
      "and gives the same logits.\n");
  apps::add_checkpoint_argument(command);
  command.add_positional("OUT", "The file to write, .safetensors or .npz");
  command.add("layout", "LAYOUT", "native",
              "native: images [N,H,W,C], dense weights [in,out], kernels [KH,KW,in,out]; or pytorch");
  command.add_flag("overwrite", "Replace OUT if there is such a file");
  if (!command.parse(argc, argv)) return 0;

  const fs::path in = apps::checkpoint_file(command), out = command.positional("OUT").front();
  const std::string ending = out.extension();
  if (ending != ".safetensors" && ending != ".npz") {
    throw apps::UsageError(
        fmt::format("OUT: expected a name that ends in .safetensors or .npz, found '{}'", out.string()));
  }
  const bool pytorch = command.choice("layout", {"native", "pytorch"}) == "pytorch";
  std::error_code ignored;
  if (fs::exists(out, ignored) && !command.flag("overwrite")) {
    throw apps::UsageError(fmt::format("{}: exists already; --overwrite replaces it", out.string()));
  }
  if (fs::exists(out, ignored) && holds_checkpoint(out)) {
    throw apps::UsageError(
        fmt::format("OUT: expected a file of your own, found a checkpoint of a run: {}", out.string()));
  }

  const keel::train::SavedModel saved = keel::train::read_model(in);
  keel::train::write_model(out, saved, pytorch ? WeightLayout::pytorch : WeightLayout::native);
  fmt::print("{}: {} tensors with {} trained parameters, in layout {}\n", out.string(),
             saved.model->state_dict().size(), saved.model->num_parameters(), command.text("layout"));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return apps::run_program([&] { return run(argc, argv); });
}

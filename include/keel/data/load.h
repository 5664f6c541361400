// Data sets by the name that a person gives them, whatever their format.
#pragma once

#include <string>

#include "keel/data/image_folder.h"
#include "keel/data/synthetic_digits.h"

namespace keel::data {

enum class DataKind { synthetic, mnist_format, image_folder };

struct LoadOptions {
  SyntheticSetsOptions synthetic = {};
  ImageFolderOptions image_folder = {};
};

// "synthetic", a directory of files in MNIST's format, or a directory of image folders.
//   throws: FileError saying what was looked for and found, if it is none of them
DataKind kind_of_data_set(const std::string& source);

// Its parts. Options are for the kind they belong to.   throws: as the function for its kind
TrainTest load_data_set(const std::string& source, const LoadOptions& options = {});

// "synthetic"; "mnist" for MNIST itself, wherever it lies; else the name of the directory.
std::string name_of_data_set(const std::string& source, const TrainTest& sets);

}  // namespace keel::data

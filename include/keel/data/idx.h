// IDX: the file format of MNIST (described at the foot of Yann LeCun's MNIST page).
//
//   bytes 0, 1   zero
//   byte 2       element type; 0x08 is unsigned byte, the only one read here
//   byte 3       rank
//   then         one 32-bit big-endian extent per axis, then the elements in row-major order
#pragma once

#include <filesystem>
#include <vector>

#include "keel/core/tensor.h"

namespace keel::data {

// The tensor (uint8) in an IDX file, plain or compressed by gzip. Which of the two is told by the content,
// not by the name. Reads no more than the header declares, so that a damaged or hostile file costs no memory.
// throws: FileError naming the path, what was expected and what was found, if the file cannot be read, is no
// IDX file of unsigned bytes, is shorter or longer than its header declares, or its compressed data are
// damaged.
Tensor read_idx(const std::filesystem::path& path);
// Several, on several threads. Of those that cannot be read, one is named.
std::vector<Tensor> read_idx_files(const std::vector<std::filesystem::path>& paths);

// Writes a uint8 tensor of rank 1 to 8, compressed by gzip if the path ends in ".gz". Under another name
// first, then renamed: the file is whole or not there. throws: DTypeError, ShapeError; FileError if the file
// cannot be written.
void write_idx(const std::filesystem::path& path, const Tensor& tensor);

}  // namespace keel::data

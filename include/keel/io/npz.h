// .npz: NumPy's format of named arrays, a zip archive of .npy files.
//
//   weights = numpy.load("model.npz"); weights["0.weight"]
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "keel/core/named_tensor.h"

namespace keel::io {

// Writes tensors as float32, float64, int32 and uint8 arrays, and int32 tensors as int64 where asked for; in
// C order, not compressed, as a whole or not at all (see io/atomic_file.h). Equal tensors give equal bytes.
//   throws: ValueError if a name is empty or given twice, a tensor is undefined, stored_as_int64 names what
//   is no int32 tensor, or there are more than the format can hold: 65535 tensors, 4 GiB; FileError if the
//   file cannot be written
void write_npz(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
               const std::set<std::string>& stored_as_int64 = {});

}  // namespace keel::io

/// The rows of one file, and the hash that says which file it was.
///
/// Source     our own
#pragma once

#include <string>
#include <vector>

namespace nibble::data {

template <class Row>
struct DataSet {
  std::vector<Row> rows;  ///< never empty
  std::string sha256;     ///< of the file as it lies on disk (compressed where it is)
};

}  // namespace nibble::data

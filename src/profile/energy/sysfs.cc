#include "profile/energy/sysfs.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <system_error>

namespace nibble::profile {

namespace fs = std::filesystem;

Result<double> read_number(const fs::path& path) {
  errno = 0;
  std::ifstream file(path);
  std::string word;
  if (!(file >> word)) {
    return fail(ErrorCode::kIo,
                "{}: {}",
                path.string(),
                errno != 0 ? std::strerror(errno) : "nothing to read");
  }
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) {
    return fail(ErrorCode::kCorruptData, "{}: '{}', wanted a number", path.string(), word);
  }
  return value;
}

std::optional<double> number_in(const fs::path& path) {
  const auto value = read_number(path);
  return value ? std::optional(*value) : std::nullopt;
}

std::string read_word(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::vector<fs::path> entries(const fs::path& folder, std::string_view prefix) {
  std::vector<fs::path> out;
  std::error_code absent;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, absent)) {
    if (entry.path().filename().string().starts_with(prefix)) {
      out.push_back(entry.path());
    }
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace nibble::profile

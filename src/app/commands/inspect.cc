#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/command.h"
#include "base/json.h"
#include "io/checkpoint.h"
#include "io/safetensors.h"
#include "io/tensor_directory.h"

namespace nibble::app {
namespace {

namespace fs = std::filesystem;

/// Longer arrays of metadata are counted, not shown: a vocabulary has 10^5 entries.
constexpr std::size_t kMaxShownValues = 64;
constexpr std::size_t kMaxShownBytes = 100;

struct Options {
  std::string path;
  bool hash = false;
};

struct TensorRow {
  std::string name;
  Shape shape;
  std::string codec;
  std::size_t n_weights = 0;
  std::size_t n_bytes = 0;

  [[nodiscard]] double bits_per_weight() const {
    return n_weights == 0 ? 0.0
                          : 8.0 * static_cast<double>(n_bytes) / static_cast<double>(n_weights);
  }
};

struct Summary {
  std::string container;
  std::size_t file_bytes = 0;
  Json metadata;  ///< long arrays are {"n_values": N}
  std::vector<TensorRow> tensors;
  std::string hash;  ///< "" unless asked for
};

TensorRow row_of(const io::StoredTensor& tensor) {
  return {tensor.name,
          tensor.shape,
          tensor.matrix.codec->name(),
          tensor.matrix.rows * tensor.matrix.cols,
          tensor.matrix.n_bytes()};
}

Json without_long_arrays(const Json& metadata) {
  Json out = Json::object();
  for (const auto& [key, value] : metadata.items()) {
    const bool counted = value.is_array() && value.size() > kMaxShownValues;
    out[key] = counted ? Json{{"n_values", value.size()}} : value;
  }
  return out;
}

/// A weight file on its own, without the folder that would make it a model.
Summary summarize_safetensors(const fs::path& path) {
  std::vector<io::SafetensorsFile> files;
  files.push_back(io::SafetensorsFile::open(path).take());
  const auto directory = io::TensorDirectory::build(std::move(files)).take();
  const io::SafetensorsFile& file = directory.files().front();
  Summary out{"safetensors", file.file().bytes().size(), file.metadata(), {}, ""};
  for (const std::string& name : directory.names()) {
    out.tensors.push_back(row_of(directory.tensor(name).take()));
  }
  return out;
}

Summary summarize_model(const Options& options) {
  const auto checkpoint = io::open_checkpoint(options.path).take();
  const bool gguf = checkpoint->container() == io::Container::kGguf;
  Summary out{gguf ? "gguf" : "hugging_face",
              checkpoint->file_bytes(),
              without_long_arrays(checkpoint->metadata()),
              {},
              ""};
  for (const std::string& name : checkpoint->names()) {
    out.tensors.push_back(row_of(checkpoint->tensor(name).take()));
  }
  if (options.hash) {
    out.hash = checkpoint->hash();
  }
  return out;
}

Summary summarize(const Options& options) {
  const fs::path path = options.path;
  if (path.extension() != ".safetensors" || fs::is_directory(path)) {
    return summarize_model(options);
  }
  if (options.hash) {
    raise(ErrorCode::kInvalidArgument,
          "--hash: a model's hash covers its config.json; name the folder");
  }
  return summarize_safetensors(path);
}

TensorRow total(const std::vector<TensorRow>& tensors) {
  TensorRow sum;
  for (const TensorRow& row : tensors) {
    sum.n_weights += row.n_weights;
    sum.n_bytes += row.n_bytes;
  }
  return sum;
}

/// Text from a file without control characters, which could steer a terminal.
std::string printable(std::string_view text) {
  const std::string quoted = Json(text).dump(-1, ' ', true, Json::error_handler_t::replace);
  return quoted.substr(1, quoted.size() - 2);
}

std::string shown(const Json& value) {
  if (value.is_object() && value.size() == 1 && value.contains("n_values")) {
    return fmt::format("({} values)", value["n_values"].dump());
  }
  const std::string text = value.is_string()
                               ? printable(value.get_ref<const std::string&>())
                               : value.dump(-1, ' ', true, Json::error_handler_t::replace);
  return text.size() <= kMaxShownBytes
             ? text
             : fmt::format("{}… ({} bytes)", text.substr(0, kMaxShownBytes), text.size());
}

std::string tensor_table(const std::vector<TensorRow>& tensors) {
  std::size_t name_width = 6;
  std::size_t shape_width = 5;
  for (const TensorRow& row : tensors) {
    name_width = std::max(name_width, printable(row.name).size());
    shape_width = std::max(shape_width, shape_text(row.shape).size());
  }
  std::string text = fmt::format("{:<{}}  {:<{}}  {:<10}  {:>7}  {:>13}\n",
                                 "tensor",
                                 name_width,
                                 "shape",
                                 shape_width,
                                 "codec",
                                 "bits/w",
                                 "bytes");
  for (const TensorRow& row : tensors) {
    text += fmt::format("{:<{}}  {:<{}}  {:<10}  {:>7.3f}  {:>13}\n",
                        printable(row.name),
                        name_width,
                        shape_text(row.shape),
                        shape_width,
                        row.codec,
                        row.bits_per_weight(),
                        row.n_bytes);
  }
  return text;
}

std::string as_text(const Options& options, const Summary& summary) {
  const TensorRow sum = total(summary.tensors);
  std::string text =
      fmt::format("{}: {}, {} bytes\n", options.path, summary.container, summary.file_bytes);
  text += fmt::format("{} tensors, {} weights, {:.3f} bits a weight\n",
                      summary.tensors.size(),
                      sum.n_weights,
                      sum.bits_per_weight());
  if (!summary.hash.empty()) {
    text += fmt::format("sha256 {}\n", summary.hash);
  }
  text += '\n';
  for (const auto& [key, value] : summary.metadata.items()) {
    text += fmt::format("{:<40}  {}\n", printable(key), shown(value));
  }
  return text + (summary.metadata.empty() ? "" : "\n") + tensor_table(summary.tensors);
}

Json as_json(const Options& options, const Summary& summary) {
  const TensorRow sum = total(summary.tensors);
  Json tensors = Json::array();
  for (const TensorRow& row : summary.tensors) {
    tensors.push_back({{"name", row.name},
                       {"shape", row.shape},
                       {"codec", row.codec},
                       {"bits_per_weight", row.bits_per_weight()},
                       {"bytes", row.n_bytes}});
  }
  Json out = {{"path", options.path},
              {"container", summary.container},
              {"file_bytes", summary.file_bytes},
              {"n_tensors", summary.tensors.size()},
              {"n_weights", sum.n_weights},
              {"bits_per_weight", sum.bits_per_weight()},
              {"metadata", summary.metadata},
              {"tensors", std::move(tensors)}};
  if (!summary.hash.empty()) {
    out["sha256"] = summary.hash;
  }
  return out;
}

}  // namespace

void add_inspect(CLI::App& root, Invocation& invocation) {
  const auto options = std::make_shared<Options>();
  CLI::App* command =
      root.add_subcommand("inspect", "Show what a model or weight file holds, without loading it");
  command
      ->add_option(
          "path", options->path, "A .gguf file, a Hugging Face folder, or a .safetensors file")
      ->required();
  command->add_flag(
      "--hash", options->hash, "Also print the SHA-256 by which results name this model");
  command->callback([&invocation, options] {
    invocation.run = [&invocation, options] {
      const Summary summary = summarize(*options);
      print_out(invocation.globals.json ? dump_json(as_json(*options, summary)) + "\n"
                                        : as_text(*options, summary));
      return 0;
    };
  });
}

}  // namespace nibble::app

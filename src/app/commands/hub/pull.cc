#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/command.h"
#include "app/exit_code.h"
#include "app/online.h"
#include "base/json.h"
#include "data/hub/pull_model.h"

namespace nibble::app {
namespace {

struct ModelPullOptions {
  std::string name;
  std::vector<std::string> patterns;
  std::string models;
};

Json pulled_json(const data::PulledModel& pulled, const std::string& readable) {
  Json files = Json::array();
  for (const data::PulledPart& file : pulled.files) {
    files.push_back({{"path", file.path},
                     {"bytes", file.n_bytes},
                     {"sha256", file.sha256},
                     {"was_there", file.was_there}});
  }
  return {{"folder", pulled.folder.string()},
          {"model", readable.empty() ? Json() : Json(readable)},
          {"commit", pulled.commit},
          {"licence", pulled.licence.empty() ? Json() : Json(pulled.licence)},
          {"files", std::move(files)}};
}

std::string pulled_text(const data::PulledModel& pulled, const std::string& readable) {
  std::string text;
  for (const data::PulledPart& file : pulled.files) {
    text += fmt::format("{}  {}{}\n",
                        file.sha256,
                        (pulled.folder / file.path).string(),
                        file.was_there ? "  was there" : "");
  }
  return text + fmt::format("licence: {}\n{}\n",
                            pulled.licence.empty() ? "not stated by the hub" : pulled.licence,
                            readable.empty() ? pulled.folder.string() : readable);
}

int run_model_pull(const ModelPullOptions& options, const Globals& globals) {
  check_online({"HF_HUB_OFFLINE"});
  const data::ModelName name = data::parse_model_name(options.name).take();
  data::PullModelOptions pull{
      options.models.empty() ? data::models_folder() : std::filesystem::path(options.models),
      options.patterns,
      data::hub_of_environment().take()};
  const auto progress = make_progress(globals);
  const data::PulledModel pulled = data::pull_model(name, pull, *progress).take();
  const auto readable = data::readable_model(pulled.folder);
  const std::string model =
      readable ? readable->string() : "";  // files of a choice may be no model
  print_out(globals.json ? dump_json(pulled_json(pulled, model)) + "\n"
                         : pulled_text(pulled, model));
  return kDone;
}

}  // namespace

void add_pull(CLI::App& root, Invocation& invocation) {
  CLI::App* command = root.add_subcommand(
      "pull", "Fetch a model from a hub; other commands then take it by its name");
  const auto options = std::make_shared<ModelPullOptions>();
  command->add_option("NAME", options->name, "org/name, or org/name@revision")->required();
  command->add_option("--include",
                      options->patterns,
                      "Only files whose path matches, such as '*Q4_K_M.gguf'; may be repeated");
  command->add_option("--models",
                      options->models,
                      "Folder of models; default: $NIBBLE_MODELS, else ~/.cache/nibble/models");
  command->footer(
      "A pull that was stopped goes on. HF_TOKEN opens what is gated, HF_ENDPOINT names another "
      "hub.\nExample: nibble pull HuggingFaceTB/SmolLM2-135M-Instruct");
  command->callback([&invocation, options] {
    invocation.run = [&invocation, options] {
      return run_model_pull(*options, invocation.globals);
    };
  });
}

}  // namespace nibble::app

#include "app/help/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace nibble::app {
namespace {

/// What may stand behind the words of `command`.
std::vector<std::string> offered(const CommandText& command, const CommandText& program) {
  std::vector<std::string> out = command.commands;
  const auto add_options = [&](const CommandText& of) {
    for (const OptionText& option : of.options) {
      if (!option.is_positional) {
        out.insert(out.end(), option.names.begin(), option.names.end());
      }
    }
  };
  add_options(command);
  if (&command != &program) {
    add_options(program);
  }
  return out;
}

}  // namespace

std::string bash_completion(std::span<const CommandText> tree) {
  std::string paths;
  std::string cases;
  for (const CommandText& command : tree) {
    paths += fmt::format(" '{}'", command.path);
    cases += fmt::format("    '{}') offered='{}' ;;\n",
                         command.path,
                         fmt::join(offered(command, tree.front()), " "));
  }
  // The words behind the program's name that are a command say which options fit.
  return fmt::format(R"(_nibble() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} path= known offered i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    for known in{}; do
      [[ $known == "${{path:+$path }}${{COMP_WORDS[i]}}" ]] && path=$known && break
    done
  done
  case $path in
{}  esac
  COMPREPLY=($(compgen -W "$offered" -- "$word"))
  [[ $word == -* || ${{#COMPREPLY[@]}} -gt 0 ]] || COMPREPLY=($(compgen -f -- "$word"))
}}
complete -o filenames -F _nibble nibble
)",
                     paths,
                     cases);
}

std::string zsh_completion(std::span<const CommandText> tree) {
  return "#compdef nibble\nautoload -U +X bashcompinit && bashcompinit\n" + bash_completion(tree);
}

}  // namespace nibble::app

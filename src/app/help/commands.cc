#include <CLI/CLI.hpp>

#include "app/command.h"
#include "app/help/completion.h"
#include "app/help/manual.h"

namespace nibble::app {

void add_completion(CLI::App& root, Invocation& invocation) {
  CLI::App* command = root.add_subcommand(
      "completion", "Print a script that completes commands and options in a shell");
  auto shell = std::make_shared<std::string>();
  command->add_option("shell", *shell, "bash or zsh")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh"}));
  command->footer("Example: source <(nibble completion bash)");
  command->callback([&root, &invocation, shell] {
    invocation.run = [&root, shell] {
      const std::vector<CommandText> tree = command_tree(root);
      print_out(*shell == "zsh" ? zsh_completion(tree) : bash_completion(tree));
      return 0;
    };
  });
}

void add_manual(CLI::App& root, Invocation& invocation) {
  CLI::App* command = root.add_subcommand("manual", "Print the manual page, as man reads it");
  command->footer("Example: nibble manual | man -l -");
  command->callback([&root, &invocation] {
    invocation.run = [&root] {
      print_out(manual_page(command_tree(root), NIBBLE_VERSION));
      return 0;
    };
  });
}

}  // namespace nibble::app

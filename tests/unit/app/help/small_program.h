/// A program of two commands, for tests of what is written from the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "app/help/command_tree.h"

namespace nibble::app {

struct SmallProgram {
  SmallProgram() {
    root.add_flag("-q,--quiet", quiet, "Say nothing");
    CLI::App* rag = root.add_subcommand("rag", "Find passages");
    CLI::App* index = rag->add_subcommand("index", "Bring an index up to date");
    index->add_option("source", text, "A folder")->required();
    index->add_option("-o,--output", text, ".rag file")->check(CLI::Range(0, 9));
    tree = command_tree(root);
  }

  bool quiet = false;
  std::string text;
  CLI::App root{"Does things", "nibble"};
  std::vector<CommandText> tree;
};

}  // namespace nibble::app

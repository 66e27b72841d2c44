#include "app/help/manual.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/exit_code.h"

namespace nibble::app {
namespace {

/// Text as roff takes it: backslashes and hyphens stay what they are, no line begins a request.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) {
      out += "\\&";
      out += c;
    } else {
      out += c;
    }
  }
  return out;
}

std::string option_entry(const OptionText& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.names) {
    names.push_back("\\fB" + escaped(name) + "\\fR");
  }
  const bool takes_value = !option.value.empty() && !option.is_positional;
  return fmt::format(".TP\n{}{}\n{}\n",
                     fmt::join(names, ", "),
                     takes_value ? " \\fI" + escaped(option.value) + "\\fR" : "",
                     escaped(option.description));
}

std::string command_section(const CommandText& command) {
  std::string out =
      fmt::format(".SS nibble {}\n{}.\n", escaped(command.path), escaped(command.description));
  for (const OptionText& option : command.options) {
    out += option_entry(option);
  }
  if (!command.footer.empty()) {
    out += fmt::format(".PP\n.nf\n{}\n.fi\n", escaped(command.footer));
  }
  return out;
}

}  // namespace

std::string manual_page(std::span<const CommandText> tree, std::string_view version) {
  const CommandText& program = tree.front();
  std::string out = fmt::format(
      ".TH NIBBLE 1 \"\" \"nibble {}\" \"User Commands\"\n.SH NAME\nnibble \\- quantizes, runs and "
      "judges language models, and advises what to deploy\n.SH SYNOPSIS\n.B nibble\n.I COMMAND\n"
      "[\\fIOPTIONS\\fR]\n.SH DESCRIPTION\n{}\n.SH OPTIONS\nOf every command:\n",
      escaped(version),
      escaped(program.description));
  for (const OptionText& option : program.options) {
    out += option_entry(option);
  }
  out += ".SH COMMANDS\n";
  for (const CommandText& command : tree.subspan(1)) {
    out += command_section(command);
  }
  out += ".SH EXIT STATUS\n";
  for (const ExitCodeRow& row : exit_code_table()) {
    out += fmt::format(".TP\n{}\n{}\n", row.code, escaped(row.meaning));
  }
  return out + fmt::format(".SH NOTES\n{}\n", escaped(program.footer));
}

}  // namespace nibble::app

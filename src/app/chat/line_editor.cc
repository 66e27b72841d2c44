#include "app/chat/line_editor.h"

#include <histedit.h>

#include <clocale>
#include <cstdio>

#include "base/error.h"

namespace nibble::app {
namespace {

constexpr int kKeptLines = 500;

}  // namespace

struct LineEditor::Impl {
  EditLine* editor = nullptr;
  History* history = nullptr;
  HistEvent event{};
  std::string prompt;

  Impl() {
    std::setlocale(LC_CTYPE, "");  // characters of several bytes are one to the cursor
    editor = el_init("nibble", stdin, stdout, stderr);
    history = history_init();
    if (editor == nullptr || history == nullptr) {
      raise(ErrorCode::kIo, "the terminal cannot be edited on");
    }
    ::history(history, &event, H_SETSIZE, kKeptLines);
    el_set(editor, EL_CLIENTDATA, this);
    el_set(editor, EL_PROMPT, &prompt_of);
    el_set(editor, EL_EDITOR, "emacs");
    el_set(editor, EL_HIST, &::history, history);
    // Ctrl-C is a key while a line is edited: it would end the program otherwise.
    el_set(editor, EL_SETTY, "-d", "-isig", nullptr);
    el_set(editor, EL_BIND, "^C", "em-kill-line", nullptr);
    el_set(editor, EL_BIND, "^D", "em-delete-or-list", nullptr);
    el_set(editor, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  }
  ~Impl() {
    if (history != nullptr) {
      history_end(history);
    }
    if (editor != nullptr) {
      el_end(editor);
    }
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  static char* prompt_of(EditLine* editor) {
    Impl* self = nullptr;
    el_get(editor, EL_CLIENTDATA, &self);
    return self->prompt.data();
  }
};

LineEditor::LineEditor() : impl_(new Impl) {}
LineEditor::~LineEditor() = default;

std::optional<std::string> LineEditor::read(const std::string& prompt) {
  impl_->prompt = prompt;
  // libedit would show the prompt first: a key typed right behind it would still be the terminal's.
  el_set(impl_->editor, EL_PREP_TERM, 1);
  int n = 0;
  const char* line = el_gets(impl_->editor, &n);
  if (line == nullptr || n <= 0) {
    return std::nullopt;
  }
  std::string out(line, static_cast<std::size_t>(n));
  while (out.ends_with('\n') || out.ends_with('\r')) {
    out.pop_back();
  }
  if (!out.empty()) {
    ::history(impl_->history, &impl_->event, H_ENTER, out.c_str());
  }
  return out;
}

}  // namespace nibble::app

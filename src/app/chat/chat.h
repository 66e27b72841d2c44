/// A chat in the terminal: lines in, answers out as they come.
///
///   /help            what there is
///   /reset           a new conversation under the same system message
///   /system [TEXT]   another system message (none without TEXT), and a new conversation
///   /save FILE       the conversation as JSON; a file that is there is left alone
///   /exit            the end, as is Ctrl-D
///
/// A line that ends in "\" goes on in the next. Ctrl-C stops an answer, which stays as far as it
/// came.
///
/// Errors     what a person can put right is told and the chat goes on; kIo where nothing can be
///            written ends it
/// Source     our own
#pragma once

#include <string>

#include "app/chat/line_editor.h"
#include "app/chat/session.h"

namespace nibble::app {

/// Until the lines end.
void run_chat(ChatSession& session, LineSource& lines);

/// What run_chat says of an answer behind it: "" where it came to its end and all was read.
std::string answer_note(const ChatAnswer& answer);

}  // namespace nibble::app

/// Files of other forms than JSON lines, put together from the rows of a hub.
///
///   joined_texts   the column "text", one behind the other; an empty one is " \n" (WikiText)
///   nested_squad   {"data": [{"title", "paragraphs": [{"context", "qas": [{"id", "question",
///                  "answers": [{"text", "answer_start"}]}]}]}]} of rows of one question each;
///                  neighbours of one title are an article, of one context a paragraph
///
/// `rows` has a JSON object a line; `where` heads error messages.
///
/// Errors     Error(kCorruptData) "where: row N: reason" for a row that lacks a column
/// Source     our own; the files of WikiText-2 raw and of SQuAD v1.1
#pragma once

#include <string>
#include <string_view>

namespace nibble::data {

std::string joined_texts(std::string_view rows, std::string_view where);
std::string nested_squad(std::string_view rows, std::string_view where);

}  // namespace nibble::data

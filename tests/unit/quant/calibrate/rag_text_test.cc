#include "quant/calibrate/rag_text.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace nibble::quant {
namespace {

TEST(RagText, LaysPassagesOutBeforeTheQuestion) {
  const Json record = Json::parse(R"({"question": "Who built it?", "answers": ["Edda", "E."],
      "ctxs": [{"title": "The Mill", "text": "Edda built it."}, {"text": "No title."}]})");
  ASSERT_TRUE(is_rag_record(record));
  EXPECT_EQ(rag_text(record, "x"),
            "Document [1](Title: The Mill) Edda built it.\nDocument [2] No title.\n\n"
            "Question: Who built it?\nAnswer: Edda");
}

TEST(RagText, PassagesMayBePlainTextsAndAnswersAbsent) {
  const Json record = Json::parse(R"({"question": "Why?", "passages": ["Because."]})");
  EXPECT_EQ(rag_text(record, "x"), "Document [1] Because.\n\nQuestion: Why?\nAnswer:");
}

TEST(RagText, WhatIsNoRecordIsNamed) {
  EXPECT_FALSE(is_rag_record(Json::parse(R"({"question": "Why?"})")));
  EXPECT_FALSE(is_rag_record(Json::parse(R"(["question"])")));
  for (const char* text : {R"({"question": "Why?"})", R"({"question": "Why?", "passages": [3]})"}) {
    try {
      rag_text(Json::parse(text), "f.jsonl: record 7");
      FAIL() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorruptData);
      EXPECT_THAT(error.what(), ::testing::HasSubstr("f.jsonl: record 7"));
    }
  }
}

}  // namespace
}  // namespace nibble::quant

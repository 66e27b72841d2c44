/// English text to the terms that BM25 counts: lower case, words of letters, marks and digits, no
/// stop words, Porter stems.
///
/// A word is a run of Unicode letters, numbers and combining marks; an apostrophe's "'s" is cut
/// off.
///
/// Threads    one object a thread (the stemmer has a state)
/// Errors     none; bytes that are not UTF-8 separate words
/// Source     Porter 1980, through Snowball's libstemmer; the stop words of Lucene's
///            EnglishAnalyzer
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct sb_stemmer;

namespace nibble::rag {

class Analyzer {
 public:
  Analyzer();
  ~Analyzer();
  Analyzer(const Analyzer&) = delete;
  Analyzer& operator=(const Analyzer&) = delete;

  [[nodiscard]] std::vector<std::string> terms(std::string_view text) const;

 private:
  struct Delete {
    void operator()(sb_stemmer* stemmer) const noexcept;
  };
  std::unique_ptr<sb_stemmer, Delete> stemmer_;
};

}  // namespace nibble::rag

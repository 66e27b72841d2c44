#include "report/format.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace nibble::report {
namespace {

const store::MetricRecord kAccuracy{"acc", "fraction", true, "identity"};
const store::MetricRecord kPerplexity{"perplexity", "", false, "exp"};

TEST(Format, FractionsArePercentages) {
  EXPECT_EQ(value_text(0.41666, kAccuracy), "41.7");
  EXPECT_EQ(unit_label(kAccuracy), "%");
  EXPECT_EQ(difference_label(kAccuracy), "points");
  EXPECT_EQ(difference_text(-0.0333, kAccuracy), "\u22123.3");
  EXPECT_EQ(difference_text(0.0333, kAccuracy), "+3.3");
}

TEST(Format, AUnitThatTheNameSaysIsLeftOut) {
  EXPECT_EQ(unit_label({"word_perplexity", "perplexity", false, "exp"}), "");
  EXPECT_EQ(unit_label({"bits_per_byte", "bits/byte", false, "per_ln2"}), "bits/byte");
}

TEST(Format, NothingIsPrintedAsMinusZero) {
  EXPECT_EQ(value_text(-0.0001, kAccuracy), "0.0");
  EXPECT_EQ(difference_text(-0.0001, kAccuracy), "0.0");
  EXPECT_EQ(difference_text(0.0, kPerplexity), "0.00");
}

TEST(Format, NumbersKeepAboutFourDigits) {
  EXPECT_EQ(number_text(27.7031), "27.70");
  EXPECT_EQ(number_text(0.31564), "0.316");
  EXPECT_EQ(number_text(394.06), "394.1");
  EXPECT_EQ(number_text(12345.6), "12346");
  EXPECT_EQ(number_text(2.5e9), "2.5e+09");
  EXPECT_EQ(number_text(std::numeric_limits<double>::infinity()), "inf");
}

TEST(Format, SmallChancesAndSizes) {
  EXPECT_EQ(p_text(0.0004), "< 0.001");
  EXPECT_EQ(p_text(0.0124), "0.012");
  EXPECT_EQ(megabytes_text(92.34e6), "92.3");
  EXPECT_EQ(megabytes_text(14.48e9), "14480");
}

TEST(Format, ExactTextReadsBackAsTheSameNumber) {
  for (const double value : {0.1, 1.0 / 3, 25.897458036903757, 1e-300, -0.0}) {
    EXPECT_EQ(std::stod(exact_text(value)), value);
  }
}

TEST(Format, EscapesForEachLanguage) {
  EXPECT_EQ(escape_html("<a b='c'>&\"\n"), "&lt;a b=&#39;c&#39;&gt;&amp;&quot;\n");
  EXPECT_EQ(escape_latex("a_b 50% \\x{$1} #~^<\u22123"),
            "a\\_b 50\\% \\textbackslash{}x\\{\\$1\\} \\#\\textasciitilde{}\\textasciicircum{}"
            "\\textless{}$-$3");
  EXPECT_EQ(escape_markdown("a|b*c_d`[x](y)\n<z>"), "a\\|b\\*c\\_d\\`\\[x\\](y) &lt;z&gt;");
  EXPECT_EQ(escape_csv("plain"), "plain");
  EXPECT_EQ(escape_csv("a,\"b\"\n"), "\"a,\"\"b\"\"\n\"");
}

TEST(Format, BytesThatAreNotUtf8AreReplaced) {
  EXPECT_EQ(valid_utf8("a\xFFz"), "a\uFFFDz");
  EXPECT_EQ(escape_html(std::string_view("\xC3<", 2)), "\uFFFD&lt;");
}

TEST(Format, ShortenCutsBetweenCharacters) {
  EXPECT_EQ(shorten("short", 10), "short");
  const std::string text = std::string(9, 'a') + "\u00E9\u00E9\u00E9\u00E9" + std::string(9, 'z');
  const std::string cut = shorten(text, 20);
  EXPECT_EQ(valid_utf8(cut), cut);
  EXPECT_TRUE(cut.starts_with("aaaaaaaaa"));
  EXPECT_TRUE(cut.ends_with("zzzzzzzzz"));
  EXPECT_NE(cut.find("bytes left out"), std::string::npos);
}

}  // namespace
}  // namespace nibble::report

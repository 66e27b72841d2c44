#include "report/table.h"

#include <gtest/gtest.h>

namespace nibble::report {
namespace {

Table example() {
  return {"scores",
          "Scores",
          "Two variants at 95 %",
          {{"Variant", false, {}}, {"Value", true, {"value", "low"}}},
          {{text_cell("a|b, \"c\""), {"41.7 [33.1]", {0.417, 0.331}, false}},
           {text_cell("d_e"), missing_cell("not run yet")}}};
}

TEST(Table, Markdown) {
  EXPECT_EQ(markdown(example()),
            "| Variant | Value |\n"
            "|---|---:|\n"
            "| a\\|b, \"c\" | 41.7 \\[33.1\\] |\n"
            "| d\\_e | *not run yet* |\n");
}

TEST(Table, Latex) {
  EXPECT_EQ(latex(example()),
            "% Needs \\usepackage{booktabs}.\n"
            "\\begin{table}\n\\centering\n"
            "\\caption{Scores. Two variants at 95 \\%}\n"
            "\\label{tab:scores}\n"
            "\\begin{tabular}{lr}\n\\toprule\n"
            "Variant & Value \\\\\n\\midrule\n"
            "a|b, \"c\" & 41.7 [33.1] \\\\\n"
            "d\\_e & \\emph{not run yet} \\\\\n"
            "\\bottomrule\n\\end{tabular}\n\\end{table}\n");
}

TEST(Table, CsvHasNumbersInsteadOfTextsAndNothingWhereMissing) {
  EXPECT_EQ(csv(example()),
            "Variant,value,low\r\n"
            "\"a|b, \"\"c\"\"\",0.417,0.331\r\n"
            "d_e,,\r\n");
}

}  // namespace
}  // namespace nibble::report

/// `nibble rag eval --compare A.run B.run`: two runs over the same questions, paired.
///
/// Source     eval/stats/paired.h
#pragma once

#include <string>
#include <vector>

#include "app/command.h"
#include "rag/run_scores.h"

namespace nibble::app {

/// Files of two runs in TREC's format, B against A.
int compare_rankings(const std::vector<std::string>& runs,
                     const std::string& judgements,
                     const rag::RankingCuts& cuts,
                     const Globals& globals);

}  // namespace nibble::app

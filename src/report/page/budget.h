/// How the sections of a page share the bytes that it may have.
///
/// A page is to open at once from a mail or a stick, however large its study is: below 5 MB. What a
/// section leaves out it says, and where to find it.
///
/// Units      bytes
/// Source     max-min fair shares: D. Bertsekas, R. Gallager, Data Networks, 1992, 6.5.2
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace nibble::report {

/// Tables of scores are rich HTML while they are at most so large together, then plain tables.
inline constexpr std::size_t kScoreBytes = 150'000;
/// Other tables are HTML, which needs no script, while they are at most so large together; then
/// only those that are at most so large alone.
inline constexpr std::size_t kPlainBytes = 300'000, kPlainTableBytes = 20'000;
/// The rows of all larger tables.
inline constexpr std::size_t kTableBytes = 1'200'000;
inline constexpr std::size_t kExampleBytes = 800'000;  ///< wrong answers
inline constexpr std::size_t kRecipeBytes = 200'000;
/// Variants, and scores of variants, that the plots and the advice may draw on.
inline constexpr std::size_t kPlottedVariants = 2'000;
inline constexpr std::size_t kPlottedScores = 10'000;
/// Variants in the pictures of answers over documents.
inline constexpr std::size_t kPicturedVariants = 40;

/// A share for each of those who want something: those who want little get it, and what they leave
/// goes to the others, each of whom gets equally much.
std::vector<std::size_t> fair_shares(std::span<const std::size_t> wanted, std::size_t budget);

}  // namespace nibble::report

/// What makes a sample, or a whole score, doubtful. Guards flag and never change a number: a
/// flagged score is published with its flags.
///
///   equal options    every choice got the same log-probability: the model did not read them
///   repeated output  the answer's end is one short string, four times or more, and half of it
///   double BOS       the input begins with two BOS tokens
///   not finite       a log-probability, a logit or a divergence is NaN or infinite
///   at chance        (of a whole score) its interval reaches down to what blind guessing gives
///
/// Source     our own; each was reported against other harnesses (reference/evaluation.md 6)
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "eval/request.h"

namespace nibble::eval {

enum class Flag : std::uint8_t { kEqualOptions, kRepeatedOutput, kDoubleBos, kNotFinite };

/// "equal options", …: how a store and a report spell a flag.
std::string_view flag_name(Flag flag) noexcept;

/// Each flag once, in the order of Flag.
std::vector<Flag> find_flags(std::span<const Request> requests,
                             std::span<const Response> responses);

/// See "at chance"; `low` is the lower end of the interval of a share of right choices.
bool is_at_chance(double low, std::optional<double> chance) noexcept;

/// See "repeated output": a period of at most 64 bytes, a repeated end of at least 32.
bool is_repeated_output(std::string_view text) noexcept;

}  // namespace nibble::eval

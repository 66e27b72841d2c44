/// Which numbers this program computes: a part of the name of every stored result, so that a study
/// never mixes results of before a change with results of after it.
///
/// Source     our own
#pragma once

namespace nibble {

/// Raise it with every change after which a kernel, codec, method, tokenizer, task, metric or
/// protocol may give another number for the same inputs.
inline constexpr int kNumericsRevision = 3;

}  // namespace nibble

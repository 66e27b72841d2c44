/// Whether the network may be asked, by the convention of the hub's own tools.
///
/// Source     HF_HUB_OFFLINE and its like of huggingface_hub and datasets
#pragma once

#include <initializer_list>

namespace nibble::app {

/// Throws Error(kIo) where one of the variables is set to anything but "" and "0".
void check_online(std::initializer_list<const char*> variables);

}  // namespace nibble::app

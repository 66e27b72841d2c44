/// Power of a board by an INA3221, the three-channel monitor of NVIDIA's Jetson boards.
///
///   /sys/class/hwmon/hwmonN/name = "ina3221"
///   inK_label "VDD_IN", inK_input in mV, currK_input in mA;  power = V * I
///
/// The rail VDD_IN feeds the whole module; where no channel is called so, all channels with a
/// label are added up.
///
/// Errors     kNotFound where there is none; kIo where its files cannot be read
/// Source     Linux Documentation/hwmon/ina3221; NVIDIA Jetson Linux developer guide (rail names)
#pragma once

#include <filesystem>

#include "profile/energy/sensor.h"

namespace nibble::profile {

Result<Sensors> ina3221_sensors(const std::filesystem::path& root = "/");

}  // namespace nibble::profile

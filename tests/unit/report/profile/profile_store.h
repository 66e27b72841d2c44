/// The store of advice_store.h with what a profile measures, for the reference and "small".
///
///   request      33 generated tokens; 500 ms for the reference, 400 ms for small, five times
///   token        160 values of 10 ms and 8 ms
///   prompt       2.56e10 FLOP; decode reads 9e7 and 3e7 bytes
///   limits       4000 GOPS of 8-bit integers, 400 of float32, 20 GB/s
///   energy       small alone: 0.5 J/token, 20 J a request; a rated power of 70 W
#pragma once

#include "unit/report/advice/advice_store.h"

namespace nibble::report {

inline void add_profile(store::Store& store, const std::string& unit, double ms, double bytes) {
  std::vector<store::MeasurementRecord> rows;
  const auto add = [&](std::string name, std::string unit_of, double value, std::size_t n = 1) {
    for (std::size_t i = 0; i < n; ++i) {
      rows.push_back({name, unit_of, i, value, ""});
    }
  };
  add("end_to_end", "ms", ms, 5);
  add("inter_token", "ms", ms / 50, 160);
  add("cold_first_token", "ms", 300);
  add("generated_tokens", "tokens", 33);
  add("prefill_flop", "FLOP", 2.56e10);
  add("decode_flop", "FLOP/token", 2.6e8);
  add("decode_bytes", "bytes/token", bytes);
  add("kv_bytes", "bytes", 1.5e6);
  add("peak_int8", "GOPS", 4000, 5);
  add("peak_float32", "GOPS", 400, 5);
  add("peak_read", "GB/s", 20, 5);
  add("batch_1", "samples/s", 2, 2);
  add("batch_4", "samples/s", 6, 2);
  add("batch_16", "samples/s", 12, 2);
  add("prefill_512", "tok/s", 450, 5);
  rows.push_back({"clock_after", "MHz", 0, {}, "this machine does not tell its clock"});
  store.add_measurements(unit, rows);
}

inline store::Store profile_store(const std::filesystem::path& path) {
  store::Store store = advice_store(path);
  store.replace_conditions(std::vector<store::Condition>{{"study", "profile", true},
                                                         {"arithmetic", "native", true},
                                                         {"rated power W", "70", false},
                                                         {"nominal fp16 TFLOP/s", "65", false},
                                                         {"nominal bandwidth GB/s", "320", false},
                                                         {"price per hour", "0.36", false},
                                                         {"currency", "EUR", false}});
  store.set_facts("v0", {"hv0", 90'000'000, 90'000'000, 16, "210 x f16, 61 x f32"});
  store.set_facts("v1", {"hv1", 30'000'000, 30'000'000, 4.5, "210 x int4g64, 61 x f32"});
  add_profile(store, "v0/", 500, 9e7);
  add_profile(store, "v1/", 400, 3e7);
  store.add_measurements(
      "v1/",
      std::vector<store::MeasurementRecord>{{"decode_energy", "J/token", 0, 0.5, ""},
                                            {"request_energy", "J", 0, 20.0, ""}});
  store.add_measurements(
      "v0/",
      std::vector<store::MeasurementRecord>{{"decode_energy", "J/token", 0, {}, "no sensor"},
                                            {"request_energy", "J", 0, {}, "no sensor"}});
  return store;
}

}  // namespace nibble::report

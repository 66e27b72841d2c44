/// Compares the requests of a task with a golden file of lm-evaluation-harness, byte for byte.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "eval/task.h"
#include "support/files.h"

namespace nibble::eval {

inline std::vector<nlohmann::json> golden_lines(const std::filesystem::path& path) {
  std::vector<nlohmann::json> lines;
  std::istringstream text(nibble::testing::read_file(path));
  for (std::string line; std::getline(text, line);) {
    lines.push_back(nlohmann::json::parse(line));
  }
  return lines;
}

inline void expect_golden_requests(const std::string& task_name,
                                   const std::filesystem::path& data,
                                   const std::filesystem::path& golden) {
  const auto lines = golden_lines(golden);
  TaskOptions options;
  options.data = data;
  options.limit = lines.size();
  const std::unique_ptr<Task> task = make_task(task_name, options).take();
  ASSERT_EQ(task->n_samples(), lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const Sample sample = task->sample(i);
    const auto& expected = lines[i].at("requests");
    ASSERT_EQ(sample.requests.size(), expected.size()) << "document " << i;
    for (std::size_t k = 0; k < expected.size(); ++k) {
      const auto& request = std::get<LoglikelihoodRequest>(sample.requests[k]);
      ASSERT_EQ(request.context, expected[k].at("context").get<std::string>()) << i;
      ASSERT_EQ(request.continuation, expected[k].at("continuation").get<std::string>()) << i;
    }
    const auto right = lines[i].at("target").get<std::size_t>();
    EXPECT_EQ(" " + sample.target, expected[right].at("continuation").get<std::string>());
  }
}

}  // namespace nibble::eval

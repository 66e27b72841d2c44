#include "eval/code/sandbox.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "support/files.h"

namespace nibble::eval {
namespace {

namespace fs = std::filesystem;
using nibble::testing::TempFolder;
using nibble::testing::write_file;

/// Time enough for a busy machine to start Python.
SandboxLimits patient() {
  SandboxLimits limits;
  limits.wall = std::chrono::seconds{30};
  return limits;
}

/// Whether some process has `mark` in its command line.
bool is_running(const std::string& mark) {
  for (const auto& entry : fs::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "cmdline");
    const std::string line((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());
    if (line.find(mark) != std::string::npos) {
      return true;
    }
  }
  return false;
}

/// Each program tries to get out and comes to its end, that is passes, only where it does.
class SandboxEscape : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto problem = sandbox_problem()) {
      GTEST_SKIP() << "needs bubblewrap and user namespaces: " << *problem;
    }
  }
  static void expect_held(const std::string& attempt) {
    EXPECT_EQ(run_in_sandbox(attempt, patient()), CodeVerdict::kFailed) << attempt;
  }
  TempFolder folder_;
};

TEST_F(SandboxEscape, OrdinaryProgramsPass) {
  EXPECT_EQ(run_in_sandbox("import math, typing\nassert math.gcd(12, 18) == 6", patient()),
            CodeVerdict::kPassed);
  EXPECT_EQ(
      run_in_sandbox("open('/tmp/x', 'w').write('y' * 1000)\nprint('talk ' * 100)", patient()),
      CodeVerdict::kPassed);
  EXPECT_EQ(run_in_sandbox("assert 1 == 2", patient()), CodeVerdict::kFailed);
  EXPECT_EQ(run_in_sandbox("def f(:", patient()), CodeVerdict::kFailed);
}

TEST_F(SandboxEscape, ReadsNoFileOfTheHost) {
  write_file(folder_ / "secret", "secret");
  expect_held(fmt::format("open('{}').read()", (folder_ / "secret").string()));
  expect_held("open('/etc/passwd').read()");
}

TEST_F(SandboxEscape, WritesNoFileOfTheHost) {
  const fs::path target = folder_ / "written";
  expect_held(fmt::format("open('{}', 'w').write('x')", target.string()));
  EXPECT_FALSE(fs::exists(target));
}

TEST_F(SandboxEscape, WhatItWritesInItsTmpIsNotOurs) {
  const std::string name = fmt::format("/tmp/nibble_sandbox_test_{}", ::getpid());
  EXPECT_EQ(run_in_sandbox(fmt::format("open('{}', 'w').write('x')", name), patient()),
            CodeVerdict::kPassed);
  EXPECT_FALSE(fs::exists(name));
}

TEST_F(SandboxEscape, ChangesNoProgramOfTheSystem) {
  expect_held("open('/usr/bin/nibble_was_here', 'w')");
  EXPECT_FALSE(fs::exists("/usr/bin/nibble_was_here"));
}

TEST_F(SandboxEscape, ReachesNoServerOfTheHost) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  socklen_t size = sizeof address;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  expect_held(fmt::format("import socket\nsocket.create_connection(('127.0.0.1', {}), 5)",
                          ntohs(address.sin_port)));
  ::close(listener);
}

TEST_F(SandboxEscape, ResolvesNoName) {
  expect_held("import socket\nsocket.getaddrinfo('example.com', 80)");
}

TEST_F(SandboxEscape, SeesNoProcessOfTheHost) {
  expect_held(fmt::format("import os\nassert os.path.exists('/proc/{}')", ::getpid()));
  expect_held("import os\nassert len([p for p in os.listdir('/proc') if p.isdigit()]) > 4");
}

TEST_F(SandboxEscape, KillsNoProcessOfTheHost) {
  const pid_t victim = ::fork();
  if (victim == 0) {
    ::pause();
    ::_exit(0);
  }
  expect_held(fmt::format("import os\nos.kill({}, 9)", victim));
  (void)run_in_sandbox("import os\nos.kill(-1, 9)", patient());
  EXPECT_EQ(::waitpid(victim, nullptr, WNOHANG), 0);
  ::kill(victim, SIGKILL);
  ::waitpid(victim, nullptr, 0);
}

TEST_F(SandboxEscape, BombsOnlyItsOwnProcesses) {
  expect_held("import os, time\nfor _ in range(100):\n  if os.fork() == 0:\n    time.sleep(60)");
}

TEST_F(SandboxEscape, GetsNoMoreMemory) {
  expect_held("x = bytearray(2 << 30)");
  expect_held("import resource\nresource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40))");
}

TEST_F(SandboxEscape, FillsNoDisk) {
  expect_held(
      "with open('/tmp/big', 'wb') as f:\n  for _ in range(64):\n    f.write(b'x' * (1 << 20))");
  expect_held(
      "for i in range(64):\n  with open(f'/tmp/{i}', 'wb') as f:\n    f.write(b'x' * (1 << 20))");
}

TEST_F(SandboxEscape, EndsInTime) {
  SandboxLimits limits;
  limits.wall = std::chrono::milliseconds{500};
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(run_in_sandbox("while True: pass", limits), CodeVerdict::kTimedOut);
  EXPECT_EQ(run_in_sandbox("import signal, time\nfor s in (signal.SIGTERM, signal.SIGINT, "
                           "signal.SIGALRM): signal.signal(s, signal.SIG_IGN)\ntime.sleep(60)",
                           limits),
            CodeVerdict::kTimedOut);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds{20});
}

TEST_F(SandboxEscape, LeavesNoDaemonBehind) {
  const std::string mark = fmt::format("nibble_daemon_{}", ::getpid());
  (void)run_in_sandbox(
      fmt::format("import os, sys, time\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0:\n"
                  "    os.execv('/usr/bin/python3', ['/usr/bin/python3', '-c', "
                  "'import time; time.sleep(60)', '{}'])\n  os._exit(0)\ntime.sleep(0.5)",
                  mark),
      patient());
  // The kernel ends the processes of a namespace after its first one, not at the same moment.
  for (int i = 0; i < 100 && is_running(mark); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  }
  EXPECT_FALSE(is_running(mark));
}

TEST_F(SandboxEscape, SeesNoEnvironment) {
  ::setenv("NIBBLE_TEST_SECRET", "secret", 1);
  expect_held("import os\nassert 'NIBBLE_TEST_SECRET' in os.environ");
  expect_held("assert b'NIBBLE_TEST_SECRET' in open('/proc/1/environ', 'rb').read()");
  ::unsetenv("NIBBLE_TEST_SECRET");
}

TEST_F(SandboxEscape, MountsNothing) {
  expect_held(
      "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
      "assert libc.mount(b'none', b'/tmp', b'tmpfs', 0, None) == 0");
  expect_held(
      "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
      "assert libc.mount(None, b'/usr', None, 32 | 4096, None) == 0");  // remount, bind: writable
}

TEST_F(SandboxEscape, GetsNoPrivileges) {
  expect_held("import os\nos.setuid(0)");
  expect_held("assert 'CapEff:\\t0000000000000000' not in open('/proc/self/status').read()");
  expect_held(
      "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
      "assert libc.unshare(0x10000000) == 0");  // CLONE_NEWUSER
}

TEST_F(SandboxEscape, AnEarlyEndIsNoPass) {
  expect_held("import os\nos._exit(0)");
  expect_held("exit()");
  expect_held("raise SystemExit(0)");
}

TEST_F(SandboxEscape, FloodingItsOutputIsNoHarm) {
  EXPECT_EQ(
      run_in_sandbox("import sys\nfor _ in range(2000): sys.stdout.write('x' * 10000)", patient()),
      CodeVerdict::kPassed);
}

TEST_F(SandboxEscape, InheritsNoOpenFile) {
  write_file(folder_ / "open", "secret");
  std::ifstream kept(folder_ / "open");
  expect_held(
      "import os\nassert any(os.fstat(int(f)).st_size == 6 for f in os.listdir('/proc/self/fd') if "
      "os.path.exists('/proc/self/fd/' + f))");
}

}  // namespace
}  // namespace nibble::eval

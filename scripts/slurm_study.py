#!/usr/bin/env python3
"""Runs a study on a Slurm cluster of this one machine, kills a worker, and checks that the report has the bytes of a single run.

    scripts/slurm_study.py [--program build/release/nibble] [--parts 4] [--keep DIR]

A cluster of its own in a temporary folder (munged, slurmctld and slurmd on free ports of 127.0.0.1, no systemd, nothing of /etc) takes
an array of parts of a study of the demo model. One worker is killed with SIGKILL in the middle of its part; the collecting job says what
is missing; the same command is run again and submits the lost part alone. Then the merged store and the report are compared with those
of a run without Slurm, byte by byte. What quantizing cost is measured, so it is blanked in both first.

Exit status 0 all equal, 1 a difference or a failure, 77 skipped: Slurm, munge or the demo model is not here (says which).
"""
import argparse
import filecmp
import getpass
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SKIPPED = 77
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue")
STUDY = """
name = "on a cluster"
model = "demo"
data = "{data}"
threads = 1
[[task]]
name = "demo_choice"
limit = 40
[[task]]
name = "demo_closed_book"
limit = 40
[[variant]]
recipe = "none"
[[variant]]
recipe = "rtn-int8"
[[variant]]
recipe = "none"
kv = "kivi-4"
[[variant]]
recipe = "rtn-int4"
"""
SLURM_CONF = """
ClusterName=nibble
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={control_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
KillWait=2
MinJobAge=300
SchedulerParameters=batch_sched_delay=1,sched_interval=2
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 Sockets=1 CoresPerSocket=2 ThreadsPerCore=1 State=UNKNOWN
PartitionName=short Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def skip(reason):
    print(f"slurm_study: skipped, {reason}")
    sys.exit(SKIPPED)


def fail(reason):
    print(f"slurm_study: {reason}", file=sys.stderr)
    sys.exit(1)


def find(program):
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Cluster:
    """munged, slurmctld and slurmd; `environment` is for their clients."""

    def __init__(self, folder):
        self.folder, self.processes = folder, []
        self.environment = dict(os.environ, SLURM_CONF=str(folder / "slurm.conf"))
        for name in ("state", "spool"):
            (folder / name).mkdir()
        (folder / "slurm.conf").write_text(SLURM_CONF.format(
            folder=folder, host=socket.gethostname().split(".")[0], user=getpass.getuser(),
            control_port=free_port(), node_port=free_port()))
        (folder / "cgroup.conf").write_text("CgroupAutomount=no\n")

    def start(self):
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        self.run("munged", "--foreground", "--force", f"--socket={self.folder}/munge.socket", f"--key-file={key}",
                 f"--pid-file={self.folder}/munged.pid", f"--log-file={self.folder}/munged.log", f"--seed-file={self.folder}/munged.seed")
        self.wait_for(lambda: (self.folder / "munge.socket").exists(), "munged")
        self.run("slurmctld", "-D", "-f", str(self.folder / "slurm.conf"))
        self.run("slurmd", "-D", "-f", str(self.folder / "slurm.conf"))
        self.wait_for(lambda: "idle" in self.client("sinfo", "--noheader", "--format=%T"), "an idle node")

    def run(self, program, *arguments):
        log = open(self.folder / f"{program}.out", "wb")
        self.processes.append(subprocess.Popen([find(program), *arguments], env=self.environment, stdout=log, stderr=log,
                                               stdin=subprocess.DEVNULL))

    def client(self, *command):
        return subprocess.run(command, env=self.environment, capture_output=True, text=True).stdout

    def wait_for(self, condition, what, seconds=60):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end or any(process.poll() is not None for process in self.processes):
                logs = "".join(f"== {path.name}\n{path.read_text(errors='replace')[-2000:]}" for path in sorted(self.folder.glob("*.log")))
                fail(f"waited in vain for {what}\n{logs}")
            time.sleep(0.1)

    def wait_for_jobs(self, seconds):
        self.wait_for(lambda: not self.client("squeue", "--noheader").strip(), "the end of all jobs", seconds)

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in reversed(self.processes):
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def n_samples(store):
    try:
        with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as database:
            return database.execute("SELECT count(*) FROM samples").fetchone()[0]
    except sqlite3.Error:
        return 0


def worker_of(part):
    """The process that runs the part, or None."""
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"--part" in words and part.encode() in words and b"study" in words:
            return int(path.name)
    return None


def kill_one(output, n_parts, cluster):
    """Kills the first worker that has stored something and is not done; returns its part."""
    victim = []

    def attempt():
        for number in range(1, n_parts + 1):
            pid = worker_of(f"{number}/{n_parts}")
            if pid and n_samples(output / f"parts/{number}-of-{n_parts}/study.db") > 0:
                os.kill(pid, signal.SIGKILL)
                victim.append(number)
                return True
        return False

    cluster.wait_for(attempt, "a worker in the middle of its part", 300)
    return victim[0]


def blanked(program, store, target):
    """The store in canonical order without what was measured."""
    copy = target.with_suffix(".copy")
    with sqlite3.connect(store) as source, sqlite3.connect(copy) as database:
        source.backup(database)
        database.execute("UPDATE variants SET quantize_seconds = NULL, quantize_cpu_seconds = NULL, quantize_peak_bytes = NULL")
    source.close()
    database.close()
    subprocess.run([program, "store", "merge", target, copy, "--quiet"], check=True, stdout=subprocess.DEVNULL)
    return target


def reported(program, store):
    folder = store.with_suffix(".report")
    subprocess.run([program, "report", store, "-o", folder, "--quiet"], check=True, stdout=subprocess.DEVNULL)
    return folder


def compare_folders(wanted, found):
    files = sorted(str(path.relative_to(wanted)) for path in wanted.rglob("*") if path.is_file())
    others = sorted(str(path.relative_to(found)) for path in found.rglob("*") if path.is_file())
    if files != others:
        fail(f"the reports have other files: {set(files) ^ set(others)}")
    _, different, broken = filecmp.cmpfiles(wanted, found, files, shallow=False)
    if different or broken:
        fail(f"the reports differ in {different + broken}")
    return len(files)


def run_study(program, study, output, environment, *options):
    began = time.monotonic()
    result = subprocess.run([program, "study", study, "--output", output, *options], env=environment, capture_output=True, text=True)
    if result.returncode != 0:
        fail(f"study {' '.join(options)}: exit status {result.returncode}: {result.stderr}{result.stdout}")
    return result.stdout, time.monotonic() - began


def check(options, folder):
    program = options.program
    study = folder / "study.toml"
    study.write_text(STUDY.format(data=ROOT / "examples/demo"))
    _, single_seconds = run_study(program, study, folder / "single", None)
    cluster = Cluster(folder / "cluster")
    try:
        cluster.start()
        output, command = folder / "out", ("--jobs", "slurm", "--parts", str(options.parts))
        began = time.monotonic()
        print(run_study(program, study, output, cluster.environment, *command)[0], end="")
        victim = kill_one(output, options.parts, cluster)
        cluster.wait_for_jobs(600)
        log = (output / "slurm/collect.log").read_text()
        if n_samples(output / "study.db") >= n_samples(folder / "single/study.db"):
            fail("nothing was lost with the killed worker")
        again, _ = run_study(program, study, output, cluster.environment, *command)
        print(again, end="")
        if not again.startswith(f"1 of {options.parts} parts"):
            fail(f"wanted the lost part alone to be submitted again\n{log}")
        cluster.wait_for_jobs(600)
        seconds = time.monotonic() - began
    finally:
        cluster.stop()
    stores = [blanked(program, folder / name / "study.db", folder / f"{name}.db") for name in ("single", "out")]
    if not filecmp.cmp(*stores, shallow=False):
        fail("the stores differ")
    n_files = compare_folders(*(reported(program, store) for store in stores))
    print(f"slurm_study: {options.parts} parts, the worker of part {victim} killed and redone: the same store "
          f"({stores[0].stat().st_size} bytes, {n_samples(stores[0])} samples) and the same report ({n_files} files) as one run; "
          f"{seconds:.0f} s on the cluster, {single_seconds:.0f} s alone")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", default=str(ROOT / "build/release/nibble"))
    parser.add_argument("--parts", type=int, default=4)
    parser.add_argument("--keep", type=pathlib.Path, help="a new folder for everything, which stays")
    options = parser.parse_args()
    missing = [program for program in PROGRAMS if find(program) is None]
    if missing:
        skip(f"not here: {' '.join(missing)} (scripts/install-dependencies --slurm)")
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    if not (cache / "nibble/models/SmolLM2-135M-Instruct.Q4_1.gguf").exists():
        skip("no demo model (scripts/get-demo-model)")
    if options.keep:
        options.keep.mkdir(parents=True)
        check_in(options, options.keep.resolve())
    else:
        with tempfile.TemporaryDirectory(prefix="slurm-study-") as folder:
            check_in(options, pathlib.Path(folder))


def check_in(options, folder):
    (folder / "cluster").mkdir()
    check(options, folder)


if __name__ == "__main__":
    main()

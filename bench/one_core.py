"""CPU time of programs that run on one core, for the comparisons beside this file."""
import os
import resource
import subprocess


def child(command, core):
    """CPU seconds of a process with all its threads, and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    env = dict(os.environ, OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    done = subprocess.run(["taskset", "-c", str(core), *map(str, command)], env=env, stdout=subprocess.PIPE, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime), done.stdout

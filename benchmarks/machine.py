"""What the machine spent: CPU and memory of process trees, load, pinning."""

from __future__ import annotations

import os
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def tree(root: int) -> list[int]:
    """Return a process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields:
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def cpu_seconds(root: int) -> float:
    """Return user and system seconds of a tree so far, children that ended included."""
    ticks = 0
    for pid in tree(root):
        fields = _stat(pid)
        if fields:
            ticks += sum(map(int, fields[11:15]))
    return ticks / TICK


def memory_of(pid: int) -> float:
    """Return a process's proportional memory in MB (shared pages count once in all)."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def pin(root: int, core: int) -> None:
    """Keep a tree on one core, where there are two or more."""
    if (os.cpu_count() or 1) < 2:
        return
    for pid in tree(root):
        for thread in _threads(pid):
            try:
                os.sched_setaffinity(thread, {core})
            except OSError:
                continue


def described() -> str:
    """Return the machine in one line."""
    model = [
        line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    return f"{os.cpu_count()} cores, {model[0] if model else 'unknown CPU'}"


def _threads(pid: int) -> list[int]:
    try:
        return [int(each) for each in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []

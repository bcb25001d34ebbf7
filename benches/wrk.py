#!/usr/bin/env python3
"""The HTTP servers under wrk, a load that others know: CPU time of the server for each request.

    cargo build --release --example httpd
    cargo build --release -p eventlet-benches --bins
    python3 benches/wrk.py [ROUNDS [SECONDS]]

Each server is kept on the first core, wrk on the second; in each round all servers take their turn. Printed are
the medians, and in brackets the medians of the rounds' ratios to the bare loop. Needs wrk, two cores and Linux.
"""

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TARGET = os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(HERE, "..", "target")), "release")
HTTPD = ["examples/httpd", "--listen", "127.0.0.1:0", "--quiet", "--backdoor", "off"]
SERVERS = {
    "bare": ["bare_httpd"],
    "ours": HTTPD,
    "ours-handler": [*HTTPD, "--no-shortcut"],
    "hyper": ["hyper_httpd"],
    "may": ["may_httpd"],
}
PIPELINED = """
init = function()
    local requests = {}
    for at = 1, 16 do requests[at] = wrk.format(nil, "/plaintext") end
    burst = table.concat(requests)
end
request = function() return burst end
"""


def cpu(pid):
    """Nanoseconds on a core, of all threads (Documentation/scheduler/sched-stats.rst of the kernel)."""
    tasks = os.listdir(f"/proc/{pid}/task")
    return sum(int(open(f"/proc/{pid}/task/{task}/schedstat").read().split()[0]) for task in tasks)


def start(command):
    """A server, and the port that it prints."""
    program = os.path.join(TARGET, command[0])
    if not os.path.exists(program):
        sys.exit(f"wrk.py: no {program}; build it first, as is said above")
    server = subprocess.Popen(
        ["taskset", "-c", "0", program, *command[1:]], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    for line in server.stdout:
        if found := re.search(r"127\.0\.0\.1:(\d+)", line):
            return server, found[1]
    sys.exit(f"wrk.py: {program} printed no address")


def cost(pid, port, connections, seconds, script):
    """Microseconds of the server for each request."""
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", *script]
    before = cpu(pid)
    told = subprocess.run([*command, f"http://127.0.0.1:{port}/plaintext"], capture_output=True, text=True, check=True)
    spent = cpu(pid) - before
    if "Non-2xx" in told.stdout or "Socket errors" in told.stdout:
        sys.exit(f"wrk.py: not all was answered: {told.stdout}")
    return spent / 1000 / int(re.search(r"(\d+) requests in", told.stdout)[1])


def main():
    numbers = sys.argv[1:]
    if len(numbers) > 2 or not all(it.isdigit() and int(it) > 0 for it in numbers):
        sys.exit("wrk.py: usage: python3 benches/wrk.py [ROUNDS [SECONDS]], numbers from 1; 7 and 2 by default")
    rounds, seconds = [int(it) for it in numbers] + [7, 2][len(numbers):]
    for tool in ("wrk", "taskset"):
        if not shutil.which(tool):
            sys.exit(f"wrk.py: there is no {tool}; install it first")
    if (os.cpu_count() or 1) < 2:
        sys.exit("wrk.py: two cores are needed, one for the servers and one for wrk")
    servers = {}
    try:
        for name, command in SERVERS.items():
            servers[name] = start(command)
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as lua:
            lua.write(PIPELINED)
            lua.flush()
            print("| connections | pipelined | " + " | ".join(servers) + " |")
            print("|---|---|" + "---|" * len(servers))
            for connections in (64, 512):
                for depth, script in ((1, []), (16, ["-s", lua.name])):
                    found = {name: [] for name in servers}
                    for _ in range(rounds):
                        for name, (server, port) in servers.items():
                            found[name].append(cost(server.pid, port, connections, seconds, script))
                    cells = []
                    for name, figures in found.items():
                        ratio = statistics.median(a / b for a, b in zip(figures, found["bare"]))
                        cells.append(f"{statistics.median(figures):.2f} ({ratio:.2f})")
                    print(f"| {connections} | {depth} | " + " | ".join(cells) + " |", flush=True)
    finally:
        for server, _ in servers.values():
            server.kill()
            server.wait()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""The HTTP servers under wrk, a load that others know: CPU time of the server for each request.

    cargo build --release --example httpd
    cargo build --release -p eventlet-benches --bins
    python3 benches/wrk.py [ROUNDS [SECONDS]]

Each server is kept on the first core, wrk on the second; in each round all servers take their turn. Printed are
the medians, and in brackets the medians of the rounds' ratios to the bare loop. Needs wrk, two cores and Linux.

wrk sends the same request again and again, of which our shortcut remembers the fields; in the rows that say so each
request has a field that differs from those before it.
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
# Many packets of so many requests each, which take their turn.
SCRIPT = """
local packets, at = {}, 0
init = function()
    for packet = 1, PACKETS do
        local requests = {}
        for n = 1, DEPTH do
            local fields = {}
            if DIFFERS then fields["X-Request"] = string.format("%08d", packet * DEPTH + n) end
            requests[n] = wrk.format(nil, "/plaintext", fields)
        end
        packets[packet] = table.concat(requests)
    end
end
request = function()
    at = at % PACKETS + 1
    return packets[at]
end
"""
# Connections, requests in a packet, and whether their fields differ.
LOADS = [(64, 1, False), (64, 16, False), (512, 1, False), (512, 16, False), (64, 1, True), (64, 16, True)]


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


def script(depth, differs):
    """The requests, for wrk."""
    values = {"DEPTH": str(depth), "PACKETS": str(1024 // depth), "DIFFERS": str(differs).lower()}
    return re.sub("|".join(values), lambda found: values[found[0]], SCRIPT)


def cost(pid, port, connections, seconds, lua):
    """Microseconds of the server for each request."""
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", lua]
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
        print("| connections | pipelined | fields | " + " | ".join(servers) + " |")
        print("|---|---|---|" + "---|" * len(servers))
        for connections, depth, differs in LOADS:
            with tempfile.NamedTemporaryFile("w", suffix=".lua") as lua:
                lua.write(script(depth, differs))
                lua.flush()
                found = {name: [] for name in servers}
                for _ in range(rounds):
                    for name, (server, port) in servers.items():
                        found[name].append(cost(server.pid, port, connections, seconds, lua.name))
            cells = []
            for name, figures in found.items():
                ratio = statistics.median(a / b for a, b in zip(figures, found["bare"]))
                cells.append(f"{statistics.median(figures):.2f} ({ratio:.2f})")
            fields = "differ" if differs else "the same"
            print(f"| {connections} | {depth} | {fields} | " + " | ".join(cells) + " |", flush=True)
    finally:
        for server, _ in servers.values():
            server.kill()
            server.wait()


if __name__ == "__main__":
    main()

#!/usr/bin/env bash
# A server that nobody talks to makes no system call at all, under any hub: watched with strace.
# CI_IDLE_SECONDS says for how long (default 5); CI_IDLE_PROGRAM names another server to watch.
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need curl

seconds=${CI_IDLE_SECONDS:-5}
program=${CI_IDLE_PROGRAM:-$TARGET/release/examples/httpd}
hubs=${CI_HUBS:-epoll poll select}

if ! has strace || ! strace -qq -e trace=none true 2>/dev/null; then
    skipped "strace is missing, or may not trace here"
    finish "nothing"
fi
[[ -n ${CI_IDLE_PROGRAM:-} ]] || build_release

counts=()
for hub in $hubs; do
    start_server "$program" --listen 127.0.0.1:0 --hub "$hub" || continue
    # Connections that are kept alive and idle must not matter either.
    exec {idle}<>"/dev/tcp/${ADDRESS/:/\/}" || fault "cannot connect to $ADDRESS"
    printf 'GET /plaintext HTTP/1.1\r\nHost: idle\r\n\r\n' >&"$idle"
    IFS= read -r -t 10 -u "$idle" answer || true
    [[ ${answer:-} == 'HTTP/1.1 200 '* ]] || fault "under $hub, /plaintext gave: ${answer:-nothing}"
    curl --silent --max-time 10 --output /dev/null "http://$ADDRESS/plaintext" || fault "curl failed"
    sleep 0.5 # Until the last connection is closed.

    trace=$(mktemp "$TARGET/ci/trace.XXXXXX")
    echo "+ strace -f -p $SERVER (for $seconds s)"
    timeout --signal=INT "$seconds" strace -f -qq -o "$trace" -p "$SERVER" || true
    # Attaching shows the call the server is waiting in, and lets it go on: one line that has not
    # returned is that wait, one that was restarted is the same.
    calls=$(grep -vE '(unfinished|resumed|restart_syscall|detached|<\.\.\.|\?$)' "$trace" | grep -cE '\(' || true)
    waits=$(grep -cE '^[0-9]+ +(epoll_p?wait2?|ppoll|poll|pselect6|select|restart_syscall|futex)\(' "$trace" || true)
    sed 's/^/    /' "$trace" | head -n 8
    threads=$(find "/proc/$SERVER/task" -mindepth 1 -maxdepth 1 | wc -l)
    if ((calls > 0 || waits > threads)); then
        fault "idle under $hub, the server made $calls calls and began $waits waits in $seconds s"
    fi
    counts+=("$hub: $calls")
    rm -f "$trace"
    exec {idle}>&-
    stop_server TERM || fault "the server did not end well under $hub"
done
((${#counts[@]} > 0)) || fault "no server was watched"
printf -v list '%s, ' "${counts[@]}"
finish "system calls in $seconds s under ${list%, }"

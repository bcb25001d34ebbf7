#!/usr/bin/env bash
# Holds the testbed, as its users build and start it, against the table of the rules of HTTP/1.1, under
# each hub and with two threads. The same table is part of the tests of `protocols`, where the messages
# are cut as well.
# CI_HUBS narrows it to these hubs.
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

hubs=${CI_HUBS:-epoll poll select}

run cargo build --workspace --quiet --example testbed
program=$TARGET/debug/examples/testbed
log=$(mktemp "$TARGET/ci/log.XXXXXX")

# `holds ARGUMENTS…`: starts a testbed, and wants every rule kept, also where a server has a choice.
rules=0
holds() {
    local status=0 kept
    start_server "$program" --listen 127.0.0.1:0 "$@" || return 0
    # Of the whole workspace, as test.sh has built it: nothing is built anew. (The programs of the hubs that
    # are called so have no such test.)
    CONFORMANCE_TARGET=$ADDRESS cargo test --quiet --workspace --test conformance -- \
        --exact every_rule_is_kept --nocapture >"$log" 2>&1 || status=$?
    if ((rules == 0)); then sed 's/^/    /' "$log"; fi
    kept=$(sed -nE 's/^([0-9]+) of \1 rules kept, 0 otherwise .*, 0 failed$/\1/p' "$log")
    if ((status != 0)) || [[ -z $kept ]]; then
        grep -E 'FAILED|otherwise|error' "$log" | sed 's/^/    /' || true
        fault "not every rule is kept: testbed $*"
    fi
    rules=$((rules + ${kept:-0}))
    stop_server TERM || fault "the server did not end well: testbed $*"
}

for hub in $hubs; do holds --hub "$hub"; done
holds --threads 2
rm -f "$log"
finish "$rules rules"

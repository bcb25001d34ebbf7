#!/usr/bin/env bash
# What the default hub does, under each other hub in its turn; then what only other kernels use, forced
# by a private cfg: the pipe as waker, and guard pages by mprotect.
#
# The suites of green and protocols go through all the hubs by themselves, each test under each, so
# test.sh has run them there. What goes by the default, and hence by EVENTLET_HUB, are the programs
# in the docs: they are what runs here once per hub, but for the default one, with which test.sh runs them.
# CI_HUBS narrows it to these hubs, CI_TEST to this test program.
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need jq

# Three kinds of targets: the programs in the docs, the tests, and those of stacks.
targets_of() {
    if [[ -n ${CI_TEST:-} ]]; then
        targets=(--test "$CI_TEST")
    elif [[ $1 == stacks ]]; then
        targets=(--lib)
        for test in "${OF_STACKS[@]}"; do targets+=(--test "$test"); done
    elif [[ $1 == programs ]]; then
        targets=(--doc)
    else
        targets=(--lib --bins --tests)
    fi
}
HUBS=${CI_HUBS:-poll select}
GUARDED_UNDER=${CI_HUBS:-epoll}
# What depends on how the guard of a stack is made: where stacks come from, run over and go.
OF_STACKS=(coroutines many overflow threads)
# The benches have no programs in their docs to speak of; with them, cargo chooses the same features as for the
# whole workspace, so that what test.sh has built is of use.
ABOVE=(eventlet-green eventlet-protocols eventlet eventlet-benches)
WITH_WAKER=(eventlet-hub eventlet-hub-test eventlet-hub-epoll eventlet-hub-kqueue eventlet-hub-poll
    eventlet-hub-polling eventlet-hub-select)

there=$(packages | awk '{print $1}')
# Cargo's selection of those packages that exist and are selected.
of() {
    local package
    for package in "$@"; do
        grep -qx "$package" <<<"$there" || continue
        if is_selected "$package"; then printf -- '-p %s ' "$package"; fi
    done
}

# `suites LABEL KIND PACKAGE…`
suites() {
    local label=$1 before=$PASSED
    targets_of "$2"
    shift 2
    read -ra selected <<<"$(of "$@")"
    if ((${#selected[@]} == 0)); then return; fi
    # Tests of hubs start examples.
    if [[ ${targets[*]} == *--tests ]]; then run cargo build --quiet "${selected[@]}" --examples; fi
    run_tests cargo test --quiet "${selected[@]}" "${targets[@]}" --no-fail-fast
    summary+=("$label $((PASSED - before))")
}

summary=()
for hub in $HUBS; do
    export EVENTLET_HUB=$hub
    suites "$hub" programs "${ABOVE[@]}"
done
unset EVENTLET_HUB

flags=${RUSTFLAGS:-}
for fallback in pipe_waker mprotect_guard; do
    export RUSTFLAGS="$flags --cfg eventlet_$fallback"
    export CARGO_TARGET_DIR
    CARGO_TARGET_DIR=$(own_target "$fallback")
    case $fallback in
    pipe_waker) suites "pipe waker" tests "${WITH_WAKER[@]}" ;;
    # How a guard is made has nothing to do with the hub.
    mprotect_guard) EVENTLET_TEST_HUBS=${GUARDED_UNDER%% *} suites "mprotect guards" stacks eventlet-green ;;
    esac
done
printf -v list '%s, ' "${summary[@]}"
finish "${list%, } tests; $IGNORED ignored"

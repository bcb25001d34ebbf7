#!/usr/bin/env bash
# The suites of what stands on a hub, once per hub, from one source; then what only other kernels
# use, forced by a private cfg: the pipe as waker, and guard pages by mprotect.
# CI_HUBS narrows it to these hubs, CI_TEST to this test file.
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need jq

targets=(--lib --bins --tests)
if [[ -n ${CI_TEST:-} ]]; then targets=(--test "$CI_TEST"); fi
HUBS=${CI_HUBS:-epoll poll select}
ABOVE=(eventlet-green eventlet-protocols eventlet)
WITH_WAKER=(eventlet-hub eventlet-hub-test eventlet-hub-epoll eventlet-hub-poll eventlet-hub-select)

there=$(packages | awk '{print $1}')
# Cargo's selection of those packages that exist and are selected.
of() {
    local package
    for package in "$@"; do
        grep -qx "$package" <<<"$there" || continue
        if is_selected "$package"; then printf -- '-p %s ' "$package"; fi
    done
}

# No doc tests, which have run once in test.sh. Examples are built first, because tests start them.
suites() {
    local label=$1 before=$PASSED
    shift
    read -ra selected <<<"$(of "$@")"
    if ((${#selected[@]} == 0)); then return; fi
    run cargo build --quiet "${selected[@]}" --examples
    run_tests cargo test --quiet "${selected[@]}" "${targets[@]}" --no-fail-fast
    summary+=("$label $((PASSED - before))")
}

summary=()
for hub in $HUBS; do
    export EVENTLET_HUB=$hub
    suites "$hub" "${ABOVE[@]}"
done
unset EVENTLET_HUB

flags=${RUSTFLAGS:-}
for fallback in pipe_waker mprotect_guard; do
    export RUSTFLAGS="$flags --cfg eventlet_$fallback"
    export CARGO_TARGET_DIR
    CARGO_TARGET_DIR=$(own_target "$fallback")
    case $fallback in
    pipe_waker) suites "pipe waker" "${WITH_WAKER[@]}" ;;
    mprotect_guard) suites "mprotect guards" eventlet-green ;;
    esac
done
printf -v list '%s, ' "${summary[@]}"
finish "${list%, } tests; $IGNORED ignored"

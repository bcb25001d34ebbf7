#!/usr/bin/env bash
# All tests and doc tests, by the very command that the README gives.
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

if [[ -z ${CI_PACKAGES:-} ]]; then
    run_tests cargo test --workspace
else
    # shellcheck disable=SC2046 # several words are meant
    run_tests cargo test $(selection)
fi
# What is off by default.
if is_selected eventlet-green; then
    run_tests cargo test -p eventlet-green --features tracing,watchdog --test stall --test tracing
    # With the features of the tests above, so that nothing is built anew.
    run_tests cargo test -p eventlet-green --features tracing,watchdog --doc watchdog
fi
# The other engine: green's suite once more, under one hub, since engines and hubs do not know each other.
# (Examples and the programs in the docs are written for the default one.)
if is_selected eventlet-green; then
    programs=()
    for test in coordination coroutines emfile fork hub_choice kit many network overflow signals threads; do
        programs+=(--test "$test")
    done
    EVENTLET_TEST_HUBS=epoll run_tests cargo test --quiet -p eventlet-green --features engine-may "${programs[@]}"
fi
finish "$PASSED tests passed, $IGNORED ignored"

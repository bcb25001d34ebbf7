#!/usr/bin/env bash
# The switching tests of green under valgrind and under AddressSanitizer, which is told of every
# switch of stacks (feature `sanitizer`). What the machine lacks is skipped aloud.
# CI_SANITIZE narrows it to these test files; CI_SANITIZERS to `valgrind` or `address`.
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need jq

PACKAGE=eventlet-green
sanitizers=${CI_SANITIZERS:-valgrind address}
# The files of green/tests in which coroutines are switched to and from in every way there is: by
# spawning, waiting, waking, unwinding and the end of the thread. (Not `backtrace`: AddressSanitizer
# keeps variables on a stack of its own, so how full the real one is cannot be told.)
tests=(callback channel_loss close context cross_unwinding deadlock fairness
    futures group kill links local offload one_waiter panics pool readiness regressions
    remote scope scope_cut_short signals spawn tcp tcp_deadlines thread_end timeout
    trampoline unwinding watch workers)
# Not these tests: some are about the amount, and take too long here; and a coroutine that is given
# up at the end of its thread, or a handle that is forgotten, is leaked on purpose.
LEFT_OUT=(--skip thousand --skip million --skip killing_many --skip a_stubborn_one --skip a_forgotten_handle)
# Not these files under valgrind, which would take minutes: they send much data, have many threads, of
# which it runs one at a time, or do what the others do with more on top.
MUCH_DATA='/(channel_loss|context|cross_unwinding|futures|local|one_waiter|readiness|remote|tcp|watch)-[0-9a-f]+$'

if [[ -n ${CI_SANITIZE:-} ]]; then read -ra tests <<<"$CI_SANITIZE"; fi
chosen=()
for test in "${tests[@]}"; do
    if [[ -f green/tests/$test.rs ]]; then
        chosen+=(--test "$test")
    else
        fault "green/tests/$test.rs is not there; has it another name?"
    fi
done

# Both are slow, and these tests panic on purpose, often.
export RUST_BACKTRACE=0
export EVENTLET_TEST_PATIENCE=600

# `executables CARGO-ARGUMENTS…`: builds the tests and names their programs.
executables() {
    cargo "$@" -p "$PACKAGE" "${chosen[@]}" --no-run --quiet --message-format=json |
        jq -r 'select(.executable != null and .profile.test) | .executable'
}

done_by=()
if [[ " $sanitizers " == *" valgrind "* ]]; then
    if has valgrind; then
        mapfile -t programs < <(executables test)
        ((${#programs[@]} == ${#tests[@]})) || fault "not all of ${tests[*]} were built"
        before=$PASSED
        for program in ${programs[@]+"${programs[@]}"}; do
            if [[ $program =~ $MUCH_DATA ]]; then continue; fi
            # Coroutines' stacks lie side by side in one mapping, nearer than the 2 MB by which
            # valgrind tells a switch of stacks from a large frame: no frame here has 16 KiB.
            run_tests valgrind --quiet --error-exitcode=99 --max-stackframe=16384 --fair-sched=yes \
                "$program" --quiet --test-threads=1 "${LEFT_OUT[@]}"
        done
        done_by+=("valgrind $((PASSED - before))")
    else
        skipped "valgrind is not installed"
    fi
fi

if [[ " $sanitizers " == *" address "* ]]; then
    if has rustup && grep -q '^nightly' <(rustup toolchain list); then
        host=$(rustc -vV | sed -n 's/^host: //p')
        before=$PASSED
        RUSTFLAGS="${RUSTFLAGS:-} -Zsanitizer=address" CARGO_TARGET_DIR=$(own_target address) \
            run_tests cargo +nightly test -p "$PACKAGE" "${chosen[@]}" --features sanitizer --target "$host" --quiet --no-fail-fast -- "${LEFT_OUT[@]}"
        done_by+=("AddressSanitizer $((PASSED - before))")
    else
        skipped "AddressSanitizer needs a nightly toolchain, which is not installed"
    fi
fi
printf -v list '%s, ' ${done_by[@]+"${done_by[@]}"}
finish "${#tests[@]} test files: ${list%, } tests"

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
MUCH_DATA=(channel_loss context cross_unwinding futures local one_waiter readiness remote tcp watch)

if [[ -n ${CI_SANITIZE:-} ]]; then read -ra tests <<<"$CI_SANITIZE"; fi
# Many files are modules of one program: which program each is in, and which of its tests are meant.
chosen=()
declare -A filters
for test in "${tests[@]}"; do
    file=$(files "green/tests/$test.rs" "green/tests/*/$test.rs" | head -n 1)
    case $file in
    green/tests/*/*)
        program=$(basename "$(dirname "$file")")
        filters[$program]+="$test:: "
        ;;
    green/tests/*) program=$test ;;
    *)
        fault "green/tests has no $test.rs; has it another name?"
        continue
        ;;
    esac
    [[ " ${chosen[*]-} " == *" $program "* ]] || chosen+=(--test "$program")
done

# Both are slow, and these tests panic on purpose, often.
export RUST_BACKTRACE=0
export EVENTLET_TEST_PATIENCE=600

# `check COMMAND… -- CARGO-ARGUMENTS…`: builds the programs, and runs the tests meant by the command.
check() {
    local command=() program programs meant
    while [[ $1 != -- ]]; do
        command+=("$1")
        shift
    done
    shift
    mapfile -t programs < <(cargo "$@" "${chosen[@]}" --no-run --quiet --message-format=json |
        jq -r 'select(.executable != null and .profile.test) | .executable')
    ((2 * ${#programs[@]} == ${#chosen[@]})) || fault "not all of ${chosen[*]} were built"
    for program in ${programs[@]+"${programs[@]}"}; do
        meant=$(basename "$program")
        read -ra meant <<<"${filters[${meant%-*}]:-}"
        run_tests ${command[@]+"${command[@]}"} "$program" --quiet ${meant[@]+"${meant[@]}"} "${LEFT_OUT[@]}"
    done
}

done_by=()
if [[ " $sanitizers " == *" valgrind "* ]]; then
    if has valgrind; then
        before=$PASSED
        for test in "${MUCH_DATA[@]}"; do LEFT_OUT+=(--skip "$test::"); done
        # Coroutines' stacks lie side by side in one mapping, nearer than the 2 MB by which
        # valgrind tells a switch of stacks from a large frame: no frame here has 16 KiB.
        # It is slow, and what it looks at is the same under each hub; the other one takes them all.
        # Of the whole workspace, since test.sh has built the programs so.
        EVENTLET_TEST_HUBS=epoll RUST_TEST_THREADS=1 check valgrind --quiet --error-exitcode=99 --max-stackframe=16384 \
            --fair-sched=yes -- test --workspace
        LEFT_OUT=("${LEFT_OUT[@]:0:${#LEFT_OUT[@]}-2*${#MUCH_DATA[@]}}")
        done_by+=("valgrind $((PASSED - before))")
    else
        skipped "valgrind is not installed"
    fi
fi

if [[ " $sanitizers " == *" address "* ]]; then
    if has rustup && grep -q '^nightly' <(rustup toolchain list); then
        host=$(rustc -vV | sed -n 's/^host: //p')
        before=$PASSED
        export RUSTFLAGS="${RUSTFLAGS:-} -Zsanitizer=address"
        CARGO_TARGET_DIR=$(own_target address)
        export CARGO_TARGET_DIR
        check -- +nightly test -p "$PACKAGE" --features sanitizer --target "$host"
        done_by+=("AddressSanitizer $((PASSED - before))")
    else
        skipped "AddressSanitizer needs a nightly toolchain, which is not installed"
    fi
fi
printf -v list '%s, ' ${done_by[@]+"${done_by[@]}"}
finish "${#tests[@]} test files: ${list%, } tests"

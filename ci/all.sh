#!/usr/bin/env bash
# Runs every gate in order, cheapest first, or those named on the command line: `ci/all.sh lint size`.
# Some run beside the others, and are shown at the end. Goes on after a gate that fails; ends with a
# table, and a line `N passed, N failed`.
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

GATES=(size unsafe layers lint docs api msrv deny package features cross test examples conformance idle counts fuzz bench loom sanitize hubs self-test)
if (($# > 0)); then GATES=("$@"); else export CI_PROOFS=${CI_PROOFS:-changed}; fi

# Seconds of processor that the gates have used so far, of all cores: what elapsed times hide where a
# machine is shared. Sets USED. (A subshell would have used none.) What runs beside the others counts as
# used once it has ended, and is told apart.
cpu() {
    times >"$clock"
    USED=$(awk 'NR == 2 {
        for (i = 1; i <= 2; i++) { split($i, part, /[ms]/); sum += part[1] * 60 + part[2] }
    } END { printf "%d", sum }' "$clock")
    if [[ -f $beside/used ]]; then USED=$((USED - $(<"$beside/used"))); fi
}

log=$(mktemp "$TARGET/ci/log.XXXXXX")
clock=$(mktemp "$TARGET/ci/clock.XXXXXX")
beside=$(mktemp -d "$TARGET/ci/beside.XXXXXX")
# Ends what still runs beside, with all that it has started.
tidy() {
    if [[ -n ${lane:-} ]]; then kill -- -"$lane" 2>/dev/null || true; fi
    rm -rf "$log" "$clock" "$beside"
}
trap tidy EXIT
passed=0
failed=0
table=()
skips=()
# `account GATE STATUS SECONDS PROCESSOR [REMARK]`: what has become of a gate whose output is in the log.
account() {
    local outcome=passed
    if (($2 == 0)); then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        outcome=FAILED
    fi
    mapfile -t -O "${#skips[@]}" skips < <(grep '^SKIPPED' "$log" | sort -u)
    table+=("$(printf '%-11s %s %5d s %6d s of processor%s' "$1" "$outcome" "$3" "$4" "${5:-}")")
}

# These build in folders of their own (or, `idle`, what is optimised, which has a lock of its own; or, `sanitize`
# and `hubs`, what `test` has built by then), so they need not wait for cargo's lock; and the other gates leave a
# core idle wherever a test waits. One after the other, in a process group.
BESIDE=" package cross idle loom fuzz sanitize hubs "
apart=()
ahead=()
for gate in "${GATES[@]}"; do
    if [[ $BESIDE == *" $gate "* && ${#GATES[@]} -gt 1 ]]; then apart+=("$gate"); else ahead+=("$gate"); fi
done

begun=$SECONDS
lane=
if ((${#apart[@]} > 0)); then
    set -m
    (
        clock=$beside/clock
        before=0
        for gate in "${apart[@]}"; do
            start=$SECONDS
            status=0
            bash "ci/$gate.sh" </dev/null >"$beside/$gate" 2>&1 || status=$?
            cpu
            echo "$status $((SECONDS - start)) $((USED - before))" >"$beside/$gate.end"
            before=$USED
        done
        echo "$USED" >"$beside/used"
    ) &
    lane=$!
    set +m
fi
for gate in ${ahead[@]+"${ahead[@]}"}; do
    echo
    echo "==== $gate"
    start=$SECONDS
    cpu
    before=$USED
    # `pipefail` makes the gate's own status count; `tee` only keeps a copy.
    status=0
    bash "ci/$gate.sh" </dev/null 2>&1 | tee "$log" || status=$?
    took=$((SECONDS - start))
    cpu
    account "$gate" "$status" "$took" $((USED - before))
done
if [[ -n $lane ]]; then
    wait "$lane" || true
    lane=
fi
for gate in ${apart[@]+"${apart[@]}"}; do
    echo
    echo "==== $gate"
    status=1
    took=0
    processor=0
    if [[ -f $beside/$gate.end ]]; then read -r status took processor <"$beside/$gate.end"; fi
    tee "$log" <"$beside/$gate"
    account "$gate" "$status" "$took" "$processor" ', beside the others'
done
# All of it, with what ran beside.
rm -f "$beside/used"
cpu

echo
echo "==== summary"
printf '%s\n' "${table[@]}"
if ((${#skips[@]} > 0)); then printf '%s\n' "${skips[@]}"; fi
echo "$((SECONDS - begun)) s in all, $USED s of processor"
echo "$passed passed, $failed failed"
((failed == 0))

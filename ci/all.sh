#!/usr/bin/env bash
# Runs every gate in order, cheapest first, or those named on the command line: `ci/all.sh lint size`.
# Goes on after a gate that fails; ends with a table, and a line `N passed, N failed`.
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

GATES=(size unsafe layers lint docs msrv features cross test hubs examples conformance idle counts fuzz bench loom sanitize self-test)
if (($# > 0)); then GATES=("$@"); else export CI_PROOFS=${CI_PROOFS:-changed}; fi

if [[ ${CI:-} == true ]]; then
    # Nothing is built twice there, so what makes a second build faster only costs time and disk.
    export CARGO_INCREMENTAL=0
fi

# Seconds of processor that the gates have used so far, of all cores: what elapsed times hide where a
# machine is shared. Sets USED. (A subshell would have used none.)
cpu() {
    times >"$log"
    USED=$(awk 'NR == 2 {
        for (i = 1; i <= 2; i++) { split($i, part, /[ms]/); sum += part[1] * 60 + part[2] }
    } END { printf "%d", sum }' "$log")
}

log=$(mktemp "$TARGET/ci/log.XXXXXX")
trap 'rm -f "$log"' EXIT
passed=0
failed=0
table=()
skips=()
begun=$SECONDS
for gate in "${GATES[@]}"; do
    echo
    echo "==== $gate"
    start=$SECONDS
    cpu
    before=$USED
    # `pipefail` makes the gate's own status count; `tee` only keeps a copy.
    if bash "ci/$gate.sh" </dev/null 2>&1 | tee "$log"; then
        passed=$((passed + 1))
        outcome=passed
    else
        failed=$((failed + 1))
        outcome=FAILED
    fi
    mapfile -t -O "${#skips[@]}" skips < <(grep '^SKIPPED' "$log" | sort -u)
    cpu
    table+=("$(printf '%-11s %s %5d s %6d s of processor' "$gate" "$outcome" \
        $((SECONDS - start)) $((USED - before)))")
done

echo
echo "==== summary"
printf '%s\n' "${table[@]}"
if ((${#skips[@]} > 0)); then printf '%s\n' "${skips[@]}"; fi
echo "$((SECONDS - begun)) s in all, $USED s of processor"
echo "$passed passed, $failed failed"
((failed == 0))

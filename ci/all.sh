#!/usr/bin/env bash
# Runs every gate in order, cheapest first, or those named on the command line: `ci/all.sh lint size`.
# Goes on after a gate that fails; ends with a table, and a line `N passed, N failed`.
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

GATES=(size unsafe layers lint docs msrv features cross test hubs examples conformance idle fuzz bench loom sanitize self-test)
if (($# > 0)); then GATES=("$@"); else export CI_PROOFS=${CI_PROOFS:-changed}; fi

if [[ ${CI:-} == true ]]; then
    # Nothing is built twice there, so what makes a second build faster only costs time and disk.
    export CARGO_INCREMENTAL=0
fi

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
    # `pipefail` makes the gate's own status count; `tee` only keeps a copy.
    if bash "ci/$gate.sh" </dev/null 2>&1 | tee "$log"; then
        passed=$((passed + 1))
        outcome=passed
    else
        failed=$((failed + 1))
        outcome=FAILED
    fi
    table+=("$(printf '%-10s %s %5d s' "$gate" "$outcome" $((SECONDS - start)))")
    mapfile -t -O "${#skips[@]}" skips < <(grep '^SKIPPED' "$log" | sort -u)
done

echo
echo "==== summary"
printf '%s\n' "${table[@]}"
if ((${#skips[@]} > 0)); then printf '%s\n' "${skips[@]}"; fi
echo "$((SECONDS - begun)) s in all"
echo "$passed passed, $failed failed"
((failed == 0))

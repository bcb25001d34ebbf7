#!/usr/bin/env bash
# The benches run, in smoke mode and unoptimised: that they work is checked, their figures mean
# nothing. How to measure stands in benches/README.md. CI_BENCHES narrows it to these.
# `ci/bench.sh report` measures instead, and writes benches/REPORT.md and the README's figures; what follows is handed on to it:
# `ci/bench.sh report --quick`.
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
if [[ ${1:-} == report ]]; then
    shift
    # As the report itself builds them, so that nothing is built twice.
    run cargo build --release --quiet -p eventlet -p eventlet-green -p eventlet-benches --bins \
        --example httpd --example million
    "$TARGET/release/report" "$@"
    # The README shows some of the levels: rows of the same first cells get the figures of this run.
    awk -F' [|] ' -v OFS=' | ' '
        NR == FNR { if (/^\| .* \| .* \| .* \| .* \|/) measured[$1 OFS $2] = $3; next }
        NF == 3 && ($1 OFS $2) in measured { $3 = measured[$1 OFS $2] " |" }
        { print }' benches/REPORT.md README.md >"$TARGET/ci/README.md"
    cat "$TARGET/ci/README.md" >README.md
    exit
fi
need jq

# How long all of them may take together, in seconds, once they are built.
readonly PATIENCE=300
export EVENTLET_BENCH_SMOKE=1

mapfile -t benches < <(cargo metadata --no-deps --format-version 1 | jq -r '
    .packages[] | select(.name == "eventlet-benches") | .targets[] | select(.kind == ["bench"]) | .name')
if [[ -n ${CI_BENCHES:-} ]]; then read -ra benches <<<"$CI_BENCHES"; fi
((${#benches[@]} > 0)) || fault "no bench was found"
chosen=()
for bench in "${benches[@]}"; do chosen+=(--bench "$bench"); done
# Of the whole workspace, so that what test.sh has built is of use.
run cargo test --quiet --workspace "${chosen[@]}" --no-run

log=$(mktemp "$TARGET/ci/log.XXXXXX")
measured=0
for bench in "${benches[@]}"; do
    echo "+ cargo test --workspace --bench $bench"
    status=0
    timeout "$PATIENCE" cargo test --quiet --workspace --bench "$bench" >"$log" 2>&1 || status=$?
    if ((status != 0)); then
        tail -n 30 "$log"
        fault "$bench ended with status $status"
    fi
    count=$(grep -cx 'Success' "$log" || true)
    ratios=$(grep -cE ' = [0-9.]+ .*\bof ' "$log" || true)
    grep '^SKIPPED' "$log" || true
    echo "    $count measurements, $ratios lines of ratios"
    ((count > 0)) || fault "$bench measured nothing"
    ((ratios > 0)) || fault "$bench printed no ratio to a peer"
    measured=$((measured + count))
done
rm -f "$log"
finish "${#benches[@]} benches, $measured measurements"

#!/usr/bin/env bash
# Cost by count, not by clock: instructions of an operation under callgrind, its system calls under
# strace, against the committed ones in benches/counts.txt. Each operation runs twice, so many times and
# three times as many, and the difference is divided: starting up cancels out.
# `ci/counts.sh --update` writes the file. CI_COUNTS narrows it to these operations; CI_COUNTS_PROGRAM
# names a program that is built already.
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

readonly BASELINE=benches/counts.txt
# What may differ: instructions by so many per cent and one half of an instruction, for what the clock
# and the date bring in; system calls by so much of one call.
readonly PERCENT=3
readonly CALL=0.02
# Whole bursts of requests, all of them below the budget at which a loop looks at the clock.
readonly FEW=1600
readonly MANY=$((3 * FEW))

update=no
if [[ ${1:-} == --update ]]; then update=yes; fi
program=${CI_COUNTS_PROGRAM:-$TARGET/release/counts}
[[ -n ${CI_COUNTS_PROGRAM:-} ]] || build_release
compiler=$(rustc --version)

measured=$(mktemp "$TARGET/ci/counts.XXXXXX")
trace=$(mktemp "$TARGET/ci/trace.XXXXXX")

# Instructions that the program executes in all.
instructions() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$1" "$2" 2>&1 |
        sed -nE 's/^==[0-9]+== Collected : ([0-9]+)$/\1/p'
}

# System calls that the program makes, one a line: name and number.
calls() {
    strace -f -qq -c -o "$trace" "$program" "$1" "$2"
    awk '$1 ~ /^[0-9.]+$/ && $NF != "total" { print $NF, $4 }' "$trace"
}

can_count=no
if has valgrind; then can_count=yes; else skipped "valgrind is missing: no instructions are counted"; fi
can_trace=no
if has strace && strace -qq -e trace=none true 2>/dev/null; then
    can_trace=yes
else
    skipped "strace is missing, or may not trace here: no system calls are counted"
fi

read -ra operations <<<"${CI_COUNTS:-$("$program" --list | cut -f1 | xargs)}"
((${#operations[@]} > 0)) || fault "$program lists no operation"
for operation in "${operations[@]}"; do
    if [[ $can_count == yes ]]; then
        few=$(instructions "$operation" "$FEW")
        many=$(instructions "$operation" "$MANY")
        [[ -n $few && -n $many ]] || fault "callgrind counted nothing of $operation"
        awk -v name="$operation" -v few="${few:-0}" -v many="${many:-0}" -v times=$((MANY - FEW)) \
            'BEGIN { printf "instructions %s %.1f\n", name, (many - few) / times }' >>"$measured"
    fi
    if [[ $can_trace == yes ]]; then
        { calls "$operation" "$FEW" | sed 's/^/few /' && calls "$operation" "$MANY" | sed 's/^/many /'; } |
            awk -v operation="$operation" -v times=$((MANY - FEW)) '
            { count[$2] += $1 == "many" ? $3 : -$3 }
            END {
                for (name in count) {
                    each = count[name] / times
                    total += each
                    # What a run makes now and then, the end of a batch for one, shows in the sum.
                    if (each >= 0.01) line = line sprintf(" %s=%.2f", name, each)
                }
                n = split(line, parts, " ")
                # In order, for which awk has no function of its own.
                for (i = 2; i <= n; i++)
                    for (j = i; j > 1 && parts[j] < parts[j - 1]; j--) {
                        swap = parts[j]; parts[j] = parts[j - 1]; parts[j - 1] = swap
                    }
                printf "calls %s %.2f", operation, total < 0 ? 0 : total
                for (i = 1; i <= n; i++) printf " %s", parts[i]
                print ""
            }' >>"$measured"
    fi
done
rm -f "$trace"

if [[ $update == yes ]]; then
    [[ $can_count == yes && $can_trace == yes ]] || fault "both tools are needed to write $BASELINE"
    ((FAULTS == 0)) || finish "nothing written"
    {
        sed '/^[^#]/,$d' "$BASELINE"
        echo "compiler $compiler"
        cat "$measured"
    } >"$measured.new"
    mv "$measured.new" "$BASELINE"
    figures=$(wc -l <"$measured")
    rm -f "$measured"
    finish "$figures figures, now in $BASELINE"
    exit 0
fi

recorded=$(sed -n 's/^compiler //p' "$BASELINE")
compared=calls
if [[ $recorded == "$compiler" ]]; then
    compared='instructions and calls'
else
    skipped "instructions are those of $recorded, and this is $compiler: printed, not compared"
fi
# The last word says what differs too much; the loop stays in this shell, so that faults are counted.
differing=0
while read -r kind name now before difference verdict; do
    printf '    %-13s%-11s%10s  recorded %10s  %8s\n' "$kind" "$name" "$now" "$before" "$difference"
    [[ $verdict == bad ]] || continue
    differing=$((differing + 1))
    fault "$kind of $name: $now, recorded $before ($difference)"
done < <(awk -v percent="$PERCENT" -v call="$CALL" -v compared="$compared" '
    FNR == NR { if ($1 == "instructions" || $1 == "calls") recorded[$1 " " $2] = $3; next }
    {
        key = $1 " " $2
        if (!(key in recorded)) { print $1, $2, $3, "nothing", "new", "bad"; next }
        before = recorded[key]
        apart = $3 - before
        if ($1 == "calls") {
            difference = sprintf("%+.2f", apart)
            bad = apart > call || apart < -call
        } else {
            difference = before > 0 ? sprintf("%+.1f%%", 100 * apart / before) : "new"
            room = before * percent / 100 + 0.5
            bad = compared ~ /instructions/ && (apart > room || apart < -room)
        }
        print $1, $2, $3, before, difference, bad ? "bad" : "good"
    }' "$BASELINE" "$measured")
figures=$(wc -l <"$measured")
rm -f "$measured"
if ((differing > 0)); then
    echo "If that is meant, or better: bash ci/counts.sh --update, and say why in the commit."
fi
finish "$figures figures of ${#operations[@]} operations; compared: $compared"

#!/usr/bin/env bash
# How many lines of each package the tests run: prints the table of docs/coverage.md, and with `--update`
# writes it there. Run by hand, since it builds everything once more; ci/docs.sh sees to it that the
# page has a row for each package.
#
# The compiler counts (-C instrument-coverage), in our packages only. The counters are a mapped file, so
# that children count that are killed, abort or end by `_exit`; switching stacks does not touch them.
# What is run are the tests, not the programs in the docs, which show rather than test.
# Linux; needs the compiler's own llvm-profdata and llvm-cov: the component llvm-tools.
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need jq

PAGE=docs/coverage.md
# What nobody uses as a library.
APART=(eventlet-benches eventlet-counts)
FEATURES=eventlet/full,eventlet-green/tracing,eventlet-green/watchdog
# Files that are told of one by one, in percent.
readonly LOW=90

UPDATE=${1:-}
[[ -z $UPDATE || $UPDATE == --update ]] || {
    fault "usage: bash ci/coverage.sh [--update]"
    finish "nothing"
}

host=$(rustc -vV | sed -n 's/^host: //p')
bin=$(rustc --print sysroot)/lib/rustlib/$host/bin
if [[ ! -x $bin/llvm-cov ]] && has rustup; then run rustup component add llvm-tools; fi
if [[ ! -x $bin/llvm-cov || ! -x $bin/llvm-profdata ]]; then
    fault "no llvm-cov beside the compiler: rustup component add llvm-tools"
    finish "nothing"
fi

own=$(own_target coverage)
rm -rf "$own/profiles"
mkdir -p "$own/profiles"
# Packages of the workspace only: the counters of others would be half of the build.
cat >"$own/rustc" <<'EOT'
#!/bin/sh
exec "$@" -C instrument-coverage -C llvm-args=-runtime-counter-relocation
EOT
chmod +x "$own/rustc"
export CARGO_TARGET_DIR=$own RUSTC_WORKSPACE_WRAPPER=$own/rustc CARGO_INCREMENTAL=0
# One file for each program (%m), mapped (%c), whoever of its processes writes.
export LLVM_PROFILE_FILE=$own/profiles/%m%c.profraw
selected=(--workspace --features "$FEATURES" --lib --bins --tests)
for package in "${APART[@]}"; do selected+=(--exclude "$package"); done

echo "+ cargo test --no-run ${selected[*]}"
mapfile -t programs < <(cargo test --no-run --quiet --message-format json "${selected[@]}" |
    jq -r 'select(.executable) | .executable' | sort -u)
((${#programs[@]} > 0)) || { fault "nothing was built"; finish "nothing"; }
run_tests cargo test --quiet --no-fail-fast "${selected[@]}"
run "$bin/llvm-profdata" merge --sparse --output "$own/merged" "$own"/profiles/*.profraw

# Where the unit tests at the end of a file begin: `file line`.
files '*/src/*.rs' | xargs grep -nE -m 1 '^#\[cfg\((all\()?test' | sed -E 's/^([^:]+):([0-9]+):.*/\1 \2/' >"$own/tests-begin"
objects=()
for program in "${programs[@]}"; do objects+=(--object "$program"); done
# A line counts as run if it was in any program: `file lines run`, one a file.
"$bin/llvm-cov" export --format lcov --instr-profile "$own/merged" "${objects[@]}" |
    awk -v root="$ROOT/" '
        FNR == NR { ends[$1] = $2; next }
        /^SF:/ { file = substr($0, 4); sub("^" root, "", file); wanted = file ~ /^[a-z-]+\/src\// && file !~ /^benches/ }
        wanted && /^DA:/ {
            split(substr($0, 4), part, ",")
            if (file in ends && part[1] + 0 >= ends[file]) next
            if (!((file, part[1]) in count)) lines[file]++
            if (part[2] > 0 && !((file, part[1]) in ran)) { ran[file, part[1]]; run[file]++ }
            count[file, part[1]]
        }
        END { for (file in lines) print file, lines[file], run[file] + 0 }' "$own/tests-begin" - |
    sort >"$own/files"

# `file lines run` to rows of what the first word is a part of.
rows() {
    awk '{ lines[$1] += $2; run[$1] += $3 }
        END { for (part in lines) printf "| `%s` | %d | %d | %.1f %% |\n", part, lines[part], run[part], int(1000 * run[part] / lines[part]) / 10 }' | sort
}
{
    echo '| part | lines | run by tests | |'
    echo '|---|---|---|---|'
    # The kit of green is for tests, so it has a row of its own; the protocols have one for each as well.
    awk '{
        part = $1
        sub("/src/.*", "", part)
        if ($1 ~ "^green/src/testing/") part = "green/src/testing"
        print part, $2, $3
        if (match($1, "^protocols/src/[a-z]+/")) print substr($1, 1, RLENGTH - 1), $2, $3
    }' "$own/files" | rows
    echo
    echo "Files of which less than $LOW % is run:"
    echo
    echo '| file | lines | run by tests | |'
    echo '|---|---|---|---|'
    awk -v low="$LOW" '100 * $3 < low * $2' "$own/files" | rows
} >"$own/table.md"
cat "$own/table.md"

# Not of a run that has failed, which may have left out some of it.
if [[ $UPDATE == --update ]] && ((FAULTS == 0)); then
    awk -v table="$own/table.md" '
        /^<!-- end of what/ { inside = 0 }
        !inside { print }
        /^<!-- what ci\/coverage.sh/ { inside = 1; print ""; while ((getline line < table) > 0) print line; print "" }' "$PAGE" >"$own/page.md"
    cp "$own/page.md" "$PAGE"
fi
finish "$(wc -l <"$own/files") files; $PASSED tests passed"

#!/usr/bin/env bash
# What the gates share; sourced, never run. A gate reports what it finds with `fault`, goes on, and
# ends with `finish`, so that one run shows everything there is to mend.
#
# Environment:
#   CARGO_TARGET_DIR  where cargo builds; default `target` in the root
#   CI_INSTALL        `no`: fetches no tools
#   CI_PACKAGES       narrows the gates that call cargo to these packages (self-test.sh uses it)
set -euo pipefail
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")/.."

GATE=$(basename "$0" .sh)
ROOT=$(pwd -P)
TARGET=${CARGO_TARGET_DIR:-target}
[[ $TARGET == /* ]] || TARGET=$ROOT/$TARGET
mkdir -p "$TARGET/ci"
FAULTS=0

# Where a gate that builds with flags of its own does so, beside what the others have cached.
own_target() { echo "$TARGET/ci/$1"; }

# Runs a command after showing it; a failure is a fault, and the gate goes on.
run() {
    echo "+ $*"
    "$@" || fault "exit status $?: $*"
}

fault() {
    echo "FAULT ($GATE): $*"
    FAULTS=$((FAULTS + 1))
}

# Something that could not be checked here. all.sh repeats these lines at its end.
skipped() { echo "SKIPPED ($GATE): $*"; }

# The last line of a gate: what was checked, and how much of it.
finish() {
    if ((FAULTS > 0)); then
        echo "$GATE: $FAULTS fault(s); checked $*"
        exit 1
    fi
    echo "$GATE: good; checked $*"
}

has() { command -v "$1" >/dev/null 2>&1; }

# Ends the gate if a tool is missing that it cannot do without.
need() {
    has "$1" && return
    fault "this gate needs $1, which is not installed (ci/tools.sh installs it)"
    finish "nothing"
}

# `pip_install FOLDER PACKAGE==VERSION`: fetches a tool that is there ready built, once, into a folder of its
# own. Whether that worked shows when it is called. CI_INSTALL=no leaves pip alone.
readonly PIP_PATIENCE=120 # seconds
pip_install() {
    if [[ -d $1 || ${CI_INSTALL:-yes} == no ]] || ! has python3; then return 0; fi
    timeout "$PIP_PATIENCE" python3 -m pip --quiet --disable-pip-version-check install --no-deps \
        --target "$1" "$2" </dev/null >/dev/null 2>&1 || true
}

# The repository's files that match the given git pathspecs: all that are tracked or would be.
files() {
    local file
    git ls-files --cached --others --exclude-standard -- "$@" | sort -u | while IFS= read -r file; do
        # A file that was deleted and not yet committed is still listed.
        if [[ -f $file ]]; then echo "$file"; fi
    done
}

# Cargo's selection of packages: `--workspace`, or those of CI_PACKAGES.
selection() {
    if [[ -z ${CI_PACKAGES:-} ]]; then
        echo --workspace
    else
        # shellcheck disable=SC2086 # a list of names is meant to be split
        printf -- '-p %s ' $CI_PACKAGES
    fi
}

# Whether a package is within the selection.
is_selected() { [[ -z ${CI_PACKAGES:-} || " $CI_PACKAGES " == *" $1 "* ]]; }

# The packages of the workspace, with the folder of each: `name folder`, one a line.
packages() {
    cargo metadata --no-deps --format-version 1 |
        jq -r '.packages[] | "\(.name) \(.manifest_path | rtrimstr("/Cargo.toml"))"' |
        sed -e "s| $ROOT/| |" -e "s| $ROOT\$| .|"
}

# The packages that are published, one a line.
published() { cargo metadata --no-deps --format-version 1 | jq -r '.packages[] | select(.publish != []) | .name'; }

# The features that the selected packages are documented with (`package.metadata.docs.rs`), for one build
# of them all; every feature where none are named.
documented_features() {
    cargo metadata --no-deps --format-version 1 | jq -r '.packages[] | select(.publish != []) | .name as $name
        | (.metadata.docs.rs.features // (.features | keys))[] | "\($name)/\(.)"' |
        while IFS=/ read -r package feature; do
            if is_selected "$package"; then echo "$package/$feature"; fi
        done | paste -sd,
}

# The text of a Rust file without comments that fill a line or end one. (A `//` in a string cuts the
# line as well, which the greps that use this can live with.)
code_of() { sed -e 's|//.*||' "$1"; }

# Runs a command that runs Rust tests, shows what it prints, and adds the tests that passed to PASSED
# and those that were ignored to IGNORED.
PASSED=0
IGNORED=0
run_tests() {
    local log counts
    log=$(mktemp "$TARGET/ci/log.XXXXXX")
    echo "+ $*"
    "$@" 2>&1 | tee "$log" || fault "exit status ${PIPESTATUS[0]}: $*"
    counts=$(sed -nE 's/^test result: .* ([0-9]+) passed; [0-9]+ failed; ([0-9]+) ignored.*/\1 \2/p' "$log" |
        awk '{passed += $1; ignored += $2} END {print passed + 0, ignored + 0}')
    rm -f "$log"
    if [[ ${counts% *} == 0 ]]; then fault "no test passed in: $*"; fi
    PASSED=$((PASSED + ${counts% *}))
    IGNORED=$((IGNORED + ${counts#* }))
}

# What the gates run of a release build: the server and the counted operations, in one build, so that
# nothing is built twice with other features.
build_release() {
    run cargo build --release --quiet -p eventlet -p eventlet-counts --example httpd --bin counts
}

# Starts a server whose output names its address, and waits for that. Sets SERVER (its process) and
# ADDRESS (`host:port`). What it prints later is not read, so it must not be much.
SERVER=
ADDRESS=
SERVER_OUTPUT=
readonly SERVER_PATIENCE=20
start_server() {
    local line
    echo "+ $*"
    exec {SERVER_OUTPUT}< <(exec "$@" 2>&1 </dev/null)
    SERVER=$!
    while IFS= read -r -t "$SERVER_PATIENCE" -u "$SERVER_OUTPUT" line; do
        echo "    $line"
        # Its console has an address as well.
        if [[ $line != backdoor:* && $line =~ ([0-9]+\.[0-9]+\.[0-9]+\.[0-9]+:[0-9]+) ]]; then
            # shellcheck disable=SC2034 # read by the gates
            ADDRESS=${BASH_REMATCH[1]}
            return 0
        fi
    done
    fault "named no address within $SERVER_PATIENCE s: $*"
    stop_server KILL >/dev/null 2>&1 || true
    return 1
}

# Sends the server a signal and waits for its end; gives its exit status.
stop_server() {
    local status=0
    kill -s "$1" "$SERVER" 2>/dev/null || true
    # A server that does not end is killed, so that the gate does not hang.
    timeout "$SERVER_PATIENCE" tail --pid="$SERVER" -f /dev/null || kill -s KILL "$SERVER" 2>/dev/null || true
    wait "$SERVER" 2>/dev/null || status=$?
    exec {SERVER_OUTPUT}<&-
    SERVER=
    return "$status"
}
trap 'if [[ -n $SERVER ]]; then kill -s KILL "$SERVER" 2>/dev/null || true; fi' EXIT

#!/usr/bin/env bash
# Dependencies point down only, and each layer is usable alone: what a package needs, and what the
# example of a layer needs, contains no package of a higher layer. See README.md, "Layers".
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need jq

HUBS="eventlet-hub-epoll eventlet-hub-kqueue eventlet-hub-poll eventlet-hub-polling eventlet-hub-select"
LOOP="eventlet-hub $HUBS eventlet-runloop"
checked=0

# `ours_of PACKAGE EDGES`: the packages of ours that a package needs, itself left out.
ours_of() {
    cargo tree --quiet --prefix none --format '{p}' -e "$2" -p "$1" --all-features |
        awk '{print $1}' | grep -E '^eventlet(-|$)' | sort -u | { grep -vx "$1" || true; }
}

# `allow PACKAGE EDGES NAMES…`: a fault for each package of ours that is needed and not named.
allow() {
    local package=$1 edges=$2 needed found
    shift 2
    checked=$((checked + 1))
    found=$(ours_of "$package" "$edges")
    echo "$package ($edges): ${found//$'\n'/ }"
    for needed in $found; do
        [[ " $* " == *" $needed "* ]] || fault "$package ($edges) must not need $needed"
    done
}

allow eventlet-hub normal
for hub in $HUBS; do
    allow "$hub" normal eventlet-hub
    # Its example and its tests: the suite is the only other thing of ours.
    allow "$hub" normal,dev eventlet-hub eventlet-hub-test
done
allow eventlet-hub-test normal eventlet-hub
allow eventlet-runloop normal eventlet-hub
# shellcheck disable=SC2086 # lists of names are meant to be split
{
    allow eventlet-runloop normal,dev eventlet-hub $HUBS
    allow eventlet-green normal $LOOP
    allow eventlet-green normal,dev $LOOP
    allow eventlet-protocols normal $LOOP eventlet-green
    allow eventlet-protocols normal,dev $LOOP eventlet-green
}

# A router of axum's runs on green sockets without another runtime beneath it.
checked=$((checked + 1))
if cargo tree --quiet --prefix none --format '{p}' -e normal,dev -p eventlet --features full |
    grep -q '^tokio '; then
    fault "the facade with its examples needs tokio"
fi

# The test kit is a module of green that needs its inside (green/src/testing), behind a feature. Who
# builds a program does not get it: no package of ours turns it on but for its own tests.
while read -r package _; do
    checked=$((checked + 1))
    if cargo tree --quiet --prefix none -e normal,build,features -p "$package" |
        grep -q 'eventlet-green feature "testing"'; then
        fault "$package turns the test kit on for its users: it belongs in [dev-dependencies]"
    fi
done < <(packages)

# The examples that show one layer alone: there, and covered by the lines above because an example
# can name no package beside its own package's dependencies.
for example in hub-epoll/examples/echo.rs runloop/examples/echo.rs green/examples/echo.rs; do
    checked=$((checked + 1))
    [[ -f $example ]] || fault "$example, the example of its layer alone, is not there"
done

# Backends are named in exactly one file of green, and nowhere in the run loop's code.
BACKEND='eventlet_hub_(epoll|poll|select|kqueue|polling)|\b(Epoll|Kqueue|Poll|Polling|Select)Hub\b'
naming() {
    local file
    while IFS= read -r file; do
        if grep -qE "$1" <(code_of "$file"); then echo "$file"; fi
    done < <(files "$2")
}
found=$(naming "$BACKEND" 'green/src/*.rs')
[[ $found == green/src/default_hub.rs ]] ||
    fault "backends may be named in green/src/default_hub.rs only; they are in: ${found:-no file}"
for file in $(naming "$BACKEND" 'runloop/src/*.rs') $(naming "$BACKEND" 'protocols/src/*.rs') \
    $(naming "$BACKEND" 'green/tests/*.rs') $(naming "$BACKEND" 'protocols/tests/*.rs'); do
    # Handing in a hub of one's own needs one.
    [[ $file == green/tests/hub_choice.rs ]] || fault "$file names a backend"
done
# The run loop is handed its clock.
for file in $(naming '\bInstant::now\b' 'runloop/src/*.rs'); do
    [[ $file == runloop/src/clock.rs ]] || fault "$file reads the time; only clock.rs does"
done
# Wire code is bytes in, bytes out.
for file in $(naming 'eventlet_(green|hub|runloop)|std::(net|os|fs|process|thread)\b' 'protocols/src/wire/*.rs'); do
    fault "$file is wire code and must not know sockets, threads or coroutines"
done
# The engine has a seam: one file names it.
found=$(naming '\bcorosensei\b' 'green/src/*.rs')
[[ $found == green/src/sys/fiber.rs ]] ||
    fault "the engine may be named in green/src/sys/fiber.rs only; it is in: ${found:-no file}"
found=$(naming '\bmay::' 'green/src/*.rs')
[[ $found == green/src/sys/fiber_may.rs ]] ||
    fault "the engine \`may\` may be named in green/src/sys/fiber_may.rs only; it is in: ${found:-no file}"

# A backend's methods stand in the order of the trait, so that any two can be compared side by side.
methods() {
    awk -v start="$2" '
        $0 ~ start { inside = 1; next }
        inside && /^}/ { exit }
        inside && match($0, /^    (unsafe )?fn [a-z_]+/) {
            name = substr($0, RSTART, RLENGTH); sub(/.* /, "", name); print name
        }' "$1"
}
contract=$(methods hub/src/hub.rs '^pub trait Hub ')
[[ -n $contract ]] || fault "the methods of the trait Hub were not found"
for folder in hub-epoll hub-kqueue hub-poll hub-polling hub-select; do
    checked=$((checked + 1))
    theirs=$(methods "$folder/src/hub.rs" '^impl(<.*>)? Hub for ')
    # What a backend leaves to the trait's default is left out of the comparison.
    expected=$(grep -xF "$theirs" <<<"$contract" || true)
    [[ -n $theirs && $theirs == "$expected" ]] ||
        fault "$folder/src/hub.rs: the methods of Hub are not in the trait's order: ${theirs//$'\n'/ }"
done
finish "$checked packages and examples"

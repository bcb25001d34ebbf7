#!/usr/bin/env bash
# No gate without proof that it can fail: plants faults in a scratch copy, one gate after the other,
# and wants that gate to turn red and to name the fault. The copy shares the target folder, and the
# gates that call cargo are narrowed to the package with the fault, so nothing is built needlessly.
# Names of gates on the command line narrow it: `ci/self-test.sh lint layers`.
# shellcheck disable=SC2016 # what is planted is not to be expanded
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need jq

only=" $* "
SCRATCH=$TARGET/ci/scratch
export CARGO_TARGET_DIR=$TARGET
rm -rf "$SCRATCH"
mkdir -p "$SCRATCH"
# shellcheck disable=SC2119 # all files, not this script's arguments
files | tar --create --files-from=- | tar --extract --touch --directory="$SCRATCH"
git -C "$SCRATCH" init --quiet
LOG=$(mktemp "$TARGET/ci/log.XXXXXX")

SOWN=()
# Remembers a file as it is, before a fault is planted in it.
sow() {
    local file=$SCRATCH/$1
    SOWN+=("$1")
    mkdir -p "$(dirname "$file")" "$SCRATCH/.git/before/$(dirname "$1")"
    if [[ -f $file ]]; then cp "$file" "$SCRATCH/.git/before/$1"; fi
}
# `write FILE` and `append FILE`: plant what is on standard input. `change FILE SED-SCRIPT`.
write() { sow "$1" && cat >"$SCRATCH/$1"; }
append() { sow "$1" && cat >>"$SCRATCH/$1"; }
change() { sow "$1" && sed -i -E "$2" "$SCRATCH/$1"; }
# Takes the faults out again.
weed() {
    local file
    for file in "${SOWN[@]}"; do
        if [[ -f $SCRATCH/.git/before/$file ]]; then
            cp "$SCRATCH/.git/before/$file" "$SCRATCH/$file"
        else
            rm -f "$SCRATCH/$file"
        fi
    done
    SOWN=()
}

# These cost seconds to prove. The proof of the others builds much, and is worth it where something of
# the gate has changed: in a full run (CI_PROOFS=changed) they are proved when the newest commit did that.
CHEAP=" size unsafe layers lint docs msrv api deny package counts "
has_changed() {
    local base
    base=$(git rev-parse --quiet --verify 'HEAD^') || return 0
    ! git diff --quiet "$base" -- "ci/$1.sh" ci/common.sh ci/self-test.sh
}

# Whether a gate is to be proved in this run.
put_off=()
proves() {
    if [[ -n ${only// /} ]]; then
        [[ $only == *" $1 "* ]]
    elif [[ ${CI_PROOFS:-all} == changed && $CHEAP != *" $1 "* ]] && ! has_changed "$1"; then
        put_off+=("$1")
        return 1
    fi
}

proofs=0
# `red GATE [VARIABLE=VALUE…] -- PATTERNS…`: the gate must fail, and its output match each pattern.
red() {
    local gate=$1 setting=() pattern status=0 start=$SECONDS missed=0
    shift
    while [[ $1 != -- ]]; do setting+=("$1") && shift; done
    shift
    env "${setting[@]}" bash "$SCRATCH/ci/$gate.sh" >"$LOG" 2>&1 </dev/null || status=$?
    for pattern in "$@"; do
        proofs=$((proofs + 1))
        if ! grep -qE -- "$pattern" "$LOG"; then
            fault "$gate did not report the planted fault: /$pattern/"
            missed=1
        fi
    done
    ((status != 0)) || fault "$gate passed with planted faults"
    if ((missed || status == 0)); then tail -n 40 "$LOG" | sed 's/^/    /'; fi
    printf '%-10s %s faults, status %d, %d s\n' "$gate" $# "$status" $((SECONDS - start))
    weed
}

if proves size; then
    seq -f '//! Line %g.' 1 701 | write hub/src/planted.rs
    red size -- 'planted\.rs has 701 lines'
fi

if proves all; then
    seq -f '//! Line %g.' 1 701 | write hub/src/planted.rs
    status=0
    bash "$SCRATCH/ci/all.sh" size >"$LOG" 2>&1 </dev/null || status=$?
    proofs=$((proofs + 1))
    [[ $status != 0 && $(tail -n 1 "$LOG") == '0 passed, 1 failed' ]] ||
        fault "all: status $status, and the last line: $(tail -n 1 "$LOG")"
    weed
fi

if proves unsafe; then
    write hub/src/planted.rs <<<'fn planted() { unsafe { std::hint::unreachable_unchecked() } }'
    append hub/src/sys/unix.rs <<<'unsafe fn planted() {}'
    change runloop/src/lib.rs '/forbid\(unsafe_code\)/d'
    change green/src/lib.rs '/deny\(unsafe_code\)/d'
    red unsafe -- 'planted\.rs has 1 unsafe blocks and impls, and 0' 'planted\.rs has an unsafe block' \
        'without # Safety: planted' 'runloop/src/lib\.rs does not forbid' 'green/src/lib\.rs does not deny'
fi

if proves layers; then
    change hub-poll/Cargo.toml 's/^\[dependencies\]/&\neventlet-runloop.workspace = true/'
    change hub-select/src/hub.rs 's/^    fn capabilities/    fn planted/'
    change protocols/Cargo.toml '0,/^eventlet-green\.workspace = true/s//eventlet-green = { workspace = true, features = ["testing"] }/'
    append runloop/src/lib.rs <<<'type Planted = eventlet_hub_poll::PollHub; fn planted() { Instant::now(); }'
    append green/src/spawn.rs <<<'type Planted = eventlet_hub_poll::PollHub; use corosensei::Planted;'
    append protocols/src/wire/mod.rs <<<'use std::net::TcpStream;'
    sow green/examples/echo.rs
    rm -f "$SCRATCH/green/examples/echo.rs"
    red layers -- 'eventlet-hub-poll \(normal\) must not need eventlet-runloop' \
        'eventlet-protocols turns the test kit on for its users' 'methods of Hub are not in' \
        'runloop/src/lib\.rs names a backend' 'runloop/src/lib\.rs reads the time' \
        'default_hub\.rs only; they are in: .*' 'engine may be named' 'wire/mod\.rs is wire code' \
        'green/examples/echo\.rs, the example'
fi

if proves lint; then
    write hub/src/planted.rs <<<'fn get_planted() { todo!() }   '
    # The path is put together here, so that this file does not break the rule itself.
    path=home/somebody
    write hub/tests/planted.rs <<EOT
//! Planted.

#[test]
#[ignore]
fn planted() {
    std::thread::sleep(std::time::Duration::ZERO);
    let _ = std::net::TcpStream::connect("127.0.0.1:8080");
    let _ = "/$path/";
}
EOT
    append hub/src/token.rs <<<'#[allow(clippy::all)] #[path = "planted.rs"] mod planted;'
    append hub/src/interest.rs <<<'/// Planted.
pub fn planted(x: &Vec<u8>) -> bool { x.len() == 0 }'
    change clippy.toml '1i msrv = "1.80"'
    append ci/size.sh <<<'echo $planted'
    append protocols/src/wire/date.rs <<<'// RFC 2616'
    red lint CI_PACKAGES=eventlet-hub -- 'hub/src/planted\.rs: the first line' 'planted\.rs:1: no get_' \
        'planted\.rs:1: left over' 'tests/planted\.rs:[0-9]+: a test must not sleep' \
        'tests/planted\.rs:[0-9]+: a test must ask for port 0' 'tests/planted\.rs:[0-9]+: names a registry' \
        'an ignored test says why' 'token\.rs:[0-9]+: modules are declared in the open' \
        'token\.rs:[0-9]+: an exception without a reason' 'white space at the end' \
        'must be stated in Cargo\.toml only' 'SC2086' 'cites an obsolete RFC' 'rustfmt would change files' \
        'exit status [0-9]+: cargo fmt' 'clippy::(ptr_arg|len_zero|ptr-arg|len-zero)'
fi

if proves docs; then
    append hub/src/interest.rs <<<'/// See [`Nowhere`].
pub struct Planted;'
    append hub/src/token.rs <<<'/// See [`nowhere()`].
struct Hidden;'
    write docs/guide/planted.md <<<'# Planted
[a](nowhere.md), [b](hubs.md#nowhere), [c][nobody], `hub/src/nowhere.rs`, `hub/src/hub.rs::nowhere`
`cargo run --example nobody`, `cargo run --example json_api -- x`'
    change docs/coverage.md '/^. `runloop` . [0-9]/d'
    append docs/coverage.md <<<'| `runloup` | 1 | 1 | 100.0 % |'
    change README.md 's/^. idle keep-alive HTTP connection .*/| idle keep-alive HTTP connection | ≤ 8,192 bytes each | planted |/'
    append docs/guide/troubleshooting.md <<<'| `nobody ever says … this` | |'
    append protocols/src/lib.rs <<<'fn planted(n: u8) { eprintln!("eventlet: planted {n} and not to be looked up"); }'
    append docs/guide/SUMMARY.md <<<'- [Nowhere](nowhere.md)'
    red docs CI_PACKAGES=eventlet-hub -- 'unresolved link to .Nowhere' 'unresolved link to .nowhere' \
        'planted\.md is not included' 'planted\.md is not in .*SUMMARY' 'a link to nowhere\.md, which is not there' \
        'hubs\.md#nowhere, which has no such heading' 'by \[nobody\], which is not defined' \
        'nowhere\.rs is not there' 'hub\.rs has no test nowhere' 'there is no example nobody' \
        'json_api needs the feature json' 'nobody says "nobody ever says"' \
        'protocols/src/lib\.rs says "and not to be looked up"' \
        'README\.md: not what .*REPORT\.md has: . idle keep-alive' 'coverage\.md has no row for runloop' 'coverage\.md: runloup is not there' \
        'exit status [0-9]+: .*mdbook build|SKIPPED .*no mdbook'
fi

if proves msrv; then
    append hub/src/interest.rs <<<'/// Planted: newer than what we promise.
pub fn planted(file: &std::fs::File) -> bool { file.lock().is_ok() }'
    change runloop/Cargo.toml 's/^rust-version.*/rust-version = "1.87"/'
    change hub/Cargo.toml 's/^libc.*/&\nplanted = { path = "..\/planted" }/'
    write planted/src/lib.rs <<<'//! Planted.'
    write planted/Cargo.toml <<<'[package]
name = "planted"
version = "1.0.0"
edition = "2024"
rust-version = "1.90"
publish = false'
    red msrv CI_PACKAGES=eventlet-hub -- 'current MSRV' 'eventlet-runloop states' 'planted 1\.0\.0 needs Rust 1\.90'
fi

if proves api; then
    change hub/src/token.rs 's/pub const fn to_word/pub const fn planted/'
    append hub/src/interest.rs <<<'impl Interest { /** Planted. */ pub fn unseen(self) {} }'
    red api CI_PACKAGES=eventlet-hub -- '-pub const fn eventlet_hub::Token::to_word' \
        '[+]pub const fn eventlet_hub::Token::planted' 'not what docs/api has: eventlet-hub;' \
        'hub/src/interest\.rs:[0-9]+: Interest::unseen is in no example'
fi

if proves deny; then
    change hub/Cargo.toml 's/^libc.*/&\nplanted = { path = "..\/planted", version = "*" }/'
    write planted/src/lib.rs <<<'//! Planted.'
    write planted/Cargo.toml <<<'[package]
name = "planted"
version = "1.0.0"
edition = "2024"
license = "AGPL-3.0-only"'
    change deny.toml 's/^deny = \[/&{ crate = "slab" },/; /unknown-registry/s/^/allow-registry = []\n/'
    bash "$SCRATCH/ci/deny.sh" >"$LOG" 2>&1 </dev/null || true
    if grep -q '^SKIPPED (deny): no cargo-deny' "$LOG"; then
        skipped "deny, which needs cargo-deny"
        weed
    else
        red deny -- 'failed to satisfy license requirements' 'AGPL-3\.0-only' "wildcard dependency for crate 'eventlet-hub" \
            'slab .*is explicitly banned' 'source-not-allowed'
    fi
fi

if proves package; then
    # Left at home: what a module, a chapter and the licence ask for. And too much, and too little, on a page.
    change hub/Cargo.toml 's|^include\.workspace = true|include = ["/src/lib.rs", "/README.md", "/LICENSE-*"]|; /^description/d'
    change Cargo.toml 's|"/docs/guide", ||; s|^itoa = .*|itoa = "1.0.0"|'
    change runloop/Cargo.toml 's/^keywords = \[/&"a word that is no keyword", /'
    head -c 600000 /dev/urandom | write hub-poll/src/planted.rs
    sow hub-select/LICENSE-MIT
    rm -f "$SCRATCH/hub-select/LICENSE-MIT"
    red package CI_PACKAGES=eventlet-hub -- 'eventlet-hub: no description' 'no keyword: a word' 'five keywords, please' \
        'eventlet: src/guide\.rs includes .*first-server\.md, which is not' 'eventlet-hub-poll takes [0-9]+ KiB' \
        'eventlet-hub-select: LICENSE-MIT is not' 'file not found for module' \
        'failed to select a version for .itoa'
    change Cargo.toml 's/^(eventlet-hub = .*), version = "[0-9.]+"/\1/'
    change hub-test/Cargo.toml 's/^include\.workspace = true/&\npublish = false/'
    red package CI_PACKAGES=eventlet-hub -- 'eventlet-runloop: needs eventlet-hub without a version' \
        'eventlet-hub-epoll: needs eventlet-hub-test, which is not published' 'eventlet-hub was not packed'
fi

if proves features; then
    append green/src/lib.rs <<<'#[cfg(not(feature = "hub-poll"))]
compile_error!("planted");'
    append hub-kqueue/src/lib.rs <<<'fn planted_warning() {}'
    red features CI_PACKAGES='eventlet-green eventlet-hub-kqueue' -- 'planted' \
        'exit status [0-9]+: .*--no-default-features --features hub-select' 'a warning of: .*eventlet-hub-kqueue .*--features emulated'
fi

if proves cross; then
    # In code that no build on this system sees.
    append hub-kqueue/src/native.rs <<<'fn planted() -> u32 { "planted" }'
    append hub/src/sys/windows.rs <<<'fn planted() -> u32 { "planted" }'
    red cross CI_CROSS='x86_64-unknown-freebsd x86_64-pc-windows-gnu' \
        CI_PACKAGES='eventlet-hub eventlet-hub-kqueue' -- 'mismatched types' \
        'hub-kqueue/src/native\.rs' 'x86_64-unknown-freebsd: FAULT' \
        'hub/src/sys/windows\.rs' 'x86_64-pc-windows-gnu: FAULT'
    # What compiles, and is nowhere.
    append hub-kqueue/tests/conformance.rs <<<'unsafe extern "C" { fn planted_symbol(); }
#[test]
fn planted() { unsafe { planted_symbol() } }'
    # Fetched by the gate itself, if it could be.
    if compgen -G "$TARGET/ci/cross/zig/*/ziglang" >/dev/null; then
        red cross CI_CROSS=x86_64-unknown-netbsd CI_PACKAGES=eventlet-hub-kqueue -- \
            'undefined symbol: planted_symbol' 'x86_64-unknown-netbsd: checked, .*FAULT in linking'
    else
        skipped "that linking can fail was not proved: there is no zig"
        weed
    fi
fi

if proves test; then
    write hub/tests/planted.rs <<<'//! Planted.
#[test]
fn planted() { assert_eq!(1 + 1, 3); }'
    red test CI_PACKAGES=eventlet-hub -- 'test planted \.\.\. FAILED' 'FAULT \(test\)'
fi

if proves hubs; then
    write hub/tests/planted.rs <<<'//! Planted.
#[test]
fn planted() { assert!(!cfg!(eventlet_pipe_waker), "by pipe"); }'
    write protocols/tests/planted.rs <<<'//! Planted.
#[test]
fn planted() { assert_ne!(std::env::var("EVENTLET_HUB").as_deref(), Ok("select"), "by hub"); }'
    write green/tests/planted.rs <<<'//! Planted.
#[test]
fn planted() { assert!(!cfg!(eventlet_mprotect_guard), "by guard"); }'
    red hubs CI_PACKAGES='eventlet-hub eventlet-protocols eventlet-green' CI_HUBS=select CI_TEST=planted -- \
        'by pipe' 'by hub' 'by guard'
fi

if proves examples; then
    write hub-epoll/examples/planted.rs <<<'//! Planted.
fn main() { panic!("on purpose"); }'
    write hub-epoll/examples/planted_echo.rs <<<'//! Planted: listens and says nothing.
fn main() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap());
    for _ in listener.incoming() {}
}'
    write hub-poll/examples/planted.rs <<<'//! Planted.
fn main() {}'
    red examples CI_EXAMPLES='planted planted_echo' -- 'on purpose' 'did not echo a line' 'two examples are named planted'
fi

if proves conformance; then
    change examples/pages/mod.rs 's/"Hello, World!"/"Hello, world!"/'
    red conformance CI_HUBS=epoll -- 'FAILED: not in step' 'not every rule is kept: testbed --hub epoll'
fi

if proves fuzz; then
    # A size line that ends in white space: taken by a decoder that is laxer than the grammar.
    change protocols/src/wire/chunked.rs "s/\(State::Space \{ \.\. \}, _\) =>/(State::Space { .. }, b'\\\\r') => Ok(State::SizeLineFeed),\n            &/"
    red fuzz CI_FUZZ=chunked CI_FUZZ_SECONDS=60 -- 'and plainly' 'chunked: status [0-9]+; the input is'
fi

if proves idle; then
    write planted.rs <<<'//! Planted: serves, and looks at the clock every tenth of a second.
use std::io::Write;
fn main() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            std::thread::spawn(move || std::io::copy(&mut &stream, &mut std::io::sink()));
        }
    });
    loop { std::thread::sleep(std::time::Duration::from_millis(100)); }
}'
    rustc --edition 2024 -o "$SCRATCH/.git/planted" "$SCRATCH/planted.rs"
    red idle CI_IDLE_PROGRAM="$SCRATCH/.git/planted" CI_IDLE_SECONDS=1 CI_HUBS=epoll -- 'the server made [0-9]+ calls'
fi

if proves counts; then
    if has valgrind && has strace; then
        # One figure of each kind that is not what is counted, and one that nobody has recorded.
        change benches/counts.txt "s/^(instructions switch) .*/\\1 99.9/; s/^(calls register) .*/\\1 1.00/; /^calls switch/d; s/^compiler .*/compiler $(rustc --version)/"
        # The program of the gate's own run: the copy would build it anew.
        build_release
        red counts CI_COUNTS='switch register' CI_COUNTS_PROGRAM="$TARGET/release/counts" -- 'instructions of switch: .* recorded 99\.9' \
            'calls of register: 2\.00, recorded 1\.00' 'calls of switch: .* recorded nothing'
    else
        skipped "counts, which needs valgrind and strace"
    fi
fi

if proves bench; then
    write benches/benches/timers.rs <<<'//! Planted.
fn main() { panic!("on purpose"); }'
    red bench CI_BENCHES=timers -- 'on purpose' 'measured nothing' 'no ratio'
fi

sow_dangling() {
    write green/tests/planted.rs <<<'//! Planted: reads, in a coroutine, what has been freed.
#[test]
fn planted() {
    let value = Box::new([1_u8; 64]);
    let dangling = &raw const *value;
    drop(value);
    let read = eventlet_green::spawn(move || {
        eventlet_green::yield_now();
        let byte = unsafe { std::ptr::read_volatile(dangling.cast::<u8>()) };
        if byte == 7 { "seven" } else { "another" }
    });
    assert_ne!(read.join().unwrap(), "");
}'
}
if proves sanitize; then
    sow_dangling
    if has valgrind; then
        red sanitize CI_SANITIZE=planted CI_SANITIZERS=valgrind -- 'Invalid read of size 1' 'exit status 99'
    else
        skipped "sanitize with valgrind, which is not installed"
    fi
    sow_dangling
    if has rustup && grep -q '^nightly' <(rustup toolchain list); then
        red sanitize CI_SANITIZE=planted CI_SANITIZERS=address -- 'heap-use-after-free'
    else
        skipped "sanitize with AddressSanitizer, which needs a nightly toolchain"
    fi
fi
if proves loom; then
    # A flag and a value, published in the wrong order: one interleaving in a few shows it.
    write green/tests/loom_planted.rs <<<'//! Planted.
#![cfg(loom)]
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicU32, Ordering};

#[test]
fn planted() {
    loom::model(|| {
        let shared = Arc::new((AtomicBool::new(false), AtomicU32::new(0)));
        let theirs = Arc::clone(&shared);
        let writer = loom::thread::spawn(move || {
            theirs.0.store(true, Ordering::Release);
            theirs.1.store(7, Ordering::Release);
        });
        if shared.0.load(Ordering::Acquire) {
            assert_eq!(shared.1.load(Ordering::Acquire), 7, "too early");
        }
        writer.join().unwrap();
    });
}'
    red loom CI_LOOM=planted -- 'too early' 'FAULT \(loom\)'
fi
rm -rf "$SCRATCH" "$LOG"
finish "$proofs planted faults; put off, since nothing of these gates has changed: ${put_off[*]:-none}"

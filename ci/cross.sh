#!/usr/bin/env bash
# Other systems: the libraries are type-checked for each, without a warning, and for some a test program
# is linked. Nothing is run there.
#
# The standard library comes from `rustup target add`, or is checked from its sources with the very
# compiler they belong to (`rust-src`) where there is none to be had: tier-3 targets. What can be had by
# neither is skipped, with the reason. The linker, with the libraries of other systems, is zig's, fetched
# with pip; linking proves that what we call is there. Where zig has no libraries nothing is linked.
# CI_CROSS narrows it to these targets; CI_INSTALL=no leaves rustup and pip alone.
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

TARGETS=(
    x86_64-unknown-freebsd
    x86_64-unknown-netbsd
    x86_64-unknown-openbsd
    aarch64-apple-darwin
    x86_64-unknown-illumos
    x86_64-pc-windows-gnu
)
if [[ -n ${CI_CROSS:-} ]]; then read -ra TARGETS <<<"$CI_CROSS"; fi
# Hubs first, top last. What is optional in the protocols is left out: it may bring C along.
PACKAGES=(eventlet-hub eventlet-hub-kqueue eventlet-hub-poll eventlet-hub-polling eventlet-hub-select
    eventlet-runloop eventlet-green eventlet-protocols eventlet)
FEATURES=hub-kqueue,hub-polling,testing
# What there is for Windows: of hubs, the one over `polling`; nothing of the protocols.
WINDOWS_PACKAGES=(eventlet-hub eventlet-hub-polling eventlet-runloop eventlet-green eventlet)
WINDOWS_FEATURES=testing
# What zig calls the targets that it can link for.
declare -A ZIG_TARGETS=(
    [x86_64-unknown-freebsd]=x86_64-freebsd
    [x86_64-unknown-netbsd]=x86_64-netbsd
    [aarch64-apple-darwin]=aarch64-macos
    [x86_64-pc-windows-gnu]=x86_64-windows-gnu
)
readonly ZIG_VERSION=0.17.1
# How long fetching a standard library may take, in seconds.
readonly PATIENCE=120

CARGO_TARGET_DIR=$(own_target cross)
export CARGO_TARGET_DIR
export RUSTFLAGS="${RUSTFLAGS:-} -D warnings"
export CARGO_INCREMENTAL=0

# `has_std TARGET`: whether the compiler finds a standard library for it.
has_std() { compgen -G "$(rustc --print target-libdir --target "$1" 2>/dev/null)/libstd-*.rlib" >/dev/null; }
has_sources() { [[ -f $(rustc --print sysroot)/lib/rustlib/src/rust/library/Cargo.lock ]]; }
may_install() { has rustup && [[ ${CI_INSTALL:-yes} != no ]]; }
is_windows() { [[ $1 == *-windows-* ]]; }

# Sets STD to where the standard library comes from and HOW to what cargo needs for that; or WHY to the
# reason why there is none.
find_std() {
    STD='' HOW=() WHY=''
    if ! has_std "$1" && may_install && grep -qE "^$1( |\$)" <(rustup target list); then
        timeout "$PATIENCE" rustup --quiet target add "$1" >/dev/null 2>&1 || true
    fi
    if has_std "$1"; then
        STD="its standard library"
        return 0
    fi
    if ! has_sources && may_install; then
        timeout "$PATIENCE" rustup --quiet component add rust-src >/dev/null 2>&1 || true
    fi
    if ! has_sources; then
        WHY="no standard library for it, and no sources of one (rustup target add, rustup component add rust-src)"
        return 1
    fi
    STD="a standard library checked from its sources"
    HOW=(env RUSTC_BOOTSTRAP=1)
}

# The packages to check: those of a list that are selected, with features where they have them.
chosen() {
    local features=$1 package
    shift
    for package in "$@"; do
        is_selected "$package" || continue
        printf -- '-p %s ' "$package"
        if [[ $package == eventlet ]]; then printf -- '--features %s ' "$features"; fi
    done
}

# Sets ZIG to the command that starts zig, or WHY to the reason why there is none. Fetched once.
ZIG=()
find_zig() {
    ((${#ZIG[@]} == 0)) || return 0
    local folder=$CARGO_TARGET_DIR/zig/$ZIG_VERSION
    if ! has python3; then
        WHY="no python3 to run zig with"
        return 1
    fi
    pip_install "$folder" "ziglang==$ZIG_VERSION"
    if ! PYTHONPATH=$folder python3 -m ziglang version >/dev/null 2>&1; then
        WHY="no zig to link with (pip install ziglang==$ZIG_VERSION)"
        return 1
    fi
    ZIG=(env "PYTHONPATH=$folder" "ZIG_GLOBAL_CACHE_DIR=$CARGO_TARGET_DIR/zig/cache" python3 -m ziglang)
}

# Writes the linker for a target, and what else its compiler calls, and sets LINKING to what cargo needs
# to use them.
write_linker() {
    local target=$1 folder=$CARGO_TARGET_DIR/zig/$1 zig variable=${1^^}
    zig=$(printf '%q ' "${ZIG[@]}")
    mkdir -p "$folder"
    # Left out are libraries that crates ask for on general grounds and zig does not have, since nothing
    # of ours calls them; a symbol that is missing after all is an error. On Windows: what zig has under
    # other names, and finds by itself.
    cat >"$folder/linker" <<END
#!/usr/bin/env bash
arguments=()
while ((\$# > 0)); do
    case \$1 in
    -ldevstat | -liconv | -lkvm | -lmemstat | -lprocstat) ;;
    -isysroot) shift ;;
    -lgcc_eh) arguments+=(-lunwind) ;;
    -lgcc | -lmingw32 | -lmingwex | -lmsvcrt | -l:libpthread.a) ;;
    -Wl,-Bdynamic) [[ $target == *-windows-* ]] || arguments+=("\$1") ;;
    -Wl,--disable-auto-image-base) ;;
    *) arguments+=("\$1") ;;
    esac
    shift
done
# Nothing of C is compiled here that a sanitizer could watch; building its library would take longest of all.
exec ${zig}cc -target ${ZIG_TARGETS[$target]} -fno-sanitize=undefined "\${arguments[@]}"
END
    # The tool for libraries that are made of a list of names takes fewer options than the usual one.
    cat >"$folder/x86_64-w64-mingw32-dlltool" <<END
#!/usr/bin/env bash
arguments=()
while ((\$# > 0)); do
    case \$1 in
    --temp-prefix | -f) shift ;;
    --no-leading-underscore) ;;
    *) arguments+=("\$1") ;;
    esac
    shift
done
exec ${zig}dlltool "\${arguments[@]}"
END
    chmod +x "$folder/linker" "$folder/x86_64-w64-mingw32-dlltool"
    # An SDK that is named need not be looked for.
    LINKING=(env "CARGO_TARGET_${variable//-/_}_LINKER=$folder/linker" "PATH=$folder:$PATH"
        "SDKROOT=$folder" CARGO_PROFILE_DEV_DEBUG=0)
}

# What is linked: one program that calls much of what differs between the systems.
program_of() {
    if is_windows "$1"; then
        echo build --example echo -p eventlet-green
    else
        echo test --no-run --test conformance -p eventlet-hub-kqueue
    fi
}

# Links the program for a target whose standard library is there. Sets LINKED to what came of it.
link_for() {
    local before=$FAULTS program package
    LINKED=''
    [[ -n ${ZIG_TARGETS[$1]:-} ]] || return 0
    program=$(program_of "$1")
    package=${program##* }
    is_selected "$package" || return 0
    if ((${#HOW[@]} > 0)); then WHY="its standard library was only checked"; else find_zig || true; fi
    if [[ -n $WHY ]]; then
        skipped "$1: nothing is linked: $WHY"
        LINKED="; not linked, $WHY"
        return 0
    fi
    write_linker "$1"
    # shellcheck disable=SC2086 # the program is a list of words
    run "${LINKING[@]}" cargo $program --quiet --target "$1"
    if ((FAULTS > before)); then LINKED="; FAULT in linking"; else LINKED="; linked, ${program##*-p }"; fi
}

checked=0
report=()
for target in "${TARGETS[@]}"; do
    if is_windows "$target"; then
        read -ra packages <<<"$(chosen "$WINDOWS_FEATURES" "${WINDOWS_PACKAGES[@]}")"
    else
        read -ra packages <<<"$(chosen "$FEATURES" "${PACKAGES[@]}")"
    fi
    if ((${#packages[@]} == 0)); then continue; fi
    if ! find_std "$target"; then
        skipped "$target: $WHY"
        report+=("$target: skipped, $WHY")
        continue
    fi
    options=(--quiet --target "$target" --lib)
    if is_windows "$target"; then options+=(--no-default-features); fi
    if ((${#HOW[@]} > 0)); then options+=('-Zbuild-std=std,panic_abort'); fi
    before=$FAULTS
    run ${HOW[@]+"${HOW[@]}"} cargo check "${options[@]}" "${packages[@]}"
    if ((FAULTS > before)); then
        report+=("$target: FAULT")
        continue
    fi
    checked=$((checked + 1))
    link_for "$target"
    report+=("$target: checked, with $STD$LINKED")
done
printf '%s\n' ${report[@]+"${report[@]}"}
((checked > 0 || ${#TARGETS[@]} == 0)) || ((FAULTS > 0)) || skipped "no target could be checked"
finish "$checked of ${#TARGETS[@]} targets"

#!/usr/bin/env bash
# Installs what the gates use beside cargo, with apt-get, where that is possible: as root on Debian
# and its kin. Elsewhere it says what is missing; gates that lack a tool fail or skip, and say so.
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

TOOLS=(curl g++ git jq nc shellcheck slowhttptest strace telnet valgrind)
# Where the package is not called as the tool is.
declare -A PACKAGES=([nc]=netcat-openbsd)

missing=()
for tool in "${TOOLS[@]}"; do
    has "$tool" || missing+=("${PACKAGES[$tool]:-$tool}")
done
if ((${#missing[@]} > 0)); then
    if has apt-get && [[ $(id -u) == 0 ]]; then
        echo "+ apt-get install ${missing[*]}"
        export DEBIAN_FRONTEND=noninteractive
        apt-get -qq update </dev/null || skipped "apt-get update failed; trying with the lists there are"
        apt-get -qq install --yes --no-install-recommends "${missing[@]}" </dev/null >/dev/null ||
            skipped "apt-get could not install all of: ${missing[*]}"
    else
        skipped "not root on Debian, so not installed: ${missing[*]}"
    fi
fi
for tool in cargo rustc rustfmt cargo-clippy; do
    has "$tool" || fault "$tool is missing: install Rust, with rustfmt and clippy"
done
finish "$((${#TOOLS[@]} + 4)) tools; $(cargo --version), $(rustc --version)"

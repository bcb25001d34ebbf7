#!/usr/bin/env bash
# Builds every example and runs it: servers are started and talked to, the others run to their end.
# `httpd` is built in release mode, as the README has it; the others as the tests build them. An example that this script does not know is run to its end, too.
# CI_EXAMPLES narrows it to these names.
# shellcheck source=ci/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need jq
need curl

# A server that hangs up shows in the exit status of a write.
trap '' PIPE

# How long an example may run.
readonly PATIENCE=120
# Measuring programs do little, for it is not their figures that are wanted here.
export EVENTLET_BENCH_SMOKE=1

# `echoes ARGUMENTS…`: starts an echo server, sends it a line and a large text, and wants both back.
echoes() {
    local line sent got connection
    start_server "$@" || return 0
    if ! exec {connection}<>"/dev/tcp/${ADDRESS/:/\/}"; then
        fault "cannot connect to $ADDRESS"
    else
        { echo hello >&"$connection" && IFS= read -r -t 10 -u "$connection" line; } 2>/dev/null || true
        if [[ ${line:-} != hello ]]; then
            fault "did not echo a line: $*"
        else
            sent=$(seq 1 20000 | tee >(cat >&"$connection") | md5sum)
            got=$(timeout 20 head -n 20000 <&"$connection" | md5sum)
            [[ $got == "$sent" ]] || fault "did not echo 20,000 lines as they were: $*"
        fi
        exec {connection}>&-
    fi
    stop_server KILL || true
}

# `wants WHAT EXPECTED COMMAND…`: the command's output must contain the expected text.
wants() {
    local what=$1 expected=$2 output
    shift 2
    output=$("$@" 2>&1) || { fault "$what: exit status $?: $output"; return; }
    [[ $output == *"$expected"* ]] || fault "$what: no '$expected' in: ${output:0:400}"
}

# `stops ARGUMENTS…`: starts a server and ends it by a signal. It is talked to by tests/examples.
stops() {
    local status=0
    start_server "$@" || return 0
    stop_server TERM || status=$?
    ((status == 0)) || fault "SIGTERM gave exit status $status: $*"
}

serves_http() {
    local url program=$1 status=0 refusal body hub curl=(curl --silent --show-error --max-time 20)
    start_server "$program" --listen 127.0.0.1:0 || return 0
    url=http://$ADDRESS
    wants '/' '<html' "${curl[@]}" "$url/"
    wants '/plaintext' 'Hello, World!' "${curl[@]}" "$url/plaintext"
    wants 'HEAD /plaintext' 'ontent-' "${curl[@]}" --head "$url/plaintext"
    wants 'HTTP/1.0' 'Hello, World!' "${curl[@]}" --http1.0 "$url/plaintext"
    wants 'POST /plaintext' '405' "${curl[@]}" --include --data x "$url/plaintext"
    wants '/json' '{' "${curl[@]}" "$url/json"
    wants '/headers' '"x-test"' "${curl[@]}" --header 'X-Test: 1' "$url/headers"
    wants '/chunked' 'chunk 2' "${curl[@]}" "$url/chunked?n=3&ms=1"
    wants '/slow' 'slow 5' "${curl[@]}" "$url/slow?ms=5"
    wants 'elsewhere' '404' "${curl[@]}" --include "$url/none"
    body=$(mktemp "$TARGET/ci/body.XXXXXX")
    head --bytes=10000000 /dev/urandom >"$body"
    "${curl[@]}" --data-binary "@$body" "$url/echo" | cmp -s - "$body" ||
        fault "/echo gave back something else than the 10 MB it got"
    rm -f "$body"

    # A second one on the same port is told so in one line, and gives up with status 1.
    refusal=$(timeout 20 "$program" --listen "$ADDRESS" 2>&1) || status=$?
    [[ $status == 1 && $(wc -l <<<"$refusal") == 1 ]] ||
        fault "a port in use: status $status and: $refusal"
    status=0
    stop_server TERM || status=$?
    ((status == 0)) || fault "SIGTERM gave exit status $status"

    for hub in poll select; do
        start_server "$program" --listen 127.0.0.1:0 --hub "$hub" || continue
        wants "hub $hub" 'Hello, World!' "${curl[@]}" "http://$ADDRESS/plaintext"
        status=0
        stop_server INT || status=$?
        ((status == 0)) || fault "under $hub, SIGINT gave exit status $status"
    done
    if "$program" --hub nonesuch >/dev/null 2>&1; then fault "took an unknown hub"; fi
}

count=0
names=()
if [[ -z ${CI_EXAMPLES:-} ]]; then
    run cargo build --workspace --examples --quiet
else
    # As all are built together, so that nothing is built anew.
    # shellcheck disable=SC2046,SC2086 # several words are meant
    run cargo build --workspace --quiet $(printf -- '--example %s ' $CI_EXAMPLES)
fi
while read -r package example; do
    is_selected "$package" || continue
    names+=("$example")
    [[ -z ${CI_EXAMPLES:-} || " $CI_EXAMPLES " == *" $example "* ]] || continue
    count=$((count + 1))
    if [[ $example == httpd ]]; then
        # As the gates that watch it and count build it: optimising it is what takes long.
        build_release
        program=$TARGET/release/examples/httpd
    else
        program=$TARGET/debug/examples/$example
    fi
    [[ -x $program ]] || continue
    case $example in
    runloop_echo) echoes "$program" 127.0.0.1:0 ;;
    websocket_*) stops "$program" --listen 127.0.0.1:0 ;;
    *echo | echo_cores) echoes "$program" --listen 127.0.0.1:0 ;;
    chat) stops "$program" --listen 127.0.0.1:0 ;;
    forwarder) stops "$program" --listen 127.0.0.1:0 --to 127.0.0.1:9 ;;
    httpd | testbed) serves_http "$program" ;;
    backdoor | process_pool | https) stops "$program" --listen 127.0.0.1:0 ;;
    cgi) stops "$program" --listen 127.0.0.1:0 --programs "$TARGET/ci" ;;
    logging) stops "$program" --listen 127.0.0.1:0 --file "$TARGET/ci/logging.log" ;;
    supervisor) wants "$example" working "$program" sh -c 'echo working' ;;
    hello | static_files | axum_on_green | json_api) stops "$program" --listen 127.0.0.1:0 ;;
    upload) stops "$program" --listen 127.0.0.1:0 "$TARGET/ci/uploads" ;;
    reverse_proxy) stops "$program" http://127.0.0.1:9 127.0.0.1:0 ;;
    json_client)
        # Nobody keeps notes there.
        if "$program" http://127.0.0.1:9 list 2>/dev/null; then fault "$example listed nothing"; fi
        ;;
    # As many as any kernel and any machine can hold.
    million) run timeout "$PATIENCE" "$program" 20000 </dev/null ;;
    *) run timeout "$PATIENCE" "$program" </dev/null ;;
    esac
done < <(cargo metadata --no-deps --format-version 1 |
    jq -r '.packages[] | .name as $name | .targets[] | select(.kind == ["example"]) | "\($name) \(.name)"')
((count > 0)) || fault "no example was found"

# All examples are built into one folder: a name used twice would be one of them, at random.
while IFS= read -r name; do fault "two examples are named $name"; done < <(
    printf '%s\n' "${names[@]}" | sort | uniq -d)
finish "$count examples"

# What the probes of the scenarios share: they try things inside a sandbox and print one line each, `can WHAT` or
# `cannot WHAT`.
# shellcheck shell=bash

try() {
    local what=$1
    shift
    local said
    if said=$("$@" 2>&1 >/dev/null); then echo "can $what"; else echo "cannot $what"; fi
    [[ -z $said ]] || echo "  $what: ${said##*$'\n'}" >&2
}
opens() { exec 9<"$1"; }
adds() { : >"$1/probe-$$" && rm "$1/probe-$$"; }
# same_into FILE: writes what it says already.
same_into() {
    local value
    value=$(<"$1") && printf '%s' "$value" >"$1"
}

# Sourced by every script here: strict mode, the project root as working directory, and one way to speak.
# shellcheck shell=bash
# The scripts keep to bash 3.2, which is what macOS has.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\n== %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

in_ci() { case "${CI:-}" in '' | 0 | false) return 1 ;; esac; }

# For a check this machine cannot make: loud for a person, fatal where nobody is watching.
skip() {
    if in_ci; then die "$* (CI must not skip it)"; fi
    printf '\n*** SKIPPED: %s\n\n' "$*" >&2
}

# Sourced by every script here: strict mode, the project root as working directory, and one way to speak.
# shellcheck shell=bash
# The scripts keep to bash 3.2, which is what macOS has.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\n== %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

in_ci() { case "${CI:-}" in '' | 0 | false) return 1 ;; esac; }

# Where gmp-mpfr-sys, with CACHE in GMP_MPFR_SYS_CACHE, looks for a compiled GMP of the version that it comes with.
gmp_in_cache() { # CACHE
    local crate version host
    crate=$(gmp_sources)
    version=${crate##*-}
    host=$(rustc -vV | sed -n 's/^host: //p')
    echo "$1/${version%.*}/$host/$version"
}

# The folder of gmp-mpfr-sys.
gmp_sources() {
    cargo metadata --locked --format-version 1 | grep -o '"manifest_path":"[^"]*/gmp-mpfr-sys-[^"]*"' | cut -d '"' -f 4 |
        xargs dirname
}

# For a check this machine cannot make: loud for a person, fatal where nobody is watching.
skip() {
    if in_ci; then die "$* (CI must not skip it)"; fi
    printf '\n*** SKIPPED: %s\n\n' "$*" >&2
}

# Sourced by deploy/quickstart and tests/run: brings the machine to where Python can take over.
#   prepare REQUIREMENTS...   system packages (as root), .venv with the pinned packages of these files
# It may be killed anywhere: what was done is noted after it was done, and what is not noted is done again.

say() { printf '[prepare] %s ...\n' "$*" >&2; }
give_up() {
    printf '[prepare] %s\n' "$*" >&2
    exit 1
}

prepare() {
    prepare_system "$@"
    # Two commands may be typed at once, and the pip of a killed one may still be at work: it inherits the lock.
    exec 9<requirements
    if ! flock --nonblock 9; then
        say "waiting for another installation into .venv"
        flock 9
    fi
    prepare_python "$@"
    exec 9<&-
}

missing_packages() {
    command -v mmdebstrap >/dev/null || [ "$(id -u)" != 0 ] || echo mmdebstrap
    command -v newuidmap >/dev/null || echo uidmap
    /usr/bin/python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
    [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || echo debian-archive-keyring
    command -v perl >/dev/null || echo perl
    [ -d /etc/ssl/certs ] || echo ca-certificates
    # The tests of the records start a server of their own.
    case " $* " in *" dev "*) ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || echo postgresql ;; esac
}

prepare_system() {
    local packages
    command -v apt-get >/dev/null || give_up "This is made for Debian 12 or 13: there is no apt-get here."
    packages=$(missing_packages "$@" | xargs)
    if [ -n "$packages" ]; then
        [ "$(id -u)" = 0 ] ||
            give_up "These Debian packages are missing: ask an administrator to run: apt-get install $packages"
        say "installing Debian packages: $packages"
        update_index
        # shellcheck disable=SC2086
        DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $packages >/dev/null ||
            give_up "apt-get could not install $packages (above it says why): mend that and run this again."
    fi
    # The appliance is built from this machine's own archive, which apt must have looked at once.
    if [ "$(id -u)" = 0 ] && ! apt-get indextargets --format '$(LABEL)' 'Created-By: Packages' | grep -qx Debian; then
        update_index
    fi
    /usr/bin/python3 -c 'import tomllib' 2>/dev/null ||
        give_up "This is made for Debian 12 or 13: /usr/bin/python3 is older than Python 3.11."
}

# One archive that does not answer, of those that a machine knows, is no reason to end here.
update_index() { apt-get update -q >/dev/null || say "apt-get update had errors; going on"; }

prepare_python() {
    local file made_for
    # What is in .venv holds paths of the checkout, and serves one version of Python.
    made_for="$PWD $(readlink -f /usr/bin/python3)"
    if [ "$(cat .venv/made-for 2>/dev/null)" != "$made_for" ]; then
        rm -rf .venv && /usr/bin/python3 -m venv .venv && echo "$made_for" >.venv/made-for ||
            give_up "$PWD/.venv cannot be made (above it says why): use a checkout of your own."
    fi
    for file in "$@"; do
        install "$file" "requirements/$file.txt" --require-hashes -r "requirements/$file.txt"
    done
    install ours "versions.toml setup.py pyproject.toml client/pyproject.toml" \
        --no-deps --no-build-isolation -e . -e client
}

# install NAME FILES ARG...   pip install ARG..., unless that was done when FILES were as they are
install() {
    local name=$1 files=$2 digest
    shift 2
    # shellcheck disable=SC2086
    digest=$(cat $files | sha256sum | cut -c1-16)
    [ "$(cat ".venv/has-$name" 2>/dev/null)" != "$digest" ] || return 0
    [ "$name" = ours ] || say "installing Python packages into .venv"
    .venv/bin/python -m pip install -q --disable-pip-version-check "$@" ||
        give_up "The Python packages could not be installed (above it says why): mend that and run this again."
    echo "$digest" >".venv/has-$name"
}

# Sourced by deploy/quickstart and tests/run: brings the machine to where Python can take over.
#   prepare REQUIREMENTS...   system packages (as root), .venv with the pinned packages of these files

say() { printf '[prepare] %s ...\n' "$*" >&2; }

missing_packages() {
    command -v mmdebstrap >/dev/null || [ "$(id -u)" != 0 ] || echo mmdebstrap
    command -v newuidmap >/dev/null || echo uidmap
    /usr/bin/python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
    [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || echo debian-archive-keyring
    command -v perl >/dev/null || echo perl
    command -v ip >/dev/null || echo iproute2
    [ -d /etc/ssl/certs ] || echo ca-certificates
}

prepare() {
    local packages stamp
    packages=$(missing_packages | tr '\n' ' ')
    if [ -n "$packages" ]; then
        if [ "$(id -u)" != 0 ]; then
            echo "These Debian packages are missing: ask an administrator to run: apt-get install $packages" >&2
            return 1
        fi
        say "installing Debian packages: $packages"
        apt-get update -q >/dev/null
        # shellcheck disable=SC2086
        DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $packages >/dev/null
    fi
    # The appliance is built from this machine's own archive, which apt must have looked at once.
    if [ "$(id -u)" = 0 ] && ! apt-get indextargets --format '$(LABEL)' 'Created-By: Packages' | grep -qx Debian; then
        apt-get update -q >/dev/null
    fi
    stamp=$(cat requirements/*.txt versions.toml setup.py pyproject.toml client/pyproject.toml | sha256sum | cut -c1-16)-$*
    if [ "$(cat .venv/stamp 2>/dev/null)" != "$stamp" ]; then
        say "installing Python packages into .venv"
        [ -x .venv/bin/python ] || /usr/bin/python3 -m venv .venv
        local file
        for file in "$@"; do
            .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r "requirements/$file.txt"
        done
        .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e . -e client
        echo "$stamp" >.venv/stamp
    fi
}

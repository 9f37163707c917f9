# make run    builds and serves a streaming server on http://localhost:3000
# make test   installs what the tests need and runs all of them
# make prove  runs the proofs that take longer than a test may, and prints their figures
# make bench  measures the plant, the power flow beside lightsim2grid, start and idle memory
# make build  builds target/release/gridcast, with the browser client where npm is installed

CARGO ?= cargo
CLIENT := web/node_modules/.package-lock.json

.PHONY: run build test prove bench

run: build
	AUTOSTART=$${AUTOSTART:-1} ./target/release/gridcast

build: $(CLIENT)
	$(CARGO) build --release --locked

# The lock file that npm leaves in node_modules tells what is installed.
$(CLIENT): web/package-lock.json
	@if command -v npm >/dev/null; then npm ci --prefix web --no-audit --no-fund; \
	else echo "npm is not installed: building without the browser client"; fi

test: $(CLIENT)
	sh tests/install.sh
	$(CARGO) fmt --all --check
	$(CARGO) clippy --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --locked
	$(CARGO) test --locked
	TEST_DELIVERY=plain $(CARGO) test --locked --test it -- engineio events slow_readers snapshot socketio
	node --test --test-timeout=300000 tests/js/*.test.js

prove: $(CLIENT)
	sh tests/install.sh
	$(CARGO) test --profile prove --locked --test prove -- --nocapture --test-threads 1

bench: build
	$(CARGO) bench --locked --bench plant --bench delivery
	sh benches/compare.sh
	sh benches/startup.sh target/release/gridcast

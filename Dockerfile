# The browser's Socket.IO client, from npm.
FROM node:20-bookworm-slim AS client
WORKDIR /web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund

FROM rust:1.95-bookworm AS build
WORKDIR /gridcast
# The dependencies with an empty program, so that this layer stays as long as they do. Cargo asks for the
# files of benches and of one test, whatever is in them.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src benches tests \
    && echo 'fn main() {}' > src/main.rs \
    && touch src/lib.rs benches/plant.rs benches/delivery.rs benches/powerflow.rs tests/prove.rs \
    && cargo build --release --locked --bin gridcast
COPY build.rs ./
COPY src src
COPY --from=client /web web
# Newer than the empty program.
RUN touch src/main.rs src/lib.rs && cargo build --release --locked --bin gridcast

FROM debian:bookworm-slim
# Certificates to check that of a Redis with TLS.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
RUN useradd --system --no-create-home --shell /usr/sbin/nologin gridcast
COPY --from=build /gridcast/target/release/gridcast /usr/local/bin/gridcast
USER gridcast
ENV HOST=:: PORT=3000
EXPOSE 3000
HEALTHCHECK --interval=5s --timeout=4s --start-period=5s --retries=3 CMD ["gridcast", "healthcheck"]
ENTRYPOINT ["gridcast"]
CMD ["serve"]

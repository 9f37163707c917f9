# The browser's Socket.IO client, from npm.
FROM node:20-bookworm-slim AS client
WORKDIR /web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund

FROM rust:1.95-bookworm AS build
WORKDIR /gridcast
COPY Cargo.toml Cargo.lock build.rs ./
COPY src src
COPY benches benches
COPY --from=client /web web
RUN cargo build --release --locked --bin gridcast

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

//! Embeds the browser's Socket.IO client where npm has installed it under `web/`. It never runs npm
//! and never needs the network.
#![expect(
    clippy::expect_used,
    reason = "a build script says what is wrong by ending the build"
)]

use std::{env, fmt::Write as _, fs, path::Path};

const NAMES: [&str; 6] = [
    "socket.io.js",
    "socket.io.js.map",
    "socket.io.min.js",
    "socket.io.min.js.map",
    "socket.io.esm.min.js",
    "socket.io.esm.min.js.map",
];

fn main() {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let package = Path::new(&root).join("web/node_modules/socket.io-client");
    let manifest = package.join("package.json");
    println!("cargo::rerun-if-changed=build.rs");
    // A path that does not exist would rerun this every time.
    let watched = if manifest.is_file() {
        manifest.as_path()
    } else {
        Path::new("web")
    };
    println!("cargo::rerun-if-changed={}", watched.display());
    let version = fs::read_to_string(&manifest)
        .ok()
        .and_then(|json| version_of(&json));
    let mut code = format!(
        "/// Version of the client.\nconst VERSION: &str = {:?};\n/// Its files.\nconst FILES: &[ClientFile] = &[\n",
        version.clone().unwrap_or_default()
    );
    for name in NAMES.iter().filter(|_| version.is_some()) {
        let file = package.join("dist").join(name);
        if file.is_file() {
            let path = file.display().to_string();
            writeln!(
                code,
                "    ClientFile {{ name: {name:?}, bytes: include_bytes!({path:?}) }},"
            )
            .expect("writing to a string cannot fail");
        }
    }
    code.push_str("];\n");
    let out = env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("client_files.rs"), code).expect("OUT_DIR can be written");
}

/// The package's version: the value of its only top-level `"version"` key.
fn version_of(json: &str) -> Option<String> {
    let (_, rest) = json.split_once("\"version\"")?;
    Some(rest.split('"').nth(1)?.to_owned())
}

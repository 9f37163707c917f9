//! Origins that may send credentials, in the form in which browsers send them.

use url::Url;

/// Reads a list of origins, each as its serialisation (RFC 6454, section 6.2): scheme and host in
/// lower case, the host in ASCII, no default port. `*` and `null` stay as they are.
pub(super) fn read(text: &str) -> Result<Vec<String>, String> {
    let mut origins = Vec::new();
    let mut problems = Vec::new();
    for item in text.split(',').map(str::trim).filter(|i| !i.is_empty()) {
        match origin(item) {
            Ok(origin) => origins.push(origin),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        return Ok(origins);
    }
    problems.dedup();
    Err(format!(
        "give origins such as http://localhost:5173, separated by commas: {}",
        problems.join("; ")
    ))
}

fn origin(item: &str) -> Result<String, String> {
    if matches!(item, "*" | "null") {
        return Ok(item.to_owned());
    }
    let (scheme, rest) = item
        .split_once("://")
        .ok_or("an origin begins with a scheme such as https://")?;
    let host = rest.strip_suffix('/').unwrap_or(rest);
    for (character, is) in [
        ("@", "an origin has no user or password"),
        ("?", "an origin has no query"),
        ("#", "an origin has no fragment"),
        ("/", "an origin has no path"),
        ("\\", "an origin has no path"),
        (
            "*",
            "`*` by itself stands for any origin, and for nothing else",
        ),
    ] {
        if host.contains(character) {
            return Err(is.into());
        }
    }
    let unfit = || format!("{item:?} is none");
    if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control() || c == '"') {
        return Err(unfit());
    }
    let url = Url::parse(&format!("{scheme}://{host}")).map_err(|_| unfit())?;
    let tuple = url.origin();
    if tuple.is_tuple() {
        return Ok(tuple.ascii_serialization());
    }
    // Apps have schemes of their own, about which nothing more is known.
    let host = url.host_str().ok_or_else(unfit)?.to_ascii_lowercase();
    let port = url.port().map(|port| format!(":{port}"));
    Ok(format!(
        "{}://{host}{}",
        url.scheme(),
        port.unwrap_or_default()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_as_browsers_send_them() {
        for (given, sent) in [
            ("https://host:443", "https://host"),
            ("HTTPS://Host", "https://host"),
            ("http://Host:80/", "http://host"),
            ("http://host:443", "http://host:443"),
            ("https://host:08443", "https://host:8443"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("http://[::1]:5173", "http://[::1]:5173"),
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
            ("Capacitor://localhost", "capacitor://localhost"),
            ("chrome-extension://abcdef", "chrome-extension://abcdef"),
            ("null", "null"),
            ("*", "*"),
        ] {
            assert_eq!(
                read(given).as_deref(),
                Ok(&[sent.to_owned()][..]),
                "{given}"
            );
        }
        let several = read(" HTTP://a ,, https://b:443 ").unwrap();
        assert_eq!(several, ["http://a", "https://b"]);
    }

    #[test]
    fn what_is_no_origin_is_refused_with_the_reason() {
        for (given, reason) in [
            ("host", "scheme"),
            ("https:host", "scheme"),
            ("https://host/app", "path"),
            ("https://host//", "path"),
            ("https://host\\app", "path"),
            ("https://host?x", "query"),
            ("https://host#x", "fragment"),
            ("https://me:pw@host", "user"),
            ("https://*.example.com", "by itself"),
            ("https://", "none"),
            ("https://host:99999", "none"),
            ("https://a b", "none"),
        ] {
            let problem = read(given).unwrap_err();
            assert!(problem.contains(reason), "{given}: {problem}");
            assert!(!problem.contains("pw"), "{problem}");
        }
    }
}

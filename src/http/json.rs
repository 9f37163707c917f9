//! What is wrong with JSON that is well-formed and still cannot be used, and where.
//!
//! The parser takes half a surrogate pair, numbers beyond a double and deep nesting for errors once
//! a value is made of the text. Its own words name a column of a part of the body, so the text is
//! looked through again for the place.

use std::{collections::BTreeMap, fmt};

use serde_json::value::RawValue;

use super::{body::is_object, error::ApiError};

/// Brackets around brackets that the parser goes into.
const DEEPEST: usize = 127;

/// The keys of a JSON object with their values as they were written.
pub(super) type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// Reads an object; `wanted` says what to send instead of anything else.
pub(super) fn fields<'a>(body: &'a [u8], wanted: &str) -> Result<Fields<'a>, ApiError> {
    serde_json::from_slice(body).map_err(|error| {
        let problem = if is_object(body) {
            bad_key(body)
        } else if body.trim_ascii_start().first() == Some(&b'{') {
            format!("{wanted}; this one is not well-formed: {error}")
        } else {
            wanted.to_owned()
        };
        ApiError::BadRequest(vec![problem])
    })
}

/// What is wrong with the keys of a well-formed object that cannot be read.
pub(super) fn bad_key(body: &[u8]) -> String {
    let flaw = std::str::from_utf8(body)
        .ok()
        .and_then(|json| flaw("", json));
    flaw.map_or_else(
        || "the keys must be Unicode text".into(),
        |flaw| flaw.to_string(),
    )
}

/// Why a well-formed value cannot be used.
#[derive(Debug, PartialEq)]
pub(super) struct Flaw {
    /// Where: a path such as `data.list[2]`; empty for the whole.
    place: String,
    cause: Cause,
}

#[derive(Debug, PartialEq)]
enum Cause {
    /// An escape that is half of a pair, before which the text has so many characters.
    Surrogate { escape: String, after: usize },
    /// A number beyond the largest double.
    Number(String),
    /// Too many brackets around brackets.
    Depth,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.place.as_str() {
            "" => "the body",
            place => place,
        };
        match &self.cause {
            Cause::Surrogate { escape, after } => write!(
                f,
                "{place}: character {} is {escape}, half of one: \\ud800 to \\udfff come in pairs only",
                after + 1
            ),
            Cause::Number(number) => write!(
                f,
                "{place}: {number} is beyond the largest number, {:e}",
                f64::MAX
            ),
            Cause::Depth => write!(f, "{place}: more than {DEEPEST} brackets around each other"),
        }
    }
}

/// The first flaw in `json`, a well-formed value that stands at `place`.
pub(super) fn flaw(place: &str, json: &str) -> Option<Flaw> {
    let mut reader = Reader {
        rest: json,
        around: Vec::new(),
    };
    let cause = reader.find()?;
    Some(Flaw {
        place: reader.place(place),
        cause,
    })
}

/// A bracket that is open, and what is being read in it.
enum Around {
    /// An object: its present key, as it was written. Before the first there is none.
    Object(Option<String>),
    /// A list: the index.
    List(usize),
}

/// Goes through well-formed JSON; no recursion, as nesting may be deep.
struct Reader<'a> {
    rest: &'a str,
    around: Vec<Around>,
}

impl Reader<'_> {
    fn find(&mut self) -> Option<Cause> {
        let mut key_is_next = false;
        loop {
            self.rest = self.rest.trim_start();
            let first = self.rest.chars().next()?;
            match first {
                '{' | '[' => {
                    if self.around.len() == DEEPEST {
                        return Some(Cause::Depth);
                    }
                    key_is_next = first == '{';
                    self.around.push(match first {
                        '{' => Around::Object(None),
                        _ => Around::List(0),
                    });
                    self.skip(1);
                }
                '}' | ']' => {
                    self.around.pop();
                    self.skip(1);
                }
                ',' => {
                    match self.around.last_mut() {
                        Some(Around::List(index)) => *index += 1,
                        Some(Around::Object(_)) => key_is_next = true,
                        None => {}
                    }
                    self.skip(1);
                }
                ':' => self.skip(1),
                '"' => {
                    let text = self.string();
                    if let Some(cause) = surrogate(text) {
                        return Some(cause);
                    }
                    if std::mem::take(&mut key_is_next) {
                        let key = text.to_owned();
                        if let Some(Around::Object(present)) = self.around.last_mut() {
                            *present = Some(key);
                        }
                    }
                }
                _ => {
                    let length = self.rest.find([',', '}', ']', ' ', '\t', '\r', '\n']);
                    let word = &self.rest[..length.unwrap_or(self.rest.len())];
                    if word.parse::<f64>().is_ok_and(f64::is_infinite) {
                        return Some(Cause::Number(shortened(word)));
                    }
                    self.skip(word.len());
                }
            }
        }
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }
}

impl<'a> Reader<'a> {
    /// The string that comes next, as it is written between its quotes.
    fn string(&mut self) -> &'a str {
        let text = self.rest.get(1..).unwrap_or_default();
        let mut escaped = false;
        let end = text.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let end = end.unwrap_or(text.len());
        self.rest = text.get(end + 1..).unwrap_or_default();
        &text[..end]
    }

    fn place(&self, beginning: &str) -> String {
        /// Longer ones are no help.
        const LONGEST: usize = 100;
        let mut place = beginning.to_owned();
        for around in &self.around {
            if place.len() > LONGEST {
                place.push_str("...");
                break;
            }
            match around {
                Around::Object(Some(key)) if place.is_empty() => place.push_str(&shortened(key)),
                Around::Object(Some(key)) => {
                    place.push('.');
                    place.push_str(&shortened(key));
                }
                Around::Object(None) => {}
                Around::List(index) => place.extend(["[", &index.to_string(), "]"]),
            }
        }
        place
    }
}

/// As much of `text` as belongs into a message.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// The first half of a surrogate pair that stands alone in the string written as `text`.
fn surrogate(text: &str) -> Option<Cause> {
    let mut rest = text;
    let mut after = 0;
    while let Some(c) = rest.chars().next() {
        let mut length = c.len_utf8();
        if let Some(unit) = unit(rest) {
            length = 6;
            let pair = (0xd800..0xdc00).contains(&unit)
                && rest
                    .get(6..)
                    .and_then(self::unit)
                    .is_some_and(|low| (0xdc00..0xe000).contains(&low));
            if pair {
                length = 12;
            } else if (0xd800..0xe000).contains(&unit) {
                let escape = rest.get(..6).unwrap_or_default().to_owned();
                return Some(Cause::Surrogate { escape, after });
            }
        } else if c == '\\' {
            length = 2;
        }
        rest = rest.get(length..).unwrap_or_default();
        after += 1;
    }
    None
}

/// The UTF-16 code unit that `text` begins with as an escape.
fn unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(json: &str) -> String {
        assert!(serde_json::from_str::<&RawValue>(json).is_ok(), "{json}");
        flaw("data", json).map_or_else(String::new, |flaw| flaw.to_string())
    }

    #[test]
    fn a_flaw_is_named_with_its_place() {
        for (json, wanted) in [
            (r#""half: \ud83d""#, "data: character 7 is \\ud83d, half"),
            (
                r#""\\ud83d \u00e9\ude00""#,
                "data: character 9 is \\ude00, half",
            ),
            (
                r#"{"a": {"b": [1, 1e400]}}"#,
                "data.a.b[1]: 1e400 is beyond",
            ),
            (r#"[{"x": 1}, -1e999 ]"#, "data[1]: -1e999 is beyond"),
            (r#"{"a": 1, "\ud800": 1}"#, "data.a: character 1 is \\ud800"),
            ("1e400", "data: 1e400 is beyond"),
        ] {
            let said = said(json);
            assert!(said.starts_with(wanted), "{json}: {said}");
            assert!(serde_json::from_str::<serde_json::Value>(json).is_err());
        }
    }

    #[test]
    fn what_the_parser_takes_has_none() {
        let deepest = format!("{}{}", "[".repeat(DEEPEST), "]".repeat(DEEPEST));
        for json in [
            r#""\ud83d\ude00 \"\\\ud83d\ude00""#,
            r#"{"a": [], "b": {}, "c": [1e308, null, true, "]"]}"#,
            &deepest,
        ] {
            assert!(serde_json::from_str::<serde_json::Value>(json).is_ok());
            assert_eq!(said(json), "", "{json}");
        }
    }

    #[test]
    fn deep_nesting_is_named() {
        for depth in [DEEPEST + 1, 50_000] {
            let json = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            assert!(serde_json::from_str::<serde_json::Value>(&json).is_err());
            let said = said(&json);
            assert!(said.contains("more than 127 brackets"), "{said}");
            assert!(said.len() < 400, "{said}");
        }
    }
}

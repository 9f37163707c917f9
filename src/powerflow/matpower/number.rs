//! Numbers as MATLAB writes them.

use super::cursor::{Cursor, blank, starts_word};

impl Cursor<'_> {
    /// A number without a sign, such as `1`, `.5`, `1.e3` or `1.0d-2`. None, and nothing taken, where
    /// there is none or more follows, as in `2i` or `0x1F`.
    pub(super) fn number(&mut self) -> Option<f64> {
        let length = unsigned(self.rest())?;
        let value = parsed(&self.rest()[..length])?;
        self.advance(length);
        Some(value)
    }

    /// A number with or without a sign that is a whole element of a matrix. None, and nothing taken,
    /// where that takes more than a look.
    pub(super) fn plain_element(&mut self) -> Option<f64> {
        let rest = self.rest();
        let (sign, digits) = match rest.first()? {
            b'-' => (-1.0, &rest[1..]),
            b'+' => (1.0, &rest[1..]),
            _ => (1.0, rest),
        };
        let length = unsigned(digits)?;
        let behind = &digits[length..];
        let blanks = behind.iter().take_while(|byte| blank(**byte)).count();
        let alone = match behind.get(blanks..)? {
            [b',' | b';' | b'\n' | b'\r' | b']' | b'%', ..] => true,
            [b'0'..=b'9', ..] => blanks > 0,
            [b'-' | b'+', next, ..] => blanks > 0 && (next.is_ascii_digit() || *next == b'.'),
            _ => false,
        };
        let value = sign * parsed(&digits[..length])?;
        alone.then(|| {
            self.advance(rest.len() - digits.len() + length);
            value
        })
    }

    /// What stands here, for a message.
    pub(super) fn shown(&self) -> String {
        let rest = self.rest();
        let Some(first) = rest.first() else {
            return "the end of the file".to_owned();
        };
        let in_token = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
        match first {
            b'\n' | b'\r' => "the end of the line".to_owned(),
            _ if in_token(first) => {
                let token: Vec<u8> = rest.iter().copied().take_while(in_token).take(40).collect();
                format!("`{}`", String::from_utf8_lossy(&token))
            }
            _ => {
                let start = &rest[..rest.len().min(4)];
                let text = String::from_utf8_lossy(start);
                let first = text.chars().next().unwrap_or(char::REPLACEMENT_CHARACTER);
                format!("`{}`", first.escape_debug())
            }
        }
    }
}

/// How many bytes of the text are a number without a sign.
fn unsigned(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let whole = digits(0);
    let mut end = whole;
    let mut fraction = 0;
    if text.get(end) == Some(&b'.') {
        let next = text.get(end + 1).copied();
        let operator = next.is_some_and(|byte| matches!(byte, b'*' | b'/' | b'\\' | b'^' | b'\''));
        let continued = text[end..].starts_with(b"...");
        if !(operator || continued) {
            fraction = digits(end + 1);
            end += 1 + fraction;
        }
    }
    if whole + fraction == 0 {
        return None;
    }
    if matches!(text.get(end), Some(b'e' | b'E' | b'd' | b'D')) {
        let sign = usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    let more = text
        .get(end)
        .is_some_and(|byte| starts_word(*byte) || *byte >= 0x80);
    (!more).then_some(end)
}

fn parsed(number: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(number).ok()?;
    match text.parse() {
        Ok(value) => Some(value),
        Err(_) => text.replace(['d', 'D'], "e").parse().ok(),
    }
}

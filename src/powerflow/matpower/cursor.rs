//! Walks over the text of a case file, byte by byte.
//!
//! Comments and strings may hold any bytes. Lines end in LF, CRLF or CR.

use super::refusal::Refusal;

/// A place in the text that the cursor can go back to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    at: usize,
    line: u32,
    line_start: usize,
}

/// Walks over the text and knows where it is.
pub(super) struct Cursor<'a> {
    text: &'a [u8],
    mark: Mark,
    /// The first block comment without an end.
    pub(super) open_comment: Option<(u32, usize)>,
}

/// Words that begin or end a block or a function, and can be nothing else.
const RESERVED: [&str; 29] = [
    "if",
    "elseif",
    "else",
    "for",
    "parfor",
    "while",
    "switch",
    "case",
    "otherwise",
    "try",
    "catch",
    "unwind_protect",
    "unwind_protect_cleanup",
    "spmd",
    "function",
    "return",
    "break",
    "continue",
    "global",
    "persistent",
    "end",
    "endif",
    "endfor",
    "endwhile",
    "endswitch",
    "endfunction",
    "endparfor",
    "end_try_catch",
    "end_unwind_protect",
];

pub(super) fn reserved(word: &str) -> bool {
    RESERVED.contains(&word)
}

pub(super) fn starts_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

pub(super) fn blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x0b | 0x0c)
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        let at = if text.starts_with(b"\xef\xbb\xbf") {
            3
        } else {
            0
        };
        Self {
            text,
            mark: Mark {
                at,
                line: 1,
                line_start: at,
            },
            open_comment: None,
        }
    }

    pub(super) fn mark(&self) -> Mark {
        self.mark
    }

    pub(super) fn back_to(&mut self, mark: Mark) {
        self.mark = mark;
    }

    pub(super) fn line(&self) -> u32 {
        self.mark.line
    }

    /// Line and column, from 1; a column is a byte.
    pub(super) fn place(&self) -> (u32, usize) {
        (self.mark.line, self.mark.at - self.mark.line_start + 1)
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.mark.at + ahead).copied()
    }

    /// What is left of the text.
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.text[self.mark.at.min(self.text.len())..]
    }

    /// Whether the text goes on with these bytes.
    pub(super) fn sees(&self, bytes: &str) -> bool {
        self.rest().starts_with(bytes.as_bytes())
    }

    /// Goes on within the line.
    pub(super) fn advance(&mut self, bytes: usize) {
        self.mark.at = (self.mark.at + bytes).min(self.text.len());
    }

    /// Takes these bytes if they come next.
    pub(super) fn take(&mut self, bytes: &str) -> bool {
        let there = self.sees(bytes);
        if there {
            self.advance(bytes.len());
        }
        there
    }

    /// Takes the end of a line.
    pub(super) fn take_line_end(&mut self) {
        let length = if self.sees("\r\n") { 2 } else { 1 };
        self.advance(length);
        self.mark.line = self.mark.line.saturating_add(1);
        self.mark.line_start = self.mark.at;
    }

    /// A word, which may be empty.
    pub(super) fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let length = match rest.first() {
            Some(first) if starts_word(*first) => rest
                .iter()
                .position(|byte| !in_word(*byte))
                .unwrap_or(rest.len()),
            _ => 0,
        };
        self.advance(length);
        std::str::from_utf8(&rest[..length]).unwrap_or_default()
    }

    /// The word that comes next.
    pub(super) fn next_word(&self) -> &'a str {
        Self {
            text: self.text,
            mark: self.mark,
            open_comment: None,
        }
        .word()
    }

    /// Skips blanks, comments and continued line ends, but not the end of a line; whether there were any.
    pub(super) fn blanks(&mut self) -> bool {
        let start = self.mark.at;
        loop {
            match self.peek() {
                Some(byte) if blank(byte) => self.advance(1),
                Some(b'%' | b'#') => self.comment(),
                Some(b'.') if self.sees("...") => {
                    self.rest_of_line();
                    if self.peek().is_some() {
                        self.take_line_end();
                    }
                }
                _ => return self.mark.at > start,
            }
        }
    }

    /// Skips blanks, line ends and whatever else separates statements.
    pub(super) fn separators(&mut self) {
        loop {
            self.blanks();
            match self.peek() {
                Some(b'\n' | b'\r') => self.take_line_end(),
                Some(b';' | b',') => self.advance(1),
                _ => return,
            }
        }
    }

    /// A comment to the end of the line, or a block from a line `%{` to a line `%}`.
    fn comment(&mut self) {
        let place = self.place();
        let before = &self.text[self.mark.line_start..self.mark.at];
        let alone = before.iter().all(|byte| blank(*byte));
        let line = self.rest_of_line().trim_ascii();
        if !(alone && matches!(line, b"%{" | b"#{")) {
            return;
        }
        let mut depth = 1_usize;
        while depth > 0 {
            if self.peek().is_none() {
                self.open_comment.get_or_insert(place);
                return;
            }
            self.take_line_end();
            match self.rest_of_line().trim_ascii() {
                b"%{" | b"#{" => depth += 1,
                b"%}" | b"#}" => depth -= 1,
                _ => {}
            }
        }
    }

    /// Goes to the end of the line; what stands before it.
    pub(super) fn rest_of_line(&mut self) -> &'a [u8] {
        let rest = self.rest();
        let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let (line, _) = rest.split_at(end.unwrap_or(rest.len()));
        self.advance(line.len());
        line
    }

    /// A text in quotes. MATLAB and Octave read `"\"` differently, so that is refused.
    pub(super) fn string(&mut self, quote: u8) -> Result<(), Refusal> {
        let start = self.place();
        self.advance(1);
        loop {
            match self.peek() {
                None | Some(b'\n' | b'\r') => {
                    return Err(Refusal::at(start, "the text in quotes has no end"));
                }
                Some(b'\\') if quote == b'"' && self.peek_at(1) == Some(b'"') => {
                    return Err(Refusal::at(start, "`\\\"` within a text is ambiguous"));
                }
                Some(byte) if byte == quote => {
                    self.advance(1);
                    if self.peek() != Some(quote) {
                        return Ok(());
                    }
                    self.advance(1);
                }
                Some(_) => self.advance(1),
            }
        }
    }
}

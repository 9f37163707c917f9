//! Why a statement is refused, or a value is not known.

use std::fmt::Display;

/// A reason and its place: line and column, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) line: u32,
    pub(super) column: usize,
    pub(super) text: String,
}

impl Refusal {
    pub(super) fn at((line, column): (u32, usize), text: impl Display) -> Self {
        Self {
            line,
            column,
            text: text.to_string(),
        }
    }
}

/// A word of the file, short enough for a message.
pub(super) fn shown(word: &str) -> String {
    const LONGEST: usize = 40;
    match word.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("`{}…`", &word[..end]),
        None => format!("`{word}`"),
    }
}

//! Goes over what is not evaluated, without losing sight of where it ends.

use super::{
    cursor::{Cursor, reserved, starts_word},
    refusal::{Refusal, shown},
};

/// What may stand in the text that is gone over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Skip {
    /// Anything: it is not executed.
    Idle,
    /// Nothing that could change a variable: it is executed.
    Harmless,
}

/// Functions that can change any variable of who calls them, or execute what is not known.
pub(super) const POWERFUL: [&str; 17] = [
    "eval",
    "evalc",
    "evalin",
    "assignin",
    "feval",
    "builtin",
    "str2func",
    "load",
    "run",
    "source",
    "clear",
    "clearvars",
    "clearall",
    "input",
    "keyboard",
    "inputParser",
    "exec",
];

impl Cursor<'_> {
    /// Goes to the end of the statement, which is not taken: `;`, `,` or the end of a line outside of
    /// brackets and strings, or the word that begins or ends a block.
    pub(super) fn skip_statement(&mut self, skip: Skip) -> Result<(), Refusal> {
        let mut open = Vec::new();
        self.go_over(skip, &mut open, |cursor, open| {
            open.is_empty() && matches!(cursor.peek(), Some(b';' | b',' | b'\n' | b'\r'))
        })
    }

    /// Goes behind the bracket that closes the one here.
    pub(super) fn skip_group(&mut self, skip: Skip) -> Result<(), Refusal> {
        let Some(bracket) = self.peek() else {
            return Ok(());
        };
        let place = self.place();
        self.advance(1);
        let mut open = vec![(bracket, place)];
        self.go_over(skip, &mut open, |_, open| open.is_empty())
    }

    fn go_over(
        &mut self,
        skip: Skip,
        open: &mut Vec<(u8, (u32, usize))>,
        done: impl Fn(&Self, &[(u8, (u32, usize))]) -> bool,
    ) -> Result<(), Refusal> {
        // Whether a quote would transpose what stands before it.
        let mut operand = false;
        loop {
            if done(self, open) {
                return Ok(());
            }
            let spaced = self.blanks();
            if done(self, open) {
                return Ok(());
            }
            let inner = open.last().map(|(bracket, _)| *bracket);
            if spaced && matches!(inner, Some(b'[' | b'{')) {
                operand = false;
            }
            let place = self.place();
            let Some(byte) = self.peek() else {
                return match open.last() {
                    Some((bracket, place)) => Err(no_end(*bracket, *place)),
                    None => Ok(()),
                };
            };
            match byte {
                b'\n' | b'\r' => {
                    ends_line(open)?;
                    self.take_line_end();
                    operand = false;
                }
                b'(' | b'[' | b'{' => {
                    open.push((byte, place));
                    self.advance(1);
                    operand = false;
                }
                b')' | b']' | b'}' => {
                    closes(inner, byte, place)?;
                    open.pop();
                    self.advance(1);
                    operand = true;
                }
                _ => match self.skip_token(skip, byte, operand, open.is_empty())? {
                    Some(is_operand) => operand = is_operand,
                    None => return Ok(()),
                },
            }
        }
    }

    /// Skips what is neither a bracket nor the end of a line: whether it is an operand, which a quote behind
    /// it would transpose. None where it is a word that does not belong to the statement.
    fn skip_token(
        &mut self,
        skip: Skip,
        byte: u8,
        operand: bool,
        outermost: bool,
    ) -> Result<Option<bool>, Refusal> {
        match byte {
            b'\'' if operand => {
                self.advance(1);
                return Ok(Some(operand));
            }
            b'\'' | b'"' => self.string(byte)?,
            _ if starts_word(byte) => {
                if !self.skip_word(skip, outermost)? {
                    return Ok(None);
                }
            }
            b'.' if self.peek_at(1).is_some_and(starts_word) => {
                self.advance(1);
                self.word();
            }
            b'0'..=b'9' => self.skip_number(),
            b'.' if self.peek_at(1) == Some(b'\'') => self.advance(2),
            _ => {
                self.skip_operator(skip, byte)?;
                return Ok(Some(false));
            }
        }
        Ok(Some(true))
    }

    /// Whether the word belongs to the statement.
    fn skip_word(&mut self, skip: Skip, ends: bool) -> Result<bool, Refusal> {
        let (mark, place) = (self.mark(), self.place());
        let word = self.word();
        if ends && reserved(word) {
            self.back_to(mark);
            return Ok(false);
        }
        if skip == Skip::Harmless && POWERFUL.contains(&word) {
            return Err(powerful(word, place));
        }
        Ok(true)
    }

    fn skip_number(&mut self) {
        while let Some(byte) = self.peek() {
            let inside = byte.is_ascii_alphanumeric()
                || (byte == b'.' && self.peek_at(1).is_some_and(|next| next.is_ascii_digit()));
            if !inside {
                return;
            }
            self.advance(1);
        }
    }

    fn skip_operator(&mut self, skip: Skip, byte: u8) -> Result<(), Refusal> {
        let next = self.peek_at(1);
        let compares = matches!(byte, b'=' | b'<' | b'>' | b'~' | b'!') && next == Some(b'=');
        if skip == Skip::Harmless && !compares {
            let counts = matches!(byte, b'+' | b'-') && next == Some(byte);
            if byte == b'=' || counts {
                let text = "an assignment within a statement is not followed";
                return Err(Refusal::at(self.place(), text));
            }
        }
        self.advance(if compares { 2 } else { 1 });
        Ok(())
    }
}

pub(super) fn powerful(word: &str, place: (u32, usize)) -> Refusal {
    let text = format!(
        "{} may change any variable: write what it does into the file",
        shown(word)
    );
    Refusal::at(place, text)
}

/// Whether a closing bracket belongs to the innermost one that is open.
fn closes(inner: Option<u8>, byte: u8, place: (u32, usize)) -> Result<(), Refusal> {
    match (inner, byte) {
        (Some(b'('), b')') | (Some(b'['), b']') | (Some(b'{'), b'}') => Ok(()),
        _ => {
            let problem = format!("`{}` closes nothing", char::from(byte));
            Err(Refusal::at(place, problem))
        }
    }
}

/// Whether a line may end here: round brackets end on their line.
fn ends_line(open: &[(u8, (u32, usize))]) -> Result<(), Refusal> {
    match open.last() {
        Some((b'(', place)) => Err(no_end(b'(', *place)),
        _ => Ok(()),
    }
}

fn no_end(bracket: u8, place: (u32, usize)) -> Refusal {
    let text = match bracket {
        b'[' => "the matrix has no end",
        b'{' => "the cell array has no end",
        _ => "the parenthesis has no end on its line",
    };
    Refusal::at(place, text)
}

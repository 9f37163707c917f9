//! Where the file's function begins, and the other functions behind it.

use super::{
    blocks::OPENING,
    cursor::reserved,
    evaluator::Evaluator,
    refusal::{Refusal, shown},
    skip::Skip,
};

/// The first line of a function.
#[derive(Debug, Default)]
pub(super) struct Header {
    pub(super) name: String,
    /// The variables that it gives.
    pub(super) outputs: Vec<String>,
}

impl Evaluator<'_> {
    /// The first line of the file's function.
    pub(super) fn read_header(&mut self) -> Result<(), Refusal> {
        self.header = Some(self.function_header()?);
        Ok(())
    }

    /// `function name`, `function out = name(…)` or `function [out, out] = name(…)`.
    fn function_header(&mut self) -> Result<Header, Refusal> {
        self.cursor.word();
        self.cursor.blanks();
        let mut header = Header::default();
        if self.cursor.take("[") {
            loop {
                self.cursor.blanks();
                self.cursor.take(",");
                self.cursor.blanks();
                let output = self.cursor.word();
                if output.is_empty() {
                    break;
                }
                header.outputs.push(output.to_owned());
            }
            self.close(b']')?;
            self.close(b'=')?;
            self.cursor.blanks();
        }
        self.cursor.word().clone_into(&mut header.name);
        self.cursor.blanks();
        if header.outputs.is_empty() && self.cursor.take("=") {
            self.cursor.blanks();
            header.outputs.push(std::mem::take(&mut header.name));
            self.cursor.word().clone_into(&mut header.name);
        }
        if header.name.is_empty() {
            return Err(self.refusal("the function has no name"));
        }
        while self.cursor.take(".") {
            self.cursor.word();
        }
        self.cursor.blanks();
        if self.cursor.peek() == Some(b'(') {
            self.cursor.skip_group(Skip::Harmless)?;
        }
        self.statement_ends()?;
        Ok(header)
    }

    /// Goes over the functions that follow, whose variables are not the case's, and over what is left of
    /// the file's own after a `return`.
    pub(super) fn functions(&mut self, around: Around) -> Result<(), Refusal> {
        let start = self.cursor.place();
        let mut depth = 0_usize;
        let mut inside = around == Around::Returned;
        loop {
            self.cursor.separators();
            if self.cursor.peek().is_none() {
                return Ok(());
            }
            let word = self.cursor.next_word();
            if word == "function" {
                let place = self.cursor.place();
                let header = self.function_header()?;
                if self.used.contains(header.name.as_str()) {
                    let text = format!("{} is defined anew here", shown(&header.name));
                    return Err(Refusal::at(place, text));
                }
                inside = true;
                continue;
            }
            if !inside {
                return Err(self.refusal("nothing but functions may follow here"));
            }
            if !reserved(word) {
                self.cursor.skip_statement(Skip::Idle)?;
                continue;
            }
            self.cursor.advance(word.len());
            if OPENING.contains(&word) {
                depth += 1;
            } else if word.starts_with("end") && depth > 0 {
                depth -= 1;
            } else if word.starts_with("end") {
                if around == Around::Open {
                    let text = "a function within the function is not followed";
                    return Err(Refusal::at(start, text));
                }
                inside = false;
            }
        }
    }
}

/// What the functions behind the file's own statements stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Around {
    /// Nothing: the file's own function has its `end`, or the file is a script.
    Nothing,
    /// The file's own function, which has no `end` yet. If they have one, they are functions within it,
    /// which share its variables; else none has, and a function ends where the next begins.
    Open,
    /// The file's own function, which returned.
    Returned,
}

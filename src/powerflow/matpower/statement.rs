//! Executes the statements of the file, one after the other.

use super::{
    blocks::{After, Mode, open},
    columns,
    cursor::{reserved, starts_word},
    evaluator::Evaluator,
    expression::Within,
    functions::Around,
    refusal::{Refusal, shown},
    skip::Skip,
    value::Value,
};

/// Commands that change no variable.
const HARMLESS: [&str; 22] = [
    "disp",
    "display",
    "fprintf",
    "printf",
    "fdisp",
    "fputs",
    "puts",
    "fflush",
    "warning",
    "format",
    "more",
    "clc",
    "tic",
    "toc",
    "close",
    "figure",
    "hold",
    "drawnow",
    "beep",
    "assert",
    "pause",
    "page_screen_output",
];

impl Evaluator<'_> {
    /// Executes the whole file.
    pub(super) fn run(&mut self) -> Result<(), Refusal> {
        self.cursor.separators();
        if self.cursor.next_word() == "function" {
            self.read_header()?;
        }
        loop {
            self.cursor.separators();
            if self.cursor.peek().is_none() {
                break;
            }
            match self.statement()? {
                After::More => {}
                After::Closed if self.header.is_some() => {
                    self.functions(Around::Nothing)?;
                    break;
                }
                After::Closed => return Err(self.refusal("the `end` before this ends nothing")),
                After::Returned => return self.functions(Around::Returned),
                After::Function => {
                    let around = match self.header {
                        Some(_) => Around::Open,
                        None => Around::Nothing,
                    };
                    self.functions(around)?;
                    break;
                }
            }
        }
        if let Some(block) = self.blocks.last() {
            return Err(open(block));
        }
        match self.cursor.open_comment {
            Some(place) => Err(Refusal::at(place, "the comment has no end")),
            None => Ok(()),
        }
    }

    fn statement(&mut self) -> Result<After, Refusal> {
        if reserved(self.cursor.next_word()) {
            return self.reserved();
        }
        if matches!(self.mode(), Mode::Skip) {
            return self.cursor.skip_statement(Skip::Idle).map(|()| After::More);
        }
        match self.cursor.peek() {
            Some(byte) if starts_word(byte) => {
                if self.assigns() {
                    self.assign()?;
                } else {
                    self.command()?;
                }
            }
            Some(b'[') if self.assigns_several() => self.assign_several()?,
            _ => self.shown_value()?,
        }
        self.statement_ends()?;
        Ok(After::More)
    }

    /// Whether a bracket holds what is assigned to.
    fn assigns_several(&mut self) -> bool {
        let mark = self.cursor.mark();
        let group = self.cursor.skip_group(Skip::Idle);
        self.cursor.blanks();
        let equals = self.cursor.peek() == Some(b'=') && self.cursor.peek_at(1) != Some(b'=');
        self.cursor.back_to(mark);
        group.is_ok() && equals
    }

    /// A statement that begins with a word and assigns nothing.
    fn command(&mut self) -> Result<(), Refusal> {
        let (mark, place) = (self.cursor.mark(), self.cursor.place());
        let word = self.cursor.word();
        if self.known(word) {
            self.cursor.back_to(mark);
            return self.shown_value();
        }
        if HARMLESS.contains(&word) {
            return self.cursor.skip_statement(Skip::Harmless);
        }
        if word == "define_constants" {
            self.used.insert("define_constants");
            let mode = self.mode();
            for (name, value) in columns::defined() {
                let value = match &mode {
                    Mode::Doubtful(refusal) => Value::Unknown(refusal.clone()),
                    _ => Value::Number(value),
                };
                self.set(name, value);
            }
            return Ok(());
        }
        let text = format!(
            "cannot follow what {} does: write its result into the file",
            shown(word)
        );
        Err(Refusal::at(place, text))
    }

    /// An expression whose value is shown and then forgotten.
    fn shown_value(&mut self) -> Result<(), Refusal> {
        self.expression(Within::Statement)?;
        let text = "what was shown last is not kept";
        self.forget("ans", Refusal::at(self.cursor.place(), text));
        Ok(())
    }

    /// What follows a statement must be its end.
    pub(super) fn statement_ends(&mut self) -> Result<(), Refusal> {
        self.cursor.blanks();
        match self.cursor.peek() {
            None | Some(b';' | b',' | b'\n' | b'\r') => Ok(()),
            Some(_) if reserved(self.cursor.next_word()) => Ok(()),
            Some(_) => {
                let text = format!("{} is not understood here", self.cursor.shown());
                Err(self.refusal(text))
            }
        }
    }
}

//! Blocks from `if` to `end`: which of their statements are executed.

use std::rc::Rc;

use super::{
    evaluator::Evaluator,
    expression::Within,
    refusal::{Refusal, shown},
    skip::Skip,
    value::Value,
};

/// How the statements of a block are read.
#[derive(Debug, Clone)]
pub(super) enum Mode {
    /// They are executed.
    Run,
    /// They are not executed.
    Skip,
    /// It is not known whether, or how often: what they assign is not known afterwards, and this is why.
    Doubtful(Rc<Refusal>),
}

/// An open block.
#[derive(Debug, Clone)]
pub(super) struct Block {
    place: (u32, usize),
    word: &'static str,
    pub(super) mode: Mode,
    /// Of an `if` in a text that is executed: whether one of its branches was.
    done: bool,
}

/// The words that open a block.
pub(super) const OPENING: [&str; 8] = [
    "if",
    "for",
    "parfor",
    "while",
    "switch",
    "try",
    "unwind_protect",
    "spmd",
];

/// The words that may open another part of a block, and the block's word.
const DIVIDING: [(&str, &str); 6] = [
    ("elseif", "if"),
    ("else", "if"),
    ("case", "switch"),
    ("otherwise", "switch"),
    ("catch", "try"),
    ("unwind_protect_cleanup", "unwind_protect"),
];

/// What a reserved word did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// The function goes on.
    More,
    /// The function is over, and its `end` was taken.
    Closed,
    /// The function is over: it returns.
    Returned,
    /// Another function begins.
    Function,
}

impl Evaluator<'_> {
    /// A statement that begins with a reserved word.
    pub(super) fn reserved(&mut self) -> Result<After, Refusal> {
        let place = self.cursor.place();
        let word = self.cursor.next_word();
        if word == "function" {
            return match self.blocks.last() {
                None => Ok(After::Function),
                Some(block) => Err(open(block)),
            };
        }
        self.cursor.advance(word.len());
        if word.starts_with("end") {
            return Ok(match self.blocks.pop() {
                Some(_) => After::More,
                None => After::Closed,
            });
        }
        if let Some(word) = OPENING.into_iter().find(|opening| *opening == word) {
            self.open(word, place)?;
        } else if let Some((word, of)) =
            DIVIDING.into_iter().find(|(dividing, _)| *dividing == word)
        {
            self.divide(word, of, place)?;
        } else {
            return self.leave(word, place);
        }
        Ok(After::More)
    }

    /// A word that leaves a block or the function, or that ties variables to others.
    fn leave(&mut self, word: &str, place: (u32, usize)) -> Result<After, Refusal> {
        match self.mode() {
            Mode::Skip => self.cursor.skip_statement(Skip::Idle).map(|()| After::More),
            Mode::Run if word == "return" => Ok(After::Returned),
            Mode::Doubtful(_) if matches!(word, "break" | "continue") => Ok(After::More),
            _ => {
                let text = format!("cannot follow {} here", shown(word));
                Err(Refusal::at(place, text))
            }
        }
    }

    fn open(&mut self, word: &'static str, place: (u32, usize)) -> Result<(), Refusal> {
        let mode = match self.mode() {
            Mode::Skip => Mode::Skip,
            outer => {
                let condition = self.opening(word, place)?;
                match (outer, condition) {
                    (doubtful @ Mode::Doubtful(_), _) => doubtful,
                    (_, Some(true)) => Mode::Run,
                    (_, Some(false)) => Mode::Skip,
                    (_, None) => doubt(word, place),
                }
            }
        };
        let done = matches!(mode, Mode::Run);
        self.blocks.push(Block {
            place,
            word,
            mode,
            done,
        });
        Ok(())
    }

    /// What follows the word that opens a block: whether the condition holds, where that is known.
    fn opening(&mut self, word: &str, place: (u32, usize)) -> Result<Option<bool>, Refusal> {
        match word {
            "if" => return self.condition(),
            "while" | "switch" => {
                self.expression(Within::Statement)?;
            }
            "for" => {
                self.cursor.blanks();
                let parenthesis = self.cursor.take("(");
                self.cursor.blanks();
                let variable = self.cursor.word();
                self.close(b'=')?;
                self.forget(variable, Refusal::at(place, "a loop counts it"));
                self.expression(Within::Statement)?;
                if parenthesis {
                    self.close(b')')?;
                }
            }
            "try" | "unwind_protect" => {}
            _ => {
                let text = format!("cannot follow {} here", shown(word));
                return Err(Refusal::at(place, text));
            }
        }
        Ok(None)
    }

    /// Whether a condition holds, where that is known.
    fn condition(&mut self) -> Result<Option<bool>, Refusal> {
        Ok(match self.expression(Within::Statement)? {
            Value::Number(number) if !number.is_nan() => Some(number != 0.0),
            _ => None,
        })
    }

    fn divide(&mut self, word: &str, of: &str, place: (u32, usize)) -> Result<(), Refusal> {
        let outer = match self.blocks.len() {
            0 | 1 => Mode::Run,
            count => self.blocks[count - 2].mode.clone(),
        };
        let Some(mut block) = self.blocks.pop().filter(|block| block.word == of) else {
            let text = format!("{} without {}", shown(word), shown(of));
            return Err(Refusal::at(place, text));
        };
        block.mode = match (&outer, word) {
            (Mode::Skip, _) => Mode::Skip,
            (Mode::Run, "else") if !matches!(block.mode, Mode::Doubtful(_)) => {
                if block.done {
                    Mode::Skip
                } else {
                    Mode::Run
                }
            }
            (Mode::Run, "elseif") if block.done => Mode::Skip,
            (_, "elseif") => match (self.condition()?, &block.mode) {
                (_, Mode::Doubtful(_)) => block.mode,
                (Some(true), _) => Mode::Run,
                (Some(false), _) => Mode::Skip,
                (None, _) => doubt("elseif", place),
            },
            (_, "case") => {
                self.expression(Within::Statement)?;
                block.mode
            }
            (_, "catch") => {
                self.caught(place);
                block.mode
            }
            _ => block.mode,
        };
        block.done |= matches!(block.mode, Mode::Run);
        self.blocks.push(block);
        Ok(())
    }

    /// The variable behind `catch`, on the same line.
    fn caught(&mut self, place: (u32, usize)) {
        let mark = self.cursor.mark();
        self.cursor.blanks();
        let name = self.cursor.word();
        self.cursor.blanks();
        if !name.is_empty()
            && matches!(self.cursor.peek(), None | Some(b'\n' | b'\r' | b';' | b','))
        {
            self.forget(name, Refusal::at(place, "it is the error that was caught"));
        } else {
            self.cursor.back_to(mark);
        }
    }
}

/// That a block has no end.
pub(super) fn open(block: &Block) -> Refusal {
    Refusal::at(block.place, format!("{} has no end", shown(block.word)))
}

fn doubt(word: &str, place: (u32, usize)) -> Mode {
    let text = match word {
        "if" | "elseif" => "the condition is not evaluated, hence not what follows it".to_owned(),
        _ => format!("what happens within {} is not evaluated", shown(word)),
    };
    Mode::Doubtful(Rc::new(Refusal::at(place, text)))
}

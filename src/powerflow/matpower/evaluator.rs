//! What the statements read so far have done.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    blocks::{Block, Mode},
    cursor::Cursor,
    functions::Header,
    refusal::Refusal,
    value::Value,
};

/// How many numbers may be computed, apart from those that stand in the file: some 128 MB.
const MOST_COMPUTED: usize = 1 << 24;

/// The text, and what its statements have done.
pub(super) struct Evaluator<'a> {
    pub(super) cursor: Cursor<'a>,
    /// What the file says of itself, if it is a function.
    pub(super) header: Option<Header>,
    variables: BTreeMap<String, Value>,
    /// The blocks that are open, the outermost first.
    pub(super) blocks: Vec<Block>,
    /// How deep the present expression is nested.
    pub(super) depth: usize,
    computed: usize,
    /// The functions and constants that were taken for MATLAB's or MATPOWER's.
    pub(super) used: BTreeSet<&'static str>,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self {
            cursor: Cursor::new(text),
            header: None,
            variables: BTreeMap::new(),
            blocks: Vec::new(),
            depth: 0,
            computed: 0,
            used: BTreeSet::new(),
        }
    }

    pub(super) fn variable(&self, name: &str) -> Option<Value> {
        self.variables.get(name).cloned()
    }

    pub(super) fn known(&self, name: &str) -> bool {
        self.variables.contains_key(name)
    }

    pub(super) fn variable_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.variables.get_mut(name)
    }

    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.variables.insert(name.to_owned(), value);
    }

    /// Counts numbers about to be computed; an unknown value if they become too many.
    pub(super) fn spend(&mut self, numbers: usize) -> Result<(), Value> {
        self.computed = self.computed.saturating_add(numbers);
        if self.computed <= MOST_COMPUTED {
            return Ok(());
        }
        let text = "the file computes too much";
        Err(Value::unknown(Refusal::at(self.cursor.place(), text)))
    }

    pub(super) fn mode(&self) -> Mode {
        self.blocks
            .last()
            .map_or(Mode::Run, |block| block.mode.clone())
    }
}

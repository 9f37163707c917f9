//! Reads a case from a MATPOWER case file (`.m`).
//!
//! It understands the assignments of numbers and matrices to `baseMVA`, `bus`, `gen` and `branch`,
//! with or without `mpc.` before them, and passes over everything else. It does not compute: a file
//! that changes its tables by further statements is refused rather than misread.

use super::{
    case::{Case, CaseErrors, Fault, Place, Problems, Table},
    table::{Row, Tables},
};

impl Case {
    /// Reads a case from the text of a MATPOWER case file, version 1 or 2.
    ///
    /// # Errors
    /// All problems found.
    pub fn from_matpower(text: &str) -> Result<Self, CaseErrors> {
        let mut file = File {
            scanner: Scanner::new(text),
            found: Problems::default(),
            name: String::new(),
            base_mva: None,
            tables: [None, None, None],
        };
        file.read();
        file.into_case()
    }
}

const TABLES: [Table; 3] = [Table::Bus, Table::Gen, Table::Branch];

struct File<'a> {
    scanner: Scanner<'a>,
    found: Problems,
    name: String,
    base_mva: Option<f64>,
    tables: [Option<Vec<Row>>; 3],
}

impl File<'_> {
    fn read(&mut self) {
        loop {
            self.scanner.skip_to_statement();
            match self.scanner.peek() {
                None => return,
                Some(c) if c.is_ascii_alphabetic() => self.statement(),
                Some(_) => self.scanner.skip_statement(),
            }
        }
    }

    fn statement(&mut self) {
        let word = self.scanner.word();
        if word == "function" {
            self.header();
            return;
        }
        let field = word.strip_prefix("mpc.").unwrap_or(&word);
        let table = TABLES.iter().position(|table| table.name() == field);
        if table.is_none() && field != "baseMVA" {
            self.scanner.skip_statement();
            return;
        }
        self.scanner.skip_blanks();
        let place = self.scanner.place();
        match self.scanner.peek() {
            Some('=') => {
                self.scanner.next();
                self.scanner.skip_blanks();
                match table {
                    Some(table) => self.tables[table] = self.matrix(),
                    None => self.base_mva = self.number(),
                }
                self.scanner.skip_statement();
            }
            Some('(' | '.') => {
                self.syntax(
                    place,
                    format!("cannot follow a change to a part of {field}"),
                );
                self.scanner.skip_statement();
            }
            _ => self.scanner.skip_statement(),
        }
    }

    /// `function mpc = case9` names the case; `function [baseMVA, bus, ...] = case9` as well.
    fn header(&mut self) {
        let line = self.scanner.line_text();
        let name = line.rsplit('=').next().unwrap_or_default().trim();
        let end = name.find(|c: char| !(c.is_alphanumeric() || c == '_'));
        name[..end.unwrap_or(name.len())].clone_into(&mut self.name);
    }

    fn number(&mut self) -> Option<f64> {
        let place = self.scanner.place();
        let token = self.scanner.token();
        let value = number(&token);
        if value.is_none() {
            self.syntax(place, format!("`{token}` is not a number"));
        }
        value
    }

    fn matrix(&mut self) -> Option<Vec<Row>> {
        let start = self.scanner.place();
        if self.scanner.peek() != Some('[') {
            self.syntax(start, "expected a matrix: [".to_owned());
            return None;
        }
        self.scanner.next();
        let (mut rows, mut values, mut line) = (Vec::new(), Vec::new(), 0);
        loop {
            self.scanner.skip_blanks();
            let place = self.scanner.place();
            match self.scanner.peek() {
                None => {
                    self.syntax(start, "the matrix has no end".to_owned());
                    return None;
                }
                Some(end @ (';' | '\n' | ']')) => {
                    self.scanner.next();
                    if !values.is_empty() {
                        rows.push(Row {
                            values: std::mem::take(&mut values),
                            line: Some(line),
                        });
                    }
                    if end == ']' {
                        return Some(rows);
                    }
                }
                Some(',') => {
                    self.scanner.next();
                }
                Some(_) => {
                    let token = self.scanner.token();
                    if values.is_empty() {
                        line = place.0;
                    }
                    values.push(number(&token).unwrap_or_else(|| {
                        self.syntax(place, format!("`{token}` is not a number"));
                        1.0
                    }));
                }
            }
        }
    }

    fn syntax(&mut self, (line, column): (usize, usize), text: String) {
        self.found
            .push(Place::Text { line, column }, Fault::Syntax(text));
    }

    fn into_case(mut self) -> Result<Case, CaseErrors> {
        if self.base_mva.is_none() {
            self.found.push(Place::Field("baseMVA"), Fault::Missing);
        }
        for (table, rows) in TABLES.iter().zip(&self.tables) {
            if rows.is_none() {
                self.found.push(Place::Field(table.name()), Fault::Missing);
            }
        }
        let [bus, generator, branch] = self.tables.map(Option::unwrap_or_default);
        let tables = Tables {
            name: self.name,
            base_mva: self.base_mva.unwrap_or_default(),
            bus,
            generator,
            branch,
        };
        tables.into_case(self.found)
    }
}

fn number(token: &str) -> Option<f64> {
    let unsigned = token.strip_prefix(['+', '-']).unwrap_or(token);
    match unsigned.to_ascii_lowercase().as_str() {
        "nan" => Some(f64::NAN),
        "inf" if token.starts_with('-') => Some(f64::NEG_INFINITY),
        "inf" => Some(f64::INFINITY),
        text if text.starts_with(|c: char| c.is_ascii_digit() || c == '.') => token.parse().ok(),
        _ => None,
    }
}

/// Walks over the text and knows where it is.
struct Scanner<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    line: usize,
    column: usize,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            rest: text.chars().peekable(),
            line: 1,
            column: 1,
        }
    }

    fn place(&self) -> (usize, usize) {
        (self.line, self.column)
    }

    fn peek(&mut self) -> Option<char> {
        self.rest.peek().copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        if c == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Some(c)
    }

    /// The rest of the line, without its end.
    fn line_text(&mut self) -> String {
        let mut text = String::new();
        while let Some(c) = self.peek().filter(|c| *c != '\n') {
            text.push(c);
            self.next();
        }
        text
    }

    /// Blanks, comments and continued line ends, but not the end of a line.
    fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some('%' | '#') => self.comment(),
                Some('.') if self.continued() => {
                    self.line_text();
                    self.next();
                }
                Some(c) if c.is_whitespace() && c != '\n' => {
                    self.next();
                }
                _ => return,
            }
        }
    }

    fn skip_to_statement(&mut self) {
        loop {
            self.skip_blanks();
            match self.peek() {
                Some('\n' | ';' | ',') => self.next(),
                _ => return,
            };
        }
    }

    /// A comment to the end of the line, or a block from a line `%{` to a line `%}`.
    fn comment(&mut self) {
        if !matches!(self.line_text().trim(), "%{" | "#{") {
            return;
        }
        let mut depth = 1_usize;
        while depth > 0 && self.next().is_some() {
            match self.line_text().trim() {
                "%{" | "#{" => depth += 1,
                "%}" | "#}" => depth -= 1,
                _ => {}
            }
        }
    }

    fn continued(&self) -> bool {
        let mut ahead = self.rest.clone();
        (0..3).all(|_| ahead.next() == Some('.'))
    }

    /// A name with its dots.
    fn word(&mut self) -> String {
        let mut word = String::new();
        while let Some(c) = self.peek() {
            if !(c.is_ascii_alphanumeric() || c == '_' || c == '.') {
                break;
            }
            word.push(c);
            self.next();
        }
        word
    }

    /// Everything up to a separator.
    fn token(&mut self) -> String {
        let mut token = String::new();
        while let Some(c) = self.peek() {
            let separator = c.is_whitespace() || matches!(c, ',' | ';' | '[' | ']' | '%' | '#');
            if (separator && !token.is_empty()) || (c == '.' && self.continued()) {
                break;
            }
            token.push(c);
            self.next();
            if separator {
                break;
            }
        }
        token
    }

    /// Goes behind the end of the statement: `;` or the end of a line, outside of brackets and strings.
    fn skip_statement(&mut self) {
        let (mut depth, mut before) = (0_usize, ' ');
        loop {
            self.skip_blanks();
            let Some(c) = self.next() else { return };
            match c {
                '[' | '{' | '(' => depth += 1,
                ']' | '}' | ')' => depth = depth.saturating_sub(1),
                ';' | '\n' if depth == 0 => return,
                '\'' if before.is_alphanumeric() || matches!(before, ')' | ']' | '}' | '\'') => {}
                '\'' | '"' => self.string(c),
                _ => {}
            }
            before = c;
        }
    }

    fn string(&mut self, quote: char) {
        while let Some(c) = self.peek().filter(|c| *c != '\n') {
            self.next();
            if c == quote {
                return;
            }
        }
    }
}

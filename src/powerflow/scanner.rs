//! Walks over the text of a MATPOWER case file.

/// Walks over the text and knows where it is.
pub(super) struct Scanner<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    line: usize,
    column: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            rest: text.chars().peekable(),
            line: 1,
            column: 1,
        }
    }

    pub(super) fn place(&self) -> (usize, usize) {
        (self.line, self.column)
    }

    pub(super) fn peek(&mut self) -> Option<char> {
        self.rest.peek().copied()
    }

    pub(super) fn next(&mut self) -> Option<char> {
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
    pub(super) fn line_text(&mut self) -> String {
        let mut text = String::new();
        while let Some(c) = self.peek().filter(|c| *c != '\n') {
            text.push(c);
            self.next();
        }
        text
    }

    /// Blanks, comments and continued line ends, but not the end of a line.
    pub(super) fn skip_blanks(&mut self) {
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

    pub(super) fn skip_to_statement(&mut self) {
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
    pub(super) fn word(&mut self) -> String {
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
    pub(super) fn token(&mut self) -> String {
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
    pub(super) fn skip_statement(&mut self) {
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

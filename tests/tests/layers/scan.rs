//! What a Rust file names: the paths in its code and the texts in its literals.
//!
//! In scope: comments, literals, nested `use` groups, `self` and `super`, inline modules. Code under `#[cfg(test)]` does
//! not count, as it is not shipped. Out of scope: what macros expand to, and renaming (`use a::b as c` names `a::b`).

/// What one file names.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Names {
    /// Paths of two or more parts, and what `use` and `extern crate` name. Paths inside this crate start with `crate`.
    pub(crate) paths: Vec<Vec<String>>,
    /// Contents of text literals, as written.
    pub(crate) texts: Vec<String>,
    /// Modules of other files that stand under `#[cfg(test)]`, from the crate's root.
    pub(crate) test_modules: Vec<Vec<String>>,
    /// Inner attributes, without their brackets and spaces: `no_std`.
    pub(crate) attributes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    PathSeparator,
    Sign(char),
}
use Token::{PathSeparator, Sign, Text, Word};

/// Reads one file that is the module `module` (path from the crate's root, which is empty).
pub(crate) fn scan(source: &str, module: &[String]) -> Names {
    let mut walk = Walk { tokens: tokens(source), at: 0, module: module.to_vec(), names: Names::default() };
    walk.file();
    walk.names
}

/// The module that a file below `src/` is: `trips/issue.rs` is `[trips, issue]`, `lib.rs` the root.
pub(crate) fn module_of(relative: &std::path::Path) -> Vec<String> {
    let mut parts: Vec<String> =
        relative.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let root_file = parts.len() == 1 && matches!(parts[0].as_str(), "lib" | "main");
    if root_file || parts.last().is_some_and(|part| part == "mod") {
        parts.pop();
    }
    parts
}

struct Walk {
    tokens: Vec<Token>,
    at: usize,
    module: Vec<String>,
    names: Names,
}

impl Walk {
    /// Goes through all tokens; `open` keeps, for each brace that is open, whether it opened a module.
    fn file(&mut self) {
        let mut open = Vec::new();
        while let Some(token) = self.tokens.get(self.at).cloned() {
            match token {
                Text(text) => self.names.texts.push(text),
                Sign('#') if self.skip_test_item() => continue,
                Sign('#') => self.inner_attribute(),
                Word(word) if word == "mod" && self.peek(2) == Some(&Sign('{')) => {
                    if let Some(Word(name)) = self.peek(1).cloned() {
                        self.module.push(name);
                        open.push(true);
                        self.at += 3;
                        continue;
                    }
                }
                Sign('{') => open.push(false),
                Sign('}') if open.pop() == Some(true) => drop(self.module.pop()),
                Word(_) => {
                    self.path();
                    continue;
                }
                PathSeparator | Sign(_) => {}
            }
            self.at += 1;
        }
    }

    fn peek(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead)
    }

    fn word(&self, ahead: usize) -> Option<&str> {
        match self.peek(ahead) {
            Some(Word(word)) => Some(word),
            _ => None,
        }
    }

    fn inner_attribute(&mut self) {
        if self.peek(1) != Some(&Sign('!')) {
            return;
        }
        let inside = self.tokens[self.at + 3..].iter().take_while(|token| **token != Sign(']'));
        let written = inside.map(|token| match token {
            Word(text) | Text(text) => text.clone(),
            PathSeparator => "::".to_owned(),
            Sign(sign) => sign.to_string(),
        });
        self.names.attributes.push(written.collect());
    }

    /// Passes over `#[cfg(test)]` and the item behind it.
    fn skip_test_item(&mut self) -> bool {
        let attribute: [Token; 7] =
            [Sign('#'), Sign('['), Word("cfg".into()), Sign('('), Word("test".into()), Sign(')'), Sign(']')];
        if !self.tokens[self.at..].starts_with(&attribute) {
            return false;
        }
        self.at += attribute.len();
        if let (Some("mod"), Some(name), Some(Sign(';'))) = (self.word(0), self.word(1), self.peek(2)) {
            let path = self.module.iter().map(String::as_str).chain([name]).map(str::to_owned).collect();
            self.names.test_modules.push(path);
        }
        self.skip_item();
        true
    }

    /// To the end of an item: a semicolon, or the end of its braces unless it is a `use`.
    fn skip_item(&mut self) {
        let imports = (0..3).any(|ahead| self.word(ahead) == Some("use"));
        let mut depth = 0_usize;
        while let Some(token) = self.tokens.get(self.at) {
            self.at += 1;
            match token {
                Sign('{' | '(' | '[') => depth += 1,
                Sign(close @ ('}' | ')' | ']')) => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 && *close == '}' && !imports {
                        return;
                    }
                }
                Sign(';') if depth == 0 => return,
                _ => {}
            }
        }
    }

    /// At a word: reads the path that starts here.
    fn path(&mut self) {
        let before = self.at.checked_sub(1).map(|index| self.tokens[index].clone());
        let lone = matches!(&before, Some(Word(word)) if word == "use" || word == "crate");
        let continued = before == Some(PathSeparator)
            && self.at.checked_sub(2).is_some_and(|index| matches!(self.tokens[index], Word(_) | Sign('>')));
        let mut found = Vec::new();
        self.tree(Vec::new(), &mut found);
        if !continued {
            found.retain(|path| path.len() > 1 || lone);
            let resolved: Vec<_> = found.into_iter().map(|path| self.resolved(path)).collect();
            self.names.paths.extend(resolved);
        }
    }

    /// A path and, where it ends in a group, all its branches.
    fn tree(&mut self, mut prefix: Vec<String>, found: &mut Vec<Vec<String>>) {
        while let Some(word) = self.word(0).map(str::to_owned) {
            prefix.push(word);
            self.at += 1;
            if self.peek(0) != Some(&PathSeparator) {
                return found.push(prefix);
            }
            self.at += 1;
        }
        match self.peek(0) {
            Some(Sign('{')) => self.group(&prefix, found),
            Some(Sign('*')) => {
                self.at += 1;
                found.push(prefix);
            }
            _ => found.push(prefix),
        }
    }

    fn group(&mut self, prefix: &[String], found: &mut Vec<Vec<String>>) {
        self.at += 1;
        while let Some(token) = self.peek(0) {
            match token {
                Sign('}') => {
                    self.at += 1;
                    return;
                }
                // The new name of `a as b`; `a` has been read.
                Word(word) if word == "as" => self.at += 2,
                Word(_) => self.tree(prefix.to_vec(), found),
                _ => self.at += 1,
            }
        }
    }

    /// The path from the crate's root, if it starts at this module or at a parent.
    fn resolved(&self, path: Vec<String>) -> Vec<String> {
        let parents = path.iter().take_while(|part| *part == "super").count();
        let own = path.first().is_some_and(|part| part == "self");
        if parents == 0 && !own {
            return path;
        }
        let keep = self.module.len().saturating_sub(parents);
        let rest = path.into_iter().skip(parents + usize::from(own));
        ["crate".to_owned()].into_iter().chain(self.module[..keep].iter().cloned()).chain(rest).collect()
    }
}

fn tokens(source: &str) -> Vec<Token> {
    let mut lexer = Lexer { rest: source, tokens: Vec::new() };
    while let Some(next) = lexer.rest.chars().next() {
        lexer.next(next);
    }
    lexer.tokens
}

struct Lexer<'a> {
    rest: &'a str,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn next(&mut self, next: char) {
        match next {
            _ if self.rest.starts_with("//") => self.skip_to("\n"),
            _ if self.rest.starts_with("/*") => self.block_comment(),
            _ if self.rest.starts_with("::") => {
                self.tokens.push(PathSeparator);
                self.rest = &self.rest[2..];
            }
            '"' => self.text(),
            '\'' => self.character(),
            _ if next.is_alphanumeric() || next == '_' => self.word(),
            _ => {
                if !next.is_whitespace() {
                    self.tokens.push(Sign(next));
                }
                self.rest = &self.rest[next.len_utf8()..];
            }
        }
    }

    fn skip_to(&mut self, end: &str) {
        self.rest = self.rest.split_once(end).map_or("", |(_, rest)| rest);
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        loop {
            if self.rest.starts_with("/*") {
                depth += 1;
                self.rest = &self.rest[2..];
            } else if self.rest.starts_with("*/") {
                depth -= 1;
                self.rest = &self.rest[2..];
            } else {
                let mut characters = self.rest.chars();
                if characters.next().is_none() {
                    return;
                }
                self.rest = characters.as_str();
            }
            if depth == 0 {
                return;
            }
        }
    }

    fn text(&mut self) {
        let mut escaped = false;
        let end = self.rest.char_indices().skip(1).find(|(_, character)| {
            let closes = *character == '"' && !escaped;
            escaped = *character == '\\' && !escaped;
            closes
        });
        let end = end.map_or(self.rest.len(), |(index, _)| index);
        self.tokens.push(Text(self.rest[1..end].to_owned()));
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
    }

    /// A character literal; a lifetime is only its mark, and its name becomes a word.
    fn character(&mut self) {
        let mut inside = self.rest[1..].chars();
        let first = inside.next();
        self.rest = &self.rest[1..];
        if first == Some('\\') {
            // The escaped character itself may be a quotation mark.
            let skip = self.rest.chars().take(2).map(char::len_utf8).sum::<usize>();
            self.rest = &self.rest[skip..];
            self.skip_to("'");
        } else if inside.next() == Some('\'') {
            self.skip_to("'");
        }
    }

    fn word(&mut self) {
        let end = self.rest.find(|character: char| !(character.is_alphanumeric() || character == '_'));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        match word {
            "r" | "br" | "cr" if rest[hashes..].starts_with('"') => {
                let close = format!("\"{}", "#".repeat(hashes));
                let (text, rest) = rest[hashes + 1..].split_once(&close).unwrap_or((&rest[hashes + 1..], ""));
                self.tokens.push(Text(text.to_owned()));
                self.rest = rest;
            }
            "r" if hashes == 1 => self.rest = &rest[1..],
            "b" | "c" if rest.starts_with('"') => {}
            _ => self.tokens.push(Word(word.to_owned())),
        }
    }
}

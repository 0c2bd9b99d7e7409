//! The flags of sweeps, `--axis` and `--baseline`: values put into the scenario's `[sweep]`.

use super::codes;
use super::diagnostic::Diagnostic;
use super::document::table;
use super::document::{Document, Entry, Literal, Node, Origin, SourceText, State, Table};
use super::toml;

impl Document {
    /// Adds an axis to the sweep, replacing one with the same path, as `--axis` does:
    /// `policy.kind=static,last-n`, `host.memory=128..1024*2`, `checkpoint.every=1000..9000+2000`,
    /// or a TOML array.
    pub fn axis(&mut self, text: &str) {
        self.add_to_sweep("--axis", "axes", text, |text, source, start| {
            let origin = Origin::at(source, start..start + text.len());
            let node = |value| Node { origin, value };
            let word = |word: &str| read_word(word.trim(), source, start);
            let mut next = start;
            let item = |item: &str| {
                let at = next + (item.len() - item.trim_start().len());
                next += item.len() + 1;
                let item = item.trim();
                let origin = Origin::at(source, at..at + item.len());
                Node { origin, value: read_word(item, source, at) }
            };
            if text.starts_with(['[', '{']) {
                return node(word(text));
            }
            let Some((from, rest)) = text.split_once("..") else {
                return node(Literal::Array(text.split(',').map(item).collect()));
            };
            let (to, by) = rest.find(['+', '*']).map_or((rest, "+1"), |at| rest.split_at(at));
            let progress = if by.starts_with('*') { "factor" } else { "step" };
            let parts = [("from", from), ("to", to), (progress, &by[1..])];
            node(Literal::Table(table(parts.map(|(key, text)| (key, node(word(text)))))))
        });
    }

    /// Names a value of the sweep's baseline, as `--baseline policy.kind=static` does.
    pub fn baseline(&mut self, text: &str) {
        self.add_to_sweep("--baseline", "baseline", text, |text, source, start| {
            let origin = Origin::at(source, start..start + text.len());
            Node { origin, value: read_word(text, source, start) }
        });
    }

    /// Puts `path=value` into the table `sweep.BELOW`, with the path as one key.
    fn add_to_sweep(
        &mut self,
        flag: &str,
        below: &str,
        text: &str,
        value: impl FnOnce(&str, usize, usize) -> Node,
    ) {
        let source = self.add_source(SourceText::file(flag.to_owned(), text.to_owned()));
        let Some((path, written)) =
            text.split_once('=').filter(|(_, value)| !value.trim().is_empty())
        else {
            let origin = Origin::at(source, 0..text.len());
            let (message, remedy) = ("no value is given", "write a path, `=` and its values");
            let problem = Diagnostic::error(codes::BAD_SETTING, origin, message, remedy);
            return self.problem(State::Whole, problem);
        };
        let start = path.len() + 1 + (written.len() - written.trim_start().len());
        let key = Origin::at(source, 0..path.len());
        let value = value(written.trim(), source, start);
        let mut table = &mut self.root;
        for name in ["sweep", below] {
            let empty = Node { origin: key, value: Literal::Table(Table::new()) };
            let entry = table.entry(name.to_owned()).or_insert(Entry { key, node: empty });
            // A value in place of a table is reported at its own place.
            let Literal::Table(inner) = &mut entry.node.value else { return };
            table = inner;
        }
        remove_path(table, path.trim());
        table.insert(path.trim().to_owned(), Entry { key, node: value });
    }
}

/// A TOML value or, if the text is none, a string.
fn read_word(text: &str, source: usize, start: usize) -> Literal {
    toml::read_value(text, source, start)
        .map_or_else(|| Literal::String(text.to_owned()), |node| node.value)
}

/// Takes a path out of a table, however its keys are nested.
fn remove_path(table: &mut Table, path: &str) {
    table.remove(path);
    for (at, _) in path.match_indices('.') {
        if let Some(entry) = table.get_mut(&path[..at])
            && let Literal::Table(below) = &mut entry.node.value
        {
            remove_path(below, &path[at + 1..]);
            if below.is_empty() {
                table.remove(&path[..at]);
            }
        }
    }
}

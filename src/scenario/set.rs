//! Settings: values put at dotted paths, as `--set` and the axes of sweeps do.

use super::codes::{self, Code};
use super::diagnostic::{Diagnostic, clip, meant};
use super::document::{
    Document, Entry, Literal, Node, Origin, SourceText, State, Table, replace_source, table_name,
};
use super::toml;

/// More keys than any path in a scenario has.
const KEYS_MAX: usize = 8;

impl Document {
    /// Puts a value at a dotted path: `host.memory=64`, `policy.kind=static`, or by the name of a
    /// VM or a tier `vm.db.min=2`, `tier.far.fetch=3`. The value is read as TOML or, if it is not
    /// TOML, as a string.
    ///
    /// Faults of the setting are reported by [`check`](Self::check), at its text.
    pub fn set(&mut self, setting: &str) {
        let source = self.add_source(SourceText::file("--set".to_owned(), setting.to_owned()));
        let whole = Origin::at(source, 0..setting.len());
        let Some((path, text)) = setting.split_once('=') else {
            let remedy = "write a path, `=` and a value";
            return self.refuse(codes::BAD_SETTING, whole, "the setting has no `=`".into(), remedy);
        };
        let start = path.len() + 1 + (text.len() - text.trim_start().len());
        let text = text.trim();
        let key = Origin::at(source, 0..path.len());
        let path = path.trim();
        if text.is_empty() {
            let remedy = "write a value after the `=`";
            return self.refuse(codes::BAD_SETTING, whole, "the value is missing".into(), remedy);
        }
        let origin = Origin::at(source, start..start + text.len());
        let value = toml::read_value(text, source, start)
            .unwrap_or_else(|| Node { origin, value: Literal::String(text.to_owned()) });
        if let Err((code, message, remedy)) = put(&mut self.root, path, key, value) {
            // The VM may be on a line with a syntax error.
            if code != codes::UNKNOWN_VM || self.state == State::Whole {
                self.refuse(code, key, message, &remedy);
            }
        }
    }

    /// Puts a value that was written elsewhere at a path.
    pub(super) fn put(&mut self, path: &str, key: Origin, value: Node) {
        if let Err((code, message, remedy)) = put(&mut self.root, path, key, value) {
            self.refuse(code, key, message, &remedy);
        }
    }

    fn refuse(&mut self, code: &'static Code, origin: Origin, message: String, remedy: &str) {
        self.problem(State::Whole, Diagnostic::error(code, origin, message, remedy));
    }
}

/// What is wrong, the message and the remedy.
type Refusal = (&'static Code, String, String);

/// Puts `value` at `path`, creating the tables on the way.
fn put(root: &mut Table, path: &str, key: Origin, value: Node) -> Result<(), Refusal> {
    if let Some(rest) = path.strip_prefix("tier.") {
        let (tier, rest) = find(root, ("tier", "tier", codes::BAD_SETTING), rest)?;
        return descend(tier, rest, key, value);
    }
    if let Some(rest) = path.strip_prefix("vm.") {
        let (vm, rest) = find(root, ("vm", "VM", codes::UNKNOWN_VM), rest)?;
        let first = rest.split('.').next().unwrap_or_default().trim();
        replace_source(vm, first);
        return descend(vm, rest, key, value);
    }
    descend(root, path, key, value)
}

fn descend(mut table: &mut Table, path: &str, key: Origin, value: Node) -> Result<(), Refusal> {
    let keys: Vec<&str> = path.split('.').map(str::trim).collect();
    if keys.len() > KEYS_MAX || keys.contains(&"") {
        let message = format!("`{}` is not a path", clip(path));
        let remedy = "write keys with a dot between them, such as `host.memory`".to_owned();
        return Err((codes::BAD_SETTING, message, remedy));
    }
    let (last, parents) = keys.split_last().unwrap_or((&"", &[]));
    for parent in parents {
        let empty = Node { origin: key, value: Literal::Table(Table::new()) };
        let entry = table.entry((*parent).to_owned()).or_insert(Entry { key, node: empty });
        let kind = entry.node.kind();
        let Literal::Table(below) = &mut entry.node.value else {
            let message = format!("`{parent}` is {kind}, so the path cannot go through it");
            let remedy = "only tables have keys".to_owned();
            return Err((codes::BAD_SETTING, message, remedy));
        };
        table = below;
    }
    table.insert((*last).to_owned(), Entry { key, node: value });
    Ok(())
}

/// The table of an array whose name `path` begins with, and the rest of the path. Names may contain
/// dots, so the longest matching name counts. `array` is the array's key, what its tables are
/// called, and the code for a name that none of them has.
fn find<'r, 'p>(
    root: &'r mut Table,
    array: (&str, &str, &'static Code),
    path: &'p str,
) -> Result<(&'r mut Table, &'p str), Refusal> {
    let (key, called, unknown) = array;
    let all = match root.get_mut(key).map(|entry| &mut entry.node.value) {
        Some(Literal::Array(all)) => all.as_mut_slice(),
        _ => &mut [],
    };
    let rest_behind = |one: &Node| path.strip_prefix(table_name(one)?)?.strip_prefix('.');
    let shortest_rest = (0..all.len())
        .filter_map(|at| Some((rest_behind(&all[at])?, at)))
        .min_by_key(|(rest, _)| rest.len());
    let Some((rest, at)) = shortest_rest else {
        let name = path.split('.').next().unwrap_or_default();
        let remedy = match meant(name, all.iter().filter_map(table_name)) {
            Some(meant) => format!("did you mean `{key}.{meant}`?"),
            None => format!("write `{key}.`, the name of a {called}, `.` and a key"),
        };
        return Err((unknown, format!("no {called} is named `{}`", clip(name)), remedy));
    };
    match &mut all[at].value {
        Literal::Table(table) => Ok((table, rest)),
        _ => unreachable!("only a table has a name"),
    }
}

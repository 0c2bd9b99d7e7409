//! Files of text that a policy's parameters name, such as rules: each is read once and its text
//! checked.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::codes;
use super::super::diagnostic::clip;
use super::super::document::{Document, Literal, Origin, SourceText};
use super::super::load;
use super::values::{Field, Findings, Section};
use crate::params::{self, Domain, Fault, Param, Settings, TextFile};

/// The files of text that were read so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    by_path: BTreeMap<PathBuf, Result<Arc<str>, Unread>>,
    /// Their parsed content, by parameter and place in its list.
    parsed: BTreeMap<(PathBuf, &'static str, usize), Result<TextFile, Fault>>,
    /// The files that parameters may find missing, which a run may write.
    written: BTreeSet<PathBuf>,
}

impl Texts {
    /// The paths of the files that only are read.
    pub(super) fn only_read(&self) -> impl Iterator<Item = &Path> {
        let is_read = |(path, text): &(&PathBuf, &Result<_, _>)| {
            text.is_ok() && !self.written.contains(*path)
        };
        self.by_path.iter().filter(is_read).map(|(path, _)| path.as_path())
    }

    /// The paths of all that were read.
    pub(super) fn read(&self) -> impl Iterator<Item = &Path> {
        self.by_path.iter().filter(|(_, text)| text.is_ok()).map(|(path, _)| path.as_path())
    }

    pub(super) fn text(&mut self, place: &Path) -> Result<Arc<str>, Unread> {
        self.by_path.entry(place.to_owned()).or_insert_with(|| read(place)).clone()
    }

    fn parsed(
        &mut self,
        param: &Param,
        at: usize,
        place: &Path,
        text: Arc<str>,
    ) -> Result<TextFile, Fault> {
        let key = (place.to_owned(), param.name, at);
        let parse = || TextFile::read(param, at, String::new(), Some(text));
        self.parsed.entry(key).or_insert_with(parse).clone()
    }
}

/// Why a file was not read.
#[derive(Clone, Debug)]
pub(super) enum Unread {
    Missing,
    /// The system's reason.
    Unreadable(String),
    TooLarge,
    /// The first byte that is not UTF-8.
    NotUtf8(usize),
}

impl Unread {
    /// Why, and the remedy.
    pub(super) fn told(&self) -> (String, String) {
        match self {
            Self::Missing => {
                ("no such file".to_owned(), "the path is relative to the scenario file".to_owned())
            }
            Self::Unreadable(reason) => (reason.clone(), "check the file's permissions".to_owned()),
            Self::TooLarge => ("it is too large".to_owned(), "at most 64 MiB are read".to_owned()),
            Self::NotUtf8(at) => {
                (format!("its byte {at} is not UTF-8"), "write the file as UTF-8".to_owned())
            }
        }
    }
}

/// The most bytes of a file: recorded replies of a long run take some.
const BYTES_MAX: u64 = 64 << 20;

/// The most files of one parameter.
const FILES_MAX: usize = 1000;

/// Reads the files that the parameters in `section` name, and checks them.
pub(super) fn load(
    findings: &mut Findings,
    section: &Section,
    params: &[Param],
    settings: &mut Settings,
    (document, texts): (&Document, &mut Texts),
) {
    for param in params {
        let Domain::Files { may_be_missing, .. } = param.domain else { continue };
        let Some(field) = section.get(param.name) else { continue };
        let files = named(findings, &field);
        let mut loaded = Vec::new();
        for (at, file) in files.iter().enumerate() {
            let Some(name) = file.node.text() else { continue };
            let path = Path::new(&document.sources[file.node.origin.source].folder).join(name);
            let place = document.folder.join(&path);
            if may_be_missing {
                texts.written.insert(place.clone());
            }
            let path = path.to_string_lossy().into_owned();
            let read = match texts.text(&place) {
                Ok(text) => texts
                    .parsed(param, at, &place, Arc::clone(&text))
                    .map_err(|fault| report(findings, document, &place, &text, fault)),
                Err(Unread::Missing) if may_be_missing => {
                    Ok(TextFile::read(param, at, String::new(), None).expect("nothing is read"))
                }
                Err(unread) => {
                    report_unread(findings, file, name, &unread);
                    Err(())
                }
            };
            if let Ok(mut file) = read {
                file.path = path;
                loaded.push(file);
            }
        }
        settings.set(param.name, params::Value::Files(loaded));
    }
}

/// The names of the files, each with its place: a string, or an array of them.
fn named<'d>(findings: &mut Findings, field: &Field<'d>) -> Vec<Field<'d>> {
    let files = match &field.node.value {
        Literal::String(_) => vec![field.clone()],
        _ => findings.words(field),
    };
    if files.len() > FILES_MAX {
        let message = format!("`{}` names {} files", field.path, files.len());
        let remedy = format!("at most {FILES_MAX} are allowed");
        findings.error(codes::TOO_BIG, field.node.origin, message, remedy);
        return Vec::new();
    }
    for file in files.iter().filter(|file| file.node.text().is_none()) {
        findings.wrong_type(file, "the path of a file in quotes");
    }
    files
}

fn report(
    findings: &mut Findings,
    document: &Document,
    place: &Path,
    text: &Arc<str>,
    fault: Fault,
) {
    let source = document.sources.len() + findings.sources.len();
    let text = SourceText::file(place.display().to_string(), text.to_string());
    findings.sources.push(Arc::new(text));
    let origin = Origin::at(source, fault.place);
    findings.error(codes::BAD_POLICY_FILE, origin, fault.message, fault.remedy);
}

fn report_unread(findings: &mut Findings, file: &Field, name: &str, unread: &Unread) {
    let (why, remedy) = unread.told();
    let message = format!("`{}` cannot be read: {why}", clip(name));
    findings.error(codes::POLICY_FILE_UNREADABLE, file.node.origin, message, remedy);
}

fn read(path: &Path) -> Result<Arc<str>, Unread> {
    let bytes = load::read_file(path, BYTES_MAX).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Unread::Missing,
        _ => Unread::Unreadable(load::reason(&error)),
    })?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(Unread::TooLarge);
    }
    let text = String::from_utf8(bytes);
    let text = text.map_err(|error| Unread::NotUtf8(error.utf8_error().valid_up_to()))?;
    Ok(text.into())
}

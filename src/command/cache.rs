//! `cache`: the user's folder of cached stack distances.

use std::path::PathBuf;
use std::time::SystemTime;

use balloonist::number::{counted, grouped};
use balloonist::table::{Format, Table};
use balloonist::trace::cache::Cache;
use clap::Subcommand;
use directories::ProjectDirs;

use super::context::bytes;
use super::text::escaped;
use super::{Context, Failure, context};

/// Show or clear the cache of stack distances
///
/// The folder holds at most 2 GiB, or `BALLOONIST_CACHE_SIZE`, such as `500 MiB`; the least
/// recently used entries are removed first.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the entries, least recently used first
    List {
        /// How to print the list
        #[arg(long, value_name = "FORMAT", default_value = "table",
              value_parser = context::format())]
        format: Format,
    },
    /// Remove all entries
    Clear,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<(), Failure> {
    let Some((folder, cache)) = of_user(context) else {
        return Err(Failure::Nothing("no cache folder: the user has no home directory".to_owned()));
    };
    let failure = |error: std::io::Error| Failure::io(&folder, &error);
    match args.command {
        Command::List { format } => {
            let mut table = Table::new(&["content_hash", "bytes"]);
            for entry in cache.entries().map_err(failure)? {
                table.push(vec![entry.name.as_str().into(), entry.bytes.into()]);
            }
            context.print_table(&table, format)
        }
        Command::Clear => {
            let entries = cache.clear().map_err(failure)?;
            let bytes: u64 = entries.iter().map(|entry| entry.bytes).sum();
            let entries = counted(entries.len() as u64, "entry");
            context.note(&format!("removed {entries} of {} bytes", grouped(bytes)));
            Ok(())
        }
    }
}

/// The user's cache and its folder; `None` for a user without a home directory.
pub(super) fn of_user(context: &Context) -> Option<(PathBuf, Cache)> {
    let user = ProjectDirs::from("", "", "balloonist")?;
    let size = std::env::var_os(SIZE).map(|size| size.to_string_lossy().into_owned());
    let said = size.as_deref().map(|size| bytes(size).ok());
    if let (Some(size), Some(None)) = (&size, said) {
        let size = escaped(size);
        context
            .note(&format!("{SIZE} is `{size}`, expected a size such as `500 MiB`; it is ignored"));
    }
    let bytes_max = said.flatten().unwrap_or(Cache::BYTES_MAX);
    let cache = Cache::new(user.cache_dir(), bytes_max, SystemTime::now());
    Some((user.cache_dir().to_owned(), cache))
}

/// The environment variable that sets the size of the cache.
const SIZE: &str = "BALLOONIST_CACHE_SIZE";

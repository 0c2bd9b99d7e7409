//! Tests of the command-line program.

mod adding_a_policy;
mod commands;
#[cfg(unix)]
mod exec;
mod expectations;
mod figures;
mod folders;
mod hostile;
mod large_pages;
mod live_host;
mod memory;
mod outputs;
mod plan;
mod published;
mod readme;
#[cfg(target_os = "linux")]
mod record;
mod recording;
mod reference;
mod replacement_commands;
mod reproduce;
mod rule_files;
mod same_bytes;
mod simulation;
mod sweep_grid;
mod sweep_journal;
mod timelines;
mod trace_command;
mod tune;
mod walk;
mod whatif;

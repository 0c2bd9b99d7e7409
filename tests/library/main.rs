//! Tests of the library: laws, second implementations, vectors and readers.

#![allow(dead_code, reason = "each module uses its part of `common`")]

mod actuator;
mod bad_scenarios;
mod bounds;
mod common;
mod esx_states;
mod extremes;
mod frees;
mod kernel;
mod laws;
mod mutations;
mod observers;
mod opt_lru;
mod output;
mod own_policies;
mod paging;
mod plan;
mod policies;
mod recorded_files;
mod recorded_time;
mod reduce;
mod replacements;
mod replacements_adaptive;
mod report;
mod scenarios;
mod sharing;
mod shipped_traces;
mod split_vms;
mod sweep;
mod tidy;
mod tiers;
mod trace_formats;
mod trace_mutations;
mod trace_recorders;
mod trace_tables;
mod tune;
mod vectors;
mod warm_up;
mod yardsticks;

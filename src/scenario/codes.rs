//! The one list of diagnostic codes, with the text of `balloonist explain` for each.
//!
//! Codes are stable: a code is never reused for another fault, and a fault keeps its code. The test
//! `every_code_is_reported_by_a_fixture` compares the list with what the checks report.

/// A kind of fault of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Code {
    /// The stable name: `S` and three digits.
    pub id: &'static str,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// Why it is refused and what to do about it, in whole sentences.
    pub explanation: &'static str,
}

/// The code called `id`, in upper or lower case.
///
/// ```
/// use balloonist::scenario::codes;
/// assert_eq!(codes::find("s012").map(|code| code.title), Some("unknown key"));
/// assert_eq!(codes::find("S999"), None);
/// ```
pub fn find(id: &str) -> Option<&'static Code> {
    ALL.iter().copied().find(|code| code.id.eq_ignore_ascii_case(id))
}

macro_rules! codes {
    ($($name:ident $id:literal $title:literal $explanation:literal)*) => {
        $(
            #[doc = $title]
            pub(crate) const $name: &Code =
                &Code { id: $id, title: $title, explanation: $explanation };
        )*
        /// Every code, by number.
        pub const ALL: &[&Code] = &[$($name),*];
    };
}

codes! {
    UNREADABLE "S001" "the scenario cannot be read"
        "The scenario file is missing, is a directory, or the system refuses to read it. Check \
         the path; `-` reads the scenario from standard input."
    NOT_UTF8 "S002" "the scenario is not UTF-8 text"
        "Scenario files are UTF-8. The place given is the first byte that is not. Convert the \
         file, for example with `iconv -f latin1 -t utf-8`; a trace file is not a scenario."
    TOO_LARGE "S003" "the scenario is too large"
        "A scenario file may have at most 8 MiB. Long page lists belong in a trace file, which \
         `trace = { file = \"...\" }` names."
    TOO_DEEP "S004" "tables or arrays are nested too deeply"
        "No key of a scenario is nested that deeply; deeper nesting is refused because it costs \
         memory."
    SYNTAX "S005" "the file is not TOML"
        "The text is not valid TOML 1.1. Strings need quotes, keys are left of `=`, and tables \
         have headers such as `[host]`. The other diagnostics of such a file cover only what \
         could be read with certainty; for a file over 256 KiB only the first syntax error is \
         reported."
    EXTENDS_CIRCLE "S006" "`extends` goes in a circle"
        "A scenario extends another one that, directly or through others, extends the first. Cut \
         the chain at the place shown."
    BASE_UNREADABLE "S007" "the scenario named by `extends` cannot be read"
        "`extends` names a TOML scenario by a path relative to the file that contains it."
    BAD_SETTING "S008" "a setting is not `path=value`"
        "A setting such as `--set host.memory=64` gives a dotted path, `=`, and a TOML value; \
         text that is not a TOML value is taken as a string. A VM is addressed by its name: \
         `vm.db.min=2`. The path may only lead through tables."
    CUT_SHORT "S009" "the .dat file ends too early"
        "A .dat file is the number of VMs, then for each VM the number of its accesses and that \
         many page numbers. The file ends before that."
    LEFT_OVER "S010" "numbers are left over in the .dat file"
        "A .dat file ends with the last page number of its last VM. Either a length or the number \
         of VMs is too small, or the rest must be removed."
    LENGTHS_DIFFER "S011" "the VMs of the .dat file differ in length"
        "The report's rounds are lockstep: in a .dat file every VM makes the same number of \
         accesses. Write the scenario as TOML if the lengths differ."
    UNKNOWN_KEY "S012" "unknown key"
        "There is no key of that name there. Unknown keys are errors, because a mistyped key \
         would otherwise be silently ignored."
    DUPLICATE_KEY "S013" "a key or table is given twice"
        "TOML allows each key and each table header once. Remove one of the two, or merge the \
         tables; only `[[vm]]` and `[[expect]]` repeat."
    WRONG_TYPE "S014" "a value has the wrong type"
        "The key takes a value of another type, for example a string in quotes, a whole number, \
         or a table."
    MISSING_KEY "S015" "a required key is missing"
        "Some keys have no default because any default would be a guess that affects results: \
         `host.memory`, `checkpoint.every`, the name of each VM."
    UNKNOWN_WORD "S016" "a word is not one of the choices"
        "The key accepts one word of a fixed list, which the diagnostic shows. `balloonist list` \
         describes policies and replacement algorithms."
    TOO_SMALL "S017" "a value is zero or too small"
        "The value is below the smallest allowed, such as an interval of 0 ticks or a VM of 0 \
         frames."
    TOO_BIG "S018" "a value is too large"
        "The value is above the largest allowed. Times may be up to 2^62 ticks and hosts up to \
         2^40 frames, so that no sum can overflow."
    BAD_UNIT "S019" "a size or duration cannot be read"
        "Sizes are written as \"2 MiB\" (B, KiB, MiB, GiB, TiB, KB, MB, GB, TB), durations as \
         \"100 ms\" (ns, us, ms, s, min, h). A bare integer counts frames or ticks."
    AMBIGUOUS_UNIT "S020" "a unit is ambiguous"
        "\"M\" may be a million bytes or 2^20 of them, and \"m\" a minute or a millisecond. Write \
         MB or MiB, ms or min."
    NOT_WHOLE_PAGES "S021" "a size is not a whole number of pages"
        "Memory is allocated in whole frames, so every size must be a multiple of `host.page_size`."
    BAD_PAGE_SIZE "S022" "the page size is not a power of two"
        "Hardware pages are powers of two, such as 4 KiB, 16 KiB or 2 MiB; traces of addresses \
         are mapped to pages by shifting."
    BAD_NAME "S023" "the scenario's name is not allowed"
        "The name becomes part of file names and of CSV keys: 1 to 64 lower-case letters, digits \
         and hyphens."
    BAD_VM_NAME "S024" "a VM's name is not allowed"
        "A VM's name has 1 to 64 letters, digits, `-`, `_` and `.`. `all` is taken: it names the \
         row of sums in the results."
    DOUBLE_VM_NAME "S025" "two VMs have the same name"
        "Results, expectations and settings refer to VMs by name, so names must be unique."
    NO_VM "S026" "the scenario has no VM"
        "At least one `[[vm]]` table, or a first number of at least 1 in a .dat file, is needed."
    TOO_MANY_VMS "S027" "the scenario has too many VMs"
        "A scenario may have at most 65,536 VMs."
    MIN_OVER_MAX "S028" "a VM's minimum is above its maximum"
        "`min` is the fewest frames the VM may hold and `max` the most. A `max` above the host's \
         memory is allowed and counts as the host's memory."
    INITIAL_OUTSIDE "S029" "a VM's first allocation is outside its bounds"
        "`initial` must lie between the VM's `min` and `max`."
    INITIAL_SUM "S030" "the first allocations exceed the host's memory"
        "The sum of `initial` over all VMs may be at most `host.memory`. With `host.admission` \
         \"refuse\" or \"queue\" only each one must fit, because a VM is given the free frames."
    MIN_SUM "S031" "the minima exceed the host's memory"
        "Every VM is guaranteed its `min`, so their sum may be at most `host.memory`. This \
         counts VMs that start late or leave early too, unless `host.admission` is \"refuse\" or \
         \"queue\": then only each one must fit, and a VM whose minimum does not fit when it \
         arrives is refused or waits."
    SPLIT_MISMATCH "S032" "`initial` and `host.split` disagree"
        "With `host.split = \"initial\"` every VM needs `initial`; with any other split no VM may \
         have it, because the split determines the allocation."
    CEIL_STARVES "S033" "the ceil split leaves a VM with too few frames"
        "The report's split gives each VM in turn the quotient of frames and VMs, rounded up, \
         until none are left; with many VMs the last ones get fewer than their minimum, or \
         nothing. Give the host more memory or use `host.split = \"equal\"`."
    NO_ACCESSES "S034" "a VM has no accesses"
        "Each VM needs a source of accesses: `trace = { file = \"...\" }`, `trace = { \
         pages = [...] }` or `workload = { kind = \"...\", accesses = ... }`."
    TWO_SOURCES "S035" "a VM has two sources of accesses"
        "`trace` and `workload` exclude each other, and so do `file` and `pages` of a trace. A \
         file that extends another, and a setting, replace the source as a whole."
    BAD_PAGE "S036" "a page number is out of range"
        "Page numbers are whole numbers from 0 to 2^64 - 1."
    TRACE_MISSING "S037" "a trace file is missing"
        "The path of a trace is relative to the scenario file that names it, not to the current \
         directory."
    TRACE_UNREADABLE "S038" "a trace file cannot be read"
        "The file exists but cannot be read; check its permissions and the disk."
    TRACE_FORMAT "S039" "a trace's format is unknown or ambiguous"
        "`format = \"auto\"` recognises a format by content. If it cannot, give the name of the \
         format; `balloonist list formats` shows them."
    TRACE_DAMAGED "S040" "a trace file is damaged"
        "The file violates its format at the given place, for example because it was truncated."
    TRACE_EMPTY "S041" "a trace has no access"
        "A VM needs at least one access, and a workload of phases at least one phase."
    TRACE_TOO_LARGE "S042" "a trace is too large"
        "The trace, possibly after decompression, exceeds the reader's limits."
    STOP_BEFORE_START "S043" "a VM stops before it starts"
        "`stop` must be later than `start`."
    CHECKPOINT_TOO_LATE "S044" "no checkpoint falls into the run"
        "`checkpoint.every` is longer than the whole run, so no policy is ever called and all \
         give the same result. This is a warning."
    ENDLESS "S045" "the run would never end"
        "A VM with `after = \"repeat\"` runs until all others have finished. If all repeat, at \
         least one needs a `stop`. `cost.policy` must also leave ticks between checkpoints."
    DOES_NOT_FIT "S046" "a policy does not fit the scenario"
        "Some policies need more memory or other bounds than the scenario has. The policy in \
         force and every policy named in `compare` must fit; where `compare` is not given, those \
         that do not fit are left out of it with a warning."
    UNKNOWN_METRIC "S047" "an expectation names an unknown metric"
        "`metric` is a numeric column of vms.csv or outcomes.csv; `list columns` describes them."
    UNKNOWN_VM "S048" "no VM has that name"
        "An expectation or a setting refers to a VM by its name; in expectations `all` is the sum \
         over all VMs."
    BAD_EXPECT "S049" "an expectation cannot be checked"
        "An expectation has `at_least`, `at_most` or both, and `at_least` must not exceed \
         `at_most`."
    SEED_TOO_BIG "S050" "the seed does not fit glibc's generator"
        "`srand` takes 32 bits. With `random = \"glibc\"` a larger seed would be silently \
         truncated."
    TOO_LONG "S051" "the run is too long"
        "Every VM must end before 2^62 ticks even if each of its accesses were a fault. The \
         delays of a VM with a `stop` are counted too. All VMs together must have fewer than 2^63 \
         ticks and 2^55 accesses, so that every sum over them fits into 64 bits."
    LISTED_TWICE "S052" "a policy is listed twice"
        "Each policy of a list runs once, and its name is the key of its results."
    NOT_A_NUMBER "S053" "a word of the .dat file is not a number"
        "A .dat file contains only decimal integers separated by white space."
    BAD_WORKLOAD "S054" "the parameters of a workload contradict each other"
        "Each parameter is valid by itself, but not with the others: a window cannot be larger \
         than the pages that it moves over. `balloonist list workloads` says what the \
         parameters mean."
    WORKLOADS_TOO_LARGE "S055" "the workloads are too large"
        "Workloads are generated in memory before the run. A workload may make at most \
         4,294,967,295 accesses, and all workloads of a scenario may need 16 GiB together, counted \
         as 16 bytes for each access and 64 for each page, again in each round; this bounds the \
         time too."
    TOO_MANY_EVENTS "S056" "the run has too many checkpoints or balloon batches"
        "A run may have at most 10,000,000,000 checkpoints and 100,000,000,000 balloon batches, \
         100,000,000 of them in flight at a time, counted as if every access were a fault and \
         every plan moved all frames, which together must be fewer than 2^63 frames. More would \
         take over a day. Time is in ticks: if accesses are far apart, checkpoints and balloon \
         steps must be too."
    BAD_PHASE "S057" "the phases of a VM are out of order"
        "`idle` and `stuck` list phases of a VM by the ticks of the run: each ends after it \
         begins, and begins no earlier than the previous one ends."
    BAD_AXIS "S058" "a path cannot be an axis of a sweep"
        "An axis is a dotted path whose value affects runs, given once. The seed cannot be an \
         axis: each repetition of a sweep has its own random streams, the same at every point."
    EMPTY_AXIS "S059" "an axis of a sweep has no value"
        "An axis is an array of at least one value, or a range whose `to` is not below its `from`."
    BAD_STEP "S060" "a range of a sweep never advances"
        "A range has a step above 0 or a factor above 1, written with the unit of its ends or, for \
         a factor, with none. Its values are computed from their index, exactly; one that needs \
         more than 18 decimal places is refused."
    ZIP_LENGTHS "S061" "zipped axes differ in length"
        "The axes of a `[[sweep.zip]]` advance together, so each needs the same number of \
         values."
    NO_POINT "S062" "a skip or the baseline names no point"
        "`[[sweep.skip]]` and `sweep.baseline` name values of axes, written as in the axis; a \
         value that no axis has would silently match nothing. At least one point must remain."
    TOO_MANY_RUNS "S063" "the sweep has too many runs"
        "A sweep has at most 10,000,000 runs: its points times its repetitions, before skips. \
         Split larger studies into several sweeps."
    OPTION_WITHOUT_EFFECT "S064" "an option has no effect on a trace"
        "Each trace format has options of its own, such as the `field` of a csv; another format \
         would silently ignore them. Page numbers have neither a size nor a page size; if the \
         values are addresses, set `unit = 1`. `balloonist list formats` shows the options of \
         each format."
    ANOTHER_INTERVAL "S065" "a policy's real interval differs"
        "The real implementation of the policy runs more than twice as often, or less than half \
         as often; `balloonist list policies` shows its interval. This is a warning, given only \
         if `checkpoint.every` is a duration, because bare ticks have no real length."
    BAD_WARM_UP "S066" "the warm-up is not valid"
        "`warm_up` sets which accesses of each VM are not counted: a share of its trace \
         (\"10%\"), its first accesses (1000 or \"1000 accesses\"), a time from its own start \
         (\"10 s\" or \"5000 ticks\") or until a tick of the run (\"until 10 s\"). Some accesses \
         must be left to count."
    BELOW_REDUCTION "S067" "a VM may hold fewer frames than its trace is reduced for"
        "`trace convert --reduce K` drops references that make no difference to LRU with K frames \
         or more; with fewer frames, faults would be silently missing. The default `min` of a VM \
         with such a trace is K."
    POLICY_FILE_UNREADABLE "S068" "a file that a policy reads cannot be read"
        "Parameters of policies may name files, such as rules; their paths are relative to the \
         scenario file. A file is UTF-8 text of at most 64 MiB."
    BAD_POLICY_FILE "S069" "a file that a policy reads is wrong"
        "Files that parameters of policies name are checked with the scenario: rules must be \
         complete expressions of their language, and recorded replies complete lines of JSON. The \
         place shown is in that file."
    BAD_TIER "S070" "a tier is not valid"
        "`[[tier]]` is a place where pages that leave the VMs' memory stay within reach, nearest \
         first, at most four. `balloonist list tiers` shows the kinds and what `capacity` may be. \
         A tier in the VMs' own frames comes first. Guests run LRU, and policies that move frames \
         at faults cannot have tiers."
    BAD_MARKS "S071" "the marks of free memory are not valid"
        "`actuator.marks` are four percents of the host's memory, none larger \
         than the one before: from the first on nothing is reclaimed, and below the others the \
         states soft, hard and low begin. What is left beside the first must hold the VMs' minima."
    BAD_SHARING "S072" "pages cannot be shared here"
        "`[sharing]` puts pages of equal content into one frame. It is not simulated beside host \
         paging and tiers, nor under policies that move frames at faults."
    BAD_CONTENT "S073" "what pages hold is not valid"
        "`content` of a VM lists which of its pages hold zeros (`zero = 1`), pages of an image \
         (`image`) or what a file of fingerprints says (`file`), by the trace's own page numbers. \
         The file has the header `page,id` and a line for each page; equal ids are equal contents."
    NOTHING_SHARED "S074" "no page equals another"
        "Pages whose content no `content` declares equal no other page: a scanner finds nothing. \
         This is a warning."
    NOTHING_WRITTEN "S075" "a trace has no writes"
        "A shared page that is written is copied. A trace without kinds does not say what writes, \
         so nothing is copied and what sharing saves is an upper bound. This is a warning."
    BAD_PLAN "S076" "what the plan asks is not valid"
        "`[plan]` is what `plan` and `whatif` ask: `slowdown` (a ratio of at least 1) or `limit` \
         (\"fault_ratio=0.001\", any column of `balloonist list columns`) is what every VM must \
         keep, `confidence` (\"95%\") how sure the answer must be. It is the least memory of the \
         host, or with `tier` the smallest tier of that name, or with `copies` (the most that are \
         tried, or \"auto\") the most copies of all VMs."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_numbered_without_a_gap() {
        for (at, code) in ALL.iter().enumerate() {
            assert_eq!(code.id, format!("S{:03}", at + 1));
            assert!(!code.title.ends_with('.') && code.explanation.ends_with('.'), "{code:?}");
        }
    }
}

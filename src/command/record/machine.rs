//! The machine that QEMU is to run: what of its command line the recorder needs.

use std::ffi::OsString;

use super::super::Failure;
use super::program::CommandLine;

/// QEMU's own size of a machine's memory (`qemu-system-x86_64 -help`).
const MEMORY_DEFAULT: u64 = 128 << 20;

/// Below this, the memory of QEMU's PC lies in one piece (QEMU, `hw/i386/pc_q35.c`), so that a
/// page's place in the memory is its guest-physical address.
const MEMORY_MAX: u64 = 0xb000_0000;

/// QEMU's command line and the bytes of memory of the machine that it makes.
///
/// # Errors
/// The machine is run by KVM, where no plugin is asked, or its memory is too large or not clear.
pub(super) fn of_machine(command: &[OsString]) -> Result<(CommandLine, u64), Failure> {
    let words: Vec<String> =
        command[1..].iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let mut memory = MEMORY_DEFAULT;
    for (at, word) in words.iter().enumerate() {
        let value = words.get(at + 1).map_or("", String::as_str);
        match word.trim_start_matches('-') {
            _ if !word.starts_with('-') => {}
            "enable-kvm" => return Err(needs_tcg(word)),
            "accel" if value.contains("kvm") => return Err(needs_tcg(&format!("-accel {value}"))),
            "machine" | "M" if value.contains("accel=kvm") => {
                return Err(needs_tcg(&format!("-machine {value}")));
            }
            "m" => memory = bytes(value).ok_or_else(|| unclear(value))?,
            _ => {}
        }
    }
    if memory == 0 || memory >= MEMORY_MAX {
        return Err(Failure::Usage(format!(
            "a machine of {} MiB cannot be recorded, expected 1 to {}: give QEMU another -m",
            memory >> 20,
            (MEMORY_MAX >> 20) - 1
        )));
    }
    let line = CommandLine {
        qemu: command[0].clone(),
        package: "qemu-system-x86",
        arguments: command[1..].to_vec(),
    };
    Ok((line, memory))
}

fn needs_tcg(word: &str) -> Failure {
    Failure::Usage(format!(
        "`{word}`: the recorder sees a machine only if QEMU emulates it; leave this out, or say \
         `-accel tcg`"
    ))
}

fn unclear(value: &str) -> Failure {
    Failure::Usage(format!(
        "`-m {value}`: the size of the machine's memory is not clear, expected one such as \
         `-m 256M`"
    ))
}

/// The size that an argument of `-m` gives: a number of MiB, or one with a unit, alone or as `size`
/// among other values.
fn bytes(value: &str) -> Option<u64> {
    let parts = value.split(',');
    let said = parts.clone().find_map(|part| part.strip_prefix("size="));
    let said = said.or_else(|| parts.clone().next().filter(|part| !part.contains('=')))?;
    let digits = said.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let shift = match said[digits.len()..].to_ascii_lowercase().as_str() {
        "b" => 0,
        "k" => 10,
        "" | "m" => 20,
        "g" => 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory_of(words: &[&str]) -> Result<u64, String> {
        let all: Vec<OsString> = ["qemu"].iter().chain(words).map(OsString::from).collect();
        of_machine(&all).map(|(_, memory)| memory).map_err(|failure| match failure {
            Failure::Usage(text) => text,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn the_memory_is_read_as_qemu_reads_it() {
        const MIB: u64 = 1 << 20;
        for (words, memory) in [
            (&[][..], 128 * MIB),
            (&["-m", "96"], 96 * MIB),
            (&["--m", "96M"], 96 * MIB),
            (&["-m", "1G"], 1024 * MIB),
            (&["-m", "size=262144k,slots=2,maxmem=2G"], 256 * MIB),
            (&["-m", "64,slots=2"], 64 * MIB),
            (&["-accel", "tcg", "-smp", "2"], 128 * MIB),
        ] {
            assert_eq!(memory_of(words), Ok(memory), "{words:?}");
        }
    }

    #[test]
    fn what_cannot_be_recorded_is_refused_with_its_remedy() {
        for (words, what) in [
            (&["-enable-kvm"][..], "leave this out, or say `-accel tcg`"),
            (&["-accel", "kvm"], "`-accel kvm`"),
            (&["-machine", "q35,accel=kvm"], "`-machine q35,accel=kvm`"),
            (&["-m", "4G"], "a machine of 4096 MiB cannot be recorded, expected 1 to 2815"),
            (&["-m", "0"], "a machine of 0 MiB"),
            (&["-m", "1.5G"], "`-m 1.5G`: the size of the machine's memory is not clear"),
            (&["-m", "99999999999G"], "is not clear"),
            (&["-m"], "is not clear"),
        ] {
            let said = memory_of(words).unwrap_err();
            assert!(said.contains(what), "{words:?}: {said}");
        }
    }
}

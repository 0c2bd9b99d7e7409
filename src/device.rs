//! What holds pages that are not in memory, and how long it takes to read or write one.
//!
//! Times are those of a single request to an idle device. What a kernel adds to them, its fault
//! handler and its block layer, is `cost.fault`; what other requests add is not simulated. All are
//! rounded, because devices of a kind differ more than that.

use crate::units::Ticks;

/// A kind of device.
#[derive(Debug)]
#[non_exhaustive]
pub struct Device {
    /// Its name in scenarios.
    pub name: &'static str,
    /// What it is.
    pub summary: &'static str,
    /// How it is read.
    pub read: Access,
    /// How it is written.
    pub write: Access,
    /// Where the numbers come from.
    pub follows: &'static str,
}

/// How a device answers a request.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Access {
    /// Nanoseconds for a page of at most 4 KiB.
    pub first: u64,
    /// Bytes a second beyond them.
    pub rate: u64,
}

impl Access {
    const fn new(first: u64, rate: u64) -> Self {
        Self { first, rate }
    }

    /// The time for a page of this many bytes; a tick is a nanosecond.
    pub fn ticks(self, page_size: u64) -> Ticks {
        let more = u128::from(page_size.saturating_sub(SMALL_PAGE)) * 1_000_000_000;
        let more = more.div_ceil(u128::from(self.rate));
        Ticks(u64::try_from(more).unwrap_or(u64::MAX).saturating_add(self.first))
    }
}

/// The bytes that the first time is for.
const SMALL_PAGE: u64 = 4096;

const MB: u64 = 1_000_000;

/// All kinds.
pub const ALL: &[Device] = &[
    Device {
        name: "nvme",
        summary: "a solid-state disk of a server at PCI Express",
        read: Access::new(85_000, 3200 * MB),
        write: Access::new(20_000, 1800 * MB),
        follows: "data sheet of the Intel SSD DC P4500, 2 TB: random latency 85 µs and 20 µs, \
                  sequential 3,200 and 1,800 MB/s",
    },
    Device {
        name: "sata-ssd",
        summary: "a solid-state disk of a server at SATA",
        read: Access::new(110_000, 500 * MB),
        write: Access::new(52_000, 490 * MB),
        follows: "product specification of the Intel SSD DC S4500: typical random latency 110 µs \
                  and 52 µs, sequential 500 and 490 MB/s",
    },
    Device {
        name: "disk",
        summary: "a hard disk with 7,200 revolutions a minute",
        read: Access::new(11_600_000, 200 * MB),
        write: Access::new(12_400_000, 200 * MB),
        follows: "OEM specification 1.4 (2018) of the Western Digital Ultrastar DC HC310: seeks of \
                  7.4 and 8.2 ms, half a revolution 4.16 ms; the rate of 200 MB/s is our choice",
    },
    Device {
        name: "zram",
        summary: "compressed memory: zram, or zswap before it writes anything back",
        read: Access::new(6_000, 870 * MB),
        write: Access::new(6_700, 610 * MB),
        follows: "a page from zswap takes 6 µs (A. Lagar-Cavilla et al., Software-Defined Far \
                  Memory in Warehouse-Scale Computers, ASPLOS 2019, abstract); LZO packs 610 MB/s \
                  and unpacks 870 MB/s (benchmark in zstd's README, version 0.8.2)",
    },
    Device {
        name: "network",
        summary: "memory of another host by RDMA",
        read: Access::new(4_300, 7000 * MB),
        write: Access::new(4_300, 7000 * MB),
        follows: "4.3 µs for 4 KiB by RDMA at 56 Gb/s (H. Al Maruf and M. Chowdhury, Effectively \
                  Prefetching Remote Memory with Leap, USENIX ATC 2020)",
    },
    Device {
        name: "cxl",
        summary: "memory at CXL, from which a page is moved before it is used",
        read: Access::new(9_000, 11_000 * MB),
        write: Access::new(9_000, 11_000 * MB),
        follows: "moving one page of 4 KiB between NUMA nodes takes 17,799 cycles at 2 GHz, and \
                  2 MiB pages move at 11 GB/s (S. Garg, RFC on batched page migration, \
                  linux-kernel list, June 2024 and May 2026); a stand-in for CXL",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larger_pages_take_longer_by_the_rate() {
        let sata = ALL.iter().find(|device| device.name == "sata-ssd").unwrap();
        for (page_size, ns) in [(1024, 110_000), (4096, 110_000), (4096 + 500, 111_000)] {
            assert_eq!(sata.read.ticks(page_size), Ticks(ns));
        }
        // 2 MiB less 4 KiB at 490 MB/s.
        assert_eq!(sata.write.ticks(2 << 20), Ticks(52_000 + 4_271_543));
    }
}

//! What a VM's accesses are counted as: hits, and faults by the place where they found their page.

/// Counts of a VM's accesses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Accesses made.
    pub accesses: u64,
    /// Accesses to pages that were not in the guest's memory.
    pub demand_faults: u64,
    /// Demand faults on the first access ever to a page.
    pub cold_faults: u64,
    /// Demand faults into a frame that an evicted page had to leave.
    pub replacement_misses: u64,
    /// Dirty pages that were written back to make room for these accesses; 0 where write-backs are
    /// not counted.
    pub write_backs: u64,
    /// Accesses that found their page in no frame of the VM but short of the store.
    pub found: Found,
    /// Ticks that the accesses waited for tiers and for host paging.
    pub waited: u64,
}

/// Accesses whose page was in no frame of the VM, by the place where it was found.
///
/// A page that is used is in a frame (a hit), new (a cold fault), or in one of three places: a tier
/// behind the guest's memory, the host's swap space, or the store. The guest faults for a page in
/// a tier or in the store. It does not for one in the host's swap space: that page belongs to its
/// memory, and only the host knows that no frame holds it. What comes from the store is counted
/// by no field, because the other places leave it over ([`Counts::store_reads`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// In a tier: capacity faults that do not read the store.
    pub tiers: u64,
    /// In the host's swap space: host faults, which are no demand faults.
    pub host_swap: u64,
}

impl Found {
    /// What was found since `before`.
    fn since(&self, before: &Self) -> Self {
        Self { tiers: self.tiers - before.tiers, host_swap: self.host_swap - before.host_swap }
    }

    /// Adds what another stretch of accesses found.
    fn add(&mut self, other: Self) {
        // All fields are named, so that the compiler reports a new one that is missing here.
        let Self { tiers, host_swap } = other;
        self.tiers += tiers;
        self.host_swap += host_swap;
    }
}

impl Counts {
    /// Accesses that found their page in a frame.
    pub fn hits(&self) -> u64 {
        self.accesses - self.faults()
    }

    /// Accesses that found their page in no frame: demand faults and host faults.
    pub fn faults(&self) -> u64 {
        self.demand_faults + self.found.host_swap
    }

    /// Demand faults that are not cold.
    pub fn capacity_faults(&self) -> u64 {
        self.demand_faults - self.cold_faults
    }

    /// Demand faults that read their page from the store: swap space, or the disk that it came
    /// from.
    pub fn store_reads(&self) -> u64 {
        self.capacity_faults() - self.found.tiers
    }

    /// Demand faults into an empty frame.
    pub fn fills(&self) -> u64 {
        self.demand_faults - self.replacement_misses
    }

    /// The counts since `before`.
    pub fn since(&self, before: &Self) -> Self {
        Self {
            accesses: self.accesses - before.accesses,
            demand_faults: self.demand_faults - before.demand_faults,
            cold_faults: self.cold_faults - before.cold_faults,
            replacement_misses: self.replacement_misses - before.replacement_misses,
            write_backs: self.write_backs - before.write_backs,
            found: self.found.since(&before.found),
            waited: self.waited - before.waited,
        }
    }

    /// Adds the counts of another stretch of accesses.
    pub fn add(&mut self, other: Self) {
        // All fields are named, so that the compiler reports a new one that is missing here.
        let Self {
            accesses,
            demand_faults,
            cold_faults,
            replacement_misses,
            write_backs,
            found,
            waited,
        } = other;
        self.accesses += accesses;
        self.demand_faults += demand_faults;
        self.cold_faults += cold_faults;
        self.replacement_misses += replacement_misses;
        self.write_backs += write_backs;
        self.found.add(found);
        self.waited += waited;
    }
}

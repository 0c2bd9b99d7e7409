//! The figures that the report published, and the reference values for what it only drew.

/// Every number that [`reproduce`](super::reproduce) compares with; a test may tamper with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// Table 1: the total page miss ratio over the three files, in thousandths, by strategy:
    /// static, last-n with n = 1, proportional.
    pub table1_ratios: [u64; 3],
    /// Beside Table 1: by how much the ratio "decreased" from static, in hundredths of a percent:
    /// last-n, proportional.
    pub table1_decreases: [u64; 2],
    /// Table 2: the replacement misses of VM0 to VM3 on test1 under last-n with n = 1 to 10.
    pub table2: [[u64; 10]; 4],
    /// Figures 4 to 6: the replacement misses behind the bars of test1, test2 and test3; by
    /// strategy as in Table 1, then by VM. Not printed in the report; reference values.
    pub bars: [[&'static [u64]; 3]; 3],
    /// The demand faults over the three files, by strategy as in Table 1; reference values.
    pub demand_faults: [u64; 3],
    /// The demand faults of bounds over the three files, by the bound's name; reference values.
    pub bounds: [(&'static str, u64); 3],
}

/// The report's figures, and reference values on which two independent models and the report's own
/// program agree.
pub const REPORT: Published = Published {
    table1_ratios: [321, 236, 198],
    table1_decreases: [2648, 3832],
    table2: [
        [3, 5, 5, 5, 5, 5, 5, 5, 5, 6],
        [3, 2, 3, 2, 5, 4, 3, 2, 1, 0],
        [3, 3, 3, 2, 5, 4, 3, 2, 2, 2],
        [3, 5, 5, 5, 5, 5, 5, 5, 5, 6],
    ],
    bars: [
        [&[6, 0, 2, 6], &[3, 3, 3, 3], &[5, 3, 3, 3]],
        [&[0, 7], &[0, 4], &[0, 1]],
        [&[2, 3, 8], &[2, 3, 4], &[1, 2, 3]],
    ],
    demand_faults: [75, 83, 84],
    bounds: [("cold", 72), ("best-static", 72), ("global-lru", 74)],
};

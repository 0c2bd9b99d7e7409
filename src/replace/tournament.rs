//! A tournament tree: the largest of many keys, updated one key at a time.

/// The players' keys, and the winners of all matches up to the final.
#[derive(Debug)]
pub(crate) struct Tournament<K> {
    /// The final at 1, the matches below `i` at 2i and 2i + 1, the players' keys in the second
    /// half.
    keys: Vec<K>,
}

impl<K: Copy + Default + Ord> Tournament<K> {
    /// A tournament of `players`, each with the smallest key.
    pub(crate) fn new(players: usize) -> Self {
        Self { keys: vec![K::default(); 2 * players.next_power_of_two()] }
    }

    /// The largest key.
    pub(crate) fn largest(&self) -> K {
        self.keys[1]
    }

    /// A player that has the largest key.
    pub(crate) fn winner(&self) -> usize {
        let players = self.keys.len() / 2;
        let mut at = 1;
        while at < players {
            at = 2 * at + usize::from(self.keys[2 * at] != self.keys[at]);
        }
        at - players
    }

    /// A player's key.
    #[inline(always)]
    pub(crate) fn key(&self, player: usize) -> K {
        self.keys[self.keys.len() / 2 + player]
    }

    /// Sets a player's key. A match whose winner stays the same ends the climb.
    #[inline(always)]
    pub(crate) fn set(&mut self, player: usize, key: K) {
        let mut at = self.keys.len() / 2 + player;
        self.keys[at] = key;
        while at > 1 {
            let best = self.keys[at].max(self.keys[at ^ 1]);
            at /= 2;
            if self.keys[at] == best {
                break;
            }
            self.keys[at] = best;
        }
    }

    /// Plays every match again; for tests.
    pub(crate) fn audit(&self) {
        for at in 1..self.keys.len() / 2 {
            let best = self.keys[2 * at].max(self.keys[2 * at + 1]);
            assert!(self.keys[at] == best, "match {at} has the right winner");
        }
    }
}

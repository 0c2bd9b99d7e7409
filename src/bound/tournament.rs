//! A tournament: the largest of many keys, when one key changes at a time.

/// Keys by player, and the winners of all matches up to the final.
#[derive(Debug)]
pub(super) struct Tournament {
    /// The final at 1, the matches below `i` at 2i and 2i + 1, the players' keys in the second half.
    keys: Vec<u128>,
}

impl Tournament {
    /// So many players, each with the key 0.
    pub(super) fn new(players: usize) -> Self {
        Self { keys: vec![0; 2 * players.next_power_of_two()] }
    }

    /// The largest key.
    pub(super) fn largest(&self) -> u128 {
        self.keys[1]
    }

    /// A player that has the largest key.
    pub(super) fn winner(&self) -> usize {
        let players = self.keys.len() / 2;
        let mut at = 1;
        while at < players {
            at = 2 * at + usize::from(self.keys[2 * at] != self.keys[at]);
        }
        at - players
    }

    /// Sets a player's key. A match whose winner stays the same ends the climb.
    #[inline(always)]
    pub(super) fn set(&mut self, player: usize, key: u128) {
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
}

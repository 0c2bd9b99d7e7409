use std::sync::Arc;

use super::*;
use crate::random::{Generator, Stream};
use crate::trace::Trace;
use crate::units::Frames;

/// Numbering restarts only after billions of accesses; the test restarts it early.
#[test]
fn numbers_that_start_again_change_nothing() {
    for number in 0..300 {
        let draw = || Stream::new(Generator::ChaCha8, number, 0, "test/lirs");
        let mut stream = draw();
        let trace = Arc::new(Trace::from_pages(0..60));
        let frames = Frames(1 + stream.below(30));
        let guest = Guest {
            trace: &trace,
            frames,
            draw: &draw,
            counts_write_backs: false,
            tiers: &[],
            backing: None,
            shares: None,
        };
        let mut settings = Settings::defaults(KIND.params);
        settings.set("hir_share", Value::Decimal(Decimal { digits: 3, places: 1 }));
        let (mut plain, mut worn) = (Lirs::new(&settings, &guest), Lirs::new(&settings, &guest));
        plain.make_room(60);
        worn.make_room(60);
        worn.stack.renumber_at(200);
        worn.queue.renumber_at(150);
        for _ in 0..3_000 {
            let below = 1 + stream.below(60);
            let page = stream.below(below) as PageId;
            assert_eq!(plain.touch(page, 0), worn.touch(page, 0));
            if stream.below(100) == 0 {
                let frames = 1 + stream.below(30);
                let (mut some, mut others) = (Vec::new(), Vec::new());
                plain.resize(frames, |page| some.push(page));
                worn.resize(frames, |page| others.push(page));
                assert_eq!(some, others);
                assert_eq!(plain.lists(), worn.lists());
                worn.audit();
            }
        }
        assert!(worn.stack.next() < 1_000 && plain.stack.next() > 1_000);
    }
}

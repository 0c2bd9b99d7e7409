//! Diagrams: how the lists of VMs change in a round, and what happens in one.

use super::{Figure, WIDTH, clipped};
use crate::render::svg::{Anchor, Drawing, Path};
use crate::reproduce::Lists;
use crate::table::{Cell, Table};

const MOMENTS: [&str; 3] = ["before the round", "after the access", "after the checkpoint"];

/// The lists of VMs in a round, as boxes.
pub fn lists(name: &str, title: &str, caption: &str, vms: &[Lists]) -> Figure {
    let mut table = Table::new(&["vm", "page", "event", "moment", "list"]);
    for lists in vms {
        for (moment, list) in MOMENTS.iter().zip(&lists.moments) {
            let words: Vec<String> = list.iter().map(|&page| shown(page)).collect();
            table.push(vec![
                lists.vm.as_str().into(),
                lists.page.into(),
                lists.event.into(),
                (*moment).into(),
                Cell::from(words.join(" ")),
            ]);
        }
    }
    Figure {
        name: name.to_owned(),
        title: title.to_owned(),
        caption: caption.to_owned(),
        keys: Vec::new(),
        drawing: draw_lists(vms),
        table,
    }
}

fn shown(page: Option<u64>) -> String {
    page.map_or_else(|| "·".to_owned(), |page| page.to_string())
}

fn draw_lists(vms: &[Lists]) -> Drawing {
    let pitch = 620;
    let mut drawing = Drawing::new(WIDTH, 300 + pitch * vms.len() as i64);
    let widest = vms.iter().flat_map(|lists| &lists.moments).map(Vec::len).max().unwrap_or(1);
    let column = 2080;
    let side = ((column - 280) / widest as i64).min(300);
    for (at, moment) in MOMENTS.iter().enumerate() {
        drawing.text(1200 + column * at as i64, 170, Anchor::Start, "head", moment);
    }
    for (row, lists) in vms.iter().enumerate() {
        let top = 280 + pitch * row as i64;
        drawing.text(120, top + 130, Anchor::Start, "head", &clipped(&lists.vm, 900));
        drawing.text(120, top + 290, Anchor::Start, "t", &format!("page {}", lists.page));
        drawing.text(120, top + 430, Anchor::Start, "t", lists.event);
        for (at, list) in lists.moments.iter().enumerate() {
            let left = 1200 + column * at as i64;
            for (place, &page) in list.iter().enumerate() {
                let x = left + side * place as i64;
                let accessed = at == 1 && page == Some(lists.page);
                let class = match page {
                    None => "free mark",
                    Some(_) if accessed => "s3 mark",
                    Some(_) => "s4 mark",
                };
                let what =
                    page.map_or_else(|| "an empty frame".to_owned(), |page| format!("page {page}"));
                let title = format!("{}, {}, place {}: {what}", lists.vm, MOMENTS[at], place + 1);
                drawing.rect([x, top, side, 300], class, Some(&title));
                drawing.text(x + side / 2, top + 190, Anchor::Middle, "on", &shown(page));
            }
            if at < 2 {
                arrow(&mut drawing, left + column - 230, left + column - 50, top + 150);
            }
        }
    }
    drawing
}

fn arrow(drawing: &mut Drawing, from: i64, to: i64, y: i64) {
    let mut path = Path::default();
    path.start(from, y);
    path.line_to(to, y);
    path.start(to - 60, y - 50);
    path.line_to(to, y);
    path.line_to(to - 60, y + 50);
    path.end();
    drawing.path(&path, "arrow", None);
}

/// Two rounds of VMs under one hypervisor: their accesses, then the checkpoint.
pub(crate) fn rounds(name: &str, title: &str, caption: &str, vms: &[&str]) -> Figure {
    let mut table = Table::new(&["order", "round", "who", "event"]);
    let mut drawing = Drawing::new(WIDTH, 400 + 520 * (vms.len() as i64 + 1));
    let height = 320;
    for (lane, name) in vms.iter().chain(&["hypervisor"]).enumerate() {
        let y = 240 + 520 * lane as i64;
        drawing.text(120, y + 190, Anchor::Start, "head", name);
        drawing.line((1300, y + height / 2), (WIDTH - 200, y + height / 2), "grid");
    }
    let mut order = 0;
    for round in 1..=2_i64 {
        let left = 1400 + 3000 * (round - 1);
        drawing.text(left, 150, Anchor::Start, "head", &format!("round {round}"));
        let mut event = |who: &str, event: String, place: [i64; 4], class: &str| {
            order += 1;
            let title = format!("{order}. {who}: {event}");
            let [x, y, width, tall] = place;
            drawing.rect(place, &format!("{class} mark"), Some(&title));
            drawing.text(x + width / 2, y + tall / 2 + 40, Anchor::Middle, "on", &event);
            let row = [Cell::from(order as u64), (round as u64).into(), who.into(), event.into()];
            table.push(row.into());
        };
        for (lane, vm) in vms.iter().enumerate() {
            let place = [left, 240 + 520 * lane as i64, 1000, height];
            event(vm, format!("access {round}"), place, "s4");
        }
        let y = 240 + 520 * vms.len() as i64;
        event("hypervisor", format!("checkpoint {round}"), [left + 1300, y, 1300, height], "s3");
        for lane in 0..vms.len() as i64 {
            let y_from = 240 + 520 * lane + height / 2;
            let mut path = Path::default();
            path.start(left + 1000, y_from);
            path.line_to(left + 1500, y_from);
            path.line_to(left + 1500, y);
            path.end();
            drawing.path(&path, "arrow", None);
        }
    }
    Figure {
        name: name.to_owned(),
        title: title.to_owned(),
        caption: caption.to_owned(),
        keys: Vec::new(),
        drawing,
        table,
    }
}

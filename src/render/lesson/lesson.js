"use strict";
(() => {
  const { vms, only, steps } = JSON.parse(document.getElementById("data").textContent);
  const by = id => document.getElementById(id);
  const make = (tag, name, text) => {
    const element = document.createElement(tag);
    if (name) element.className = name;
    if (text !== undefined) element.textContent = text;
    return element;
  };

  /** The most empty frames of a VM that are drawn; of the others it is said how many they are. */
  const EMPTY_MAX = 40;

  // Each step lists only the VMs that it changed.
  let before = vms.map(() => ({ frames: 0, lists: [] }));
  const states = steps.map(step => {
    before = [...before];
    for (const { vm, frames, lists } of step.drawn) before[vm] = { frames, lists };
    return before;
  });

  const heads = [
    "VM", "frames", "resident", "faults in the interval", "misses in the interval",
    "faults in all", "misses in all", "target", "decision",
  ];
  const row = by("checkpoint").querySelector("thead").insertRow();
  for (const head of heads) {
    const cell = make("th", head === "VM" || head === "decision" ? "w" : "", head);
    cell.scope = "col";
    row.append(cell);
  }

  function list(name, boxes) {
    const line = make("div", "list");
    if (name) line.append(make("b", "", name));
    boxes.forEach((box, at) => {
      if (at) line.append(make("i", "", "→"));
      line.append(box);
    });
    return line;
  }

  function draw(vm, { frames, lists }, step) {
    const now = step.vm === vm;
    const card = make("section", now ? "vm now" : "vm");
    const head = make("h2", "", vms[vm][0]);
    const held = `${frames} ${frames === 1 ? "frame" : "frames"}`;
    const here = frames === 0 ? "not present" : `${vms[vm][1]}, ${held}`;
    head.append(make("span", "", here));
    card.append(head);
    const boxes = ([, held, pages, marks]) => pages.map((page, at) => {
      const touched = now && page === step.page ? " touched" : "";
      const box = make("span", `box ${held ? "page" : "ghost"}${touched}`, page);
      if (marks[at]) box.dataset.mark = "*".repeat(marks[at]);
      return box;
    });
    const resident = lists.filter(([, held]) => held);
    const used = resident.reduce((sum, [, , pages]) => sum + pages.length, 0);
    const free = Math.max(frames - used, 0);
    // A large host may have more empty frames than a browser can draw.
    const empty = Array.from({ length: Math.min(free, EMPTY_MAX) }, () => {
      const frame = make("span", "box empty", "·");
      frame.title = "an empty frame";
      return frame;
    });
    if (free > EMPTY_MAX) {
      const more = make("span", "more", `${(free - EMPTY_MAX).toLocaleString("en")} more empty`);
      empty.push(more);
    }
    const plain = lists.length === 1 && lists[0][0] === "";
    if (plain) {
      card.append(list("", boxes(lists[0]).concat(empty)));
    } else {
      for (const one of resident) card.append(list(one[0], boxes(one)));
      if (empty.length) card.append(list("free", empty));
      for (const one of lists) if (!one[1]) card.append(list(one[0], boxes(one)));
    }
    if (now && step.evicted !== null && step.evicted !== undefined) {
      const gone = make("p", "gone", "evicted: ");
      gone.append(make("s", "", step.evicted));
      card.append(gone);
    }
    return card;
  }

  function decide({ saw, moves, flight }) {
    by("checkpoint").hidden = !saw;
    if (!saw) return;
    const body = by("checkpoint").querySelector("tbody");
    body.replaceChildren();
    for (const [vm, ...numbers] of saw) {
      const move = moves.find(([moved]) => moved === vm);
      const count = move ? move[2] - move[1] : 0;
      const said = count > 0 ? `takes ${count}` : count < 0 ? `gives ${-count}` : "–";
      const row = body.insertRow();
      if (move) row.className = count > 0 ? "takes" : "gives";
      row.append(make("td", "w", vms[vm][0]));
      for (const number of numbers) row.append(make("td", "", number));
      row.append(make("td", "w", said));
    }
    if (flight > 0) {
      const cell = make("td", "w", `in flight: ${flight} frames`);
      cell.colSpan = heads.length;
      body.insertRow().append(cell);
    }
  }

  let place = 0;
  const last = steps.length - 1;
  by("slider").max = last;
  function show(wanted) {
    place = Math.min(Math.max(wanted, 0), last);
    const step = steps[place];
    by("say").textContent = `t = ${step.at}, round ${step.round}. ${step.say}.`;
    const shown = states[place].map((state, vm) => [vm, state]);
    const drawn = shown.filter(([vm]) => only === null || vm === only);
    by("vms").replaceChildren(...drawn.map(([vm, state]) => draw(vm, state, step)));
    decide(step);
    by("slider").value = place;
    by("slider").setAttribute("aria-valuetext", `step ${place} of ${last}`);
    by("count").textContent = `${place} / ${last}`;
    // Disabling a focused button would lose the keyboard focus.
    for (const [id, off] of [["first", place === 0], ["back", place === 0],
                             ["next", place === last], ["last", place === last]]) {
      by(id).setAttribute("aria-disabled", off);
    }
  }

  by("first").addEventListener("click", () => show(0));
  by("back").addEventListener("click", () => show(place - 1));
  by("next").addEventListener("click", () => show(place + 1));
  by("last").addEventListener("click", () => show(last));
  by("slider").addEventListener("input", () => show(+by("slider").value));
  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const onButton = event.target.closest?.("button");
    const moves = { ArrowRight: 1, ArrowLeft: -1, PageDown: 10, PageUp: -10 };
    let wanted;
    if (event.key in moves) wanted = place + moves[event.key];
    else if (event.key === "Home") wanted = 0;
    else if (event.key === "End") wanted = last;
    else if (event.key === " " && !onButton) wanted = place + (event.shiftKey ? -1 : 1);
    else return;
    event.preventDefault();
    show(wanted);
  });
  show(0);
})();

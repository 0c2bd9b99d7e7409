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
  /** The accesses of a VM that are shown at once, and how many of them are before the cursor. */
  const WINDOW = 24;
  const PAST = 15;

  const isAccess = step => step.kind !== undefined;
  const isFault = step => step.kind !== "hit";
  /** The steps at which each VM accesses a page. */
  const accesses = vms.map((_, vm) => steps.flatMap((step, at) =>
    isAccess(step) && step.vm === vm ? [at] : []));
  let place = 0;
  let chosen = only;
  let byRound = false;

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

  /** The VM's accesses around the current step, those before it with their outcomes. */
  function string(vm) {
    const all = accesses[vm];
    const done = all.filter(at => at <= place).length;
    const from = Math.max(0, Math.min(done - PAST, all.length - WINDOW));
    const line = make("ol", "string");
    all.slice(from, from + WINDOW).forEach((at, nth) => {
      const kind = at > place ? "ahead" : isFault(steps[at]) ? "fault" : "hit";
      const item = make("li", from + nth === done - 1 ? `${kind} cursor` : kind, steps[at].page);
      item.append(make("b", "", kind === "fault" ? "F" : kind === "hit" ? "✓" : ""));
      line.append(item);
    });
    const faults = all.slice(0, done).filter(at => isFault(steps[at])).length;
    const counts = make("p", "counts");
    counts.append(make("b", "fault", `F ${faults}`), make("b", "hit", `✓ ${done - faults}`),
      `of ${done} accesses${all.length > done ? `, ${all.length - done} to come` : ""}`);
    return [counts, line];
  }

  function draw(vm, { frames, lists }, step) {
    const now = step.vm === vm;
    const card = make("section", now ? "vm now" : "vm");
    const head = make("h2", "", vms[vm][0]);
    const held = `${frames} ${frames === 1 ? "frame" : "frames"}`;
    const here = frames === 0 ? "not present" : `${vms[vm][1]}, ${held}`;
    head.append(make("span", "", here));
    card.append(head);
    if (accesses[vm].length) card.append(...string(vm));
    const boxes = ([, held, pages, marks]) => pages.map((page, at) => {
      const touched = now && page === step.page ? ` touched ${isFault(step) ? "fault" : "hit"}` : "";
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

  const last = steps.length - 1;
  by("slider").max = last;
  function show(wanted) {
    place = Math.min(Math.max(wanted, 0), last);
    const step = steps[place];
    const sign = !isAccess(step) ? "" : isFault(step) ? "F" : "✓";
    by("say").className = !isAccess(step) ? "" : isFault(step) ? "fault" : "hit";
    by("say").replaceChildren(make("b", "sign", sign),
      `t = ${step.at}, round ${step.round}. ${step.say}.`);
    const shown = states[place].map((state, vm) => [vm, state]);
    const drawn = shown.filter(([vm]) => chosen === null || vm === chosen);
    by("vms").className = drawn.length === 1 ? "one" : "";
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

  /** Where a press of Next (1) or Back (-1) leads: past the steps of VMs that are not shown. */
  function stop(at) {
    if (at <= 0 || at >= last) return true;
    if (byRound) return steps[at].round !== steps[at + 1].round;
    const { drawn, saw } = steps[at];
    return chosen === null || saw !== undefined || drawn.some(({ vm }) => vm === chosen);
  }
  function move(by) {
    let at = place + by;
    while (!stop(at)) at += by;
    show(at);
  }

  if (only === null && vms.length > 1) {
    vms.forEach(([name], vm) => {
      const option = make("option", "", name);
      option.value = vm;
      by("vm").append(option);
    });
    by("which").hidden = false;
  }
  by("vm").addEventListener("change", () => {
    chosen = by("vm").value === "" ? null : +by("vm").value;
    show(place);
  });
  by("pace").addEventListener("change", () => { byRound = by("pace").value === "round"; });
  by("first").addEventListener("click", () => show(0));
  by("back").addEventListener("click", () => move(-1));
  by("next").addEventListener("click", () => move(1));
  by("last").addEventListener("click", () => show(last));
  by("slider").addEventListener("input", () => show(+by("slider").value));
  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.closest?.("select")) return;
    const onButton = event.target.closest?.("button");
    if (event.key === "ArrowRight") move(1);
    else if (event.key === "ArrowLeft") move(-1);
    else if (event.key === "PageDown") show(place + 10);
    else if (event.key === "PageUp") show(place - 10);
    else if (event.key === "Home") show(0);
    else if (event.key === "End") show(last);
    else if (event.key === " " && !onButton) move(event.shiftKey ? -1 : 1);
    else return;
    event.preventDefault();
  });
  show(0);
})();

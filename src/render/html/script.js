"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Tables: a click on a heading sorts, a second one reverses the order.
  // The bare value of a cell: numbers are shown in groups of three digits.
  const bare = cell =>
    cell.className === "w" ? cell.textContent : cell.textContent.replaceAll(",", "");
  const value = (row, column) => bare(row.cells[column]);
  const numbers = /^-?[\d.]*$/;
  function sort(table, column) {
    const head = table.tHead.rows[0].cells[column];
    const down = head.getAttribute("aria-sort") === "ascending";
    all("th", table).forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const rows = [...table.tBodies[0].rows];
    const numeric = rows.every(row => numbers.test(value(row, column)));
    rows.sort((one, other) => {
      const [a, b] = [value(one, column), value(other, column)];
      if (a === "" || b === "") return (a === "") - (b === "");
      const order = numeric ? a - b : a < b ? -1 : a > b ? 1 : 0;
      return down ? -order : order;
    });
    table.tBodies[0].append(...rows);
  }
  const quoted = text => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  function csv(table) {
    const line = cells => cells.map(quoted).join(",") + "\n";
    const head = line(all("th", table).map(cell => cell.dataset.column));
    return head + table.inOrder.map(row => line([...row.cells].map(bare))).join("");
  }
  for (const table of all("table")) {
    table.inOrder = [...table.tBodies[0].rows];
    all("th", table).forEach((cell, column) => {
      const first = table.inOrder[0];
      cell.classList.toggle("w", !!first && first.cells[column].className === "w");
      cell.firstChild.addEventListener("click", () => sort(table, column));
    });
    const link = document.createElement("a");
    link.className = "csv";
    link.href = "#";
    link.textContent = "Save as CSV";
    link.download = `${table.dataset.name}.csv`;
    // The file is created on demand, to save memory.
    link.addEventListener("click", () => {
      if (link.href.startsWith("blob:")) return;
      link.href = URL.createObjectURL(new Blob([csv(table)], { type: "text/csv" }));
    });
    table.parentNode.after(link);
  }

  // One box describes what is under the pointer or selected by arrow keys; screen readers read it.
  const tip = document.getElementById("tip");
  let ending = null;
  function show(text, box) {
    tip.textContent = text;
    tip.hidden = false;
    const { width, height } = tip.getBoundingClientRect();
    const left = Math.min(box.right + 12, innerWidth - width - 8);
    const top = Math.min(Math.max(box.top, 8), innerHeight - height - 8);
    tip.style.left = `${Math.max(left, 8)}px`;
    tip.style.top = `${Math.max(top, 8)}px`;
  }

  // Nothing of the steps is drawn outside their area.
  function clip(figure, svg, stretches, box) {
    stretches.forEach((group, index) => {
      const path = document.createElementNS(svg.namespaceURI, "clipPath");
      const area = document.createElementNS(svg.namespaceURI, "rect");
      path.id = `${figure.id}-area-${index}`;
      const shape = box(group);
      ["x", "y", "width", "height"].forEach((name, at) => area.setAttribute(name, shape[at]));
      path.append(area);
      svg.append(path);
      group.setAttribute("clip-path", `url(#${path.id})`);
    });
  }
  // Draws a part of the steps in the whole width: lines are stretched, marks move, and the axes
  // have the last ticks of steps in place of round ones.
  function zoom(svg, table, stretches, { from, to }) {
    const isPart = to - from < 1;
    const placed = (share, x, width) => x + ((share - from) / (to - from)) * width;
    const made = (name, attributes, parent) => {
      const element = document.createElementNS(svg.namespaceURI, name);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
      parent.append(element);
      return element;
    };
    for (const group of stretches) {
      const hit = group.querySelector(".hit");
      const [x, width] = ["x", "width"].map(name => +hit.getAttribute(name));
      const by = 1 / (to - from);
      const text = isPart ? `matrix(${by} 0 0 1 ${placed(0, x, width) - by * x} 0)` : "";
      all("path", group).forEach(path => path.setAttribute("transform", text));
    }
    all(".zoomed", svg).forEach(old => old.remove());
    const column = all("th", table).findIndex(cell => cell.dataset.column === "until_tick");
    const count = +stretches[0].dataset.count;
    for (const ticks of all(".ticks", svg)) {
      const [x, width, bottom] = ticks.dataset.area.split(" ").map(Number);
      for (const mark of all(".event", svg)) {
        const names = mark.localName === "rect" ? ["x", "width"] : ["cx"];
        mark.first ??= names.map(name => +mark.getAttribute(name));
        const [start, long = 0] = mark.first;
        const ends = [start, start + long].map(end => placed((end - x) / width, x, width));
        mark.classList.toggle("off", ends[1] < x || ends[0] > x + width);
        const [left, right] = ends.map(end => Math.min(Math.max(end, x), x + width));
        mark.setAttribute(names[0], left);
        if (long) mark.setAttribute("width", right - left);
      }
      ticks.classList.toggle("off", isPart);
      if (!isPart) continue;
      const shown = made("g", { class: "zoomed" }, ticks.parentNode);
      const labels = width > 300 ? 5 : 2;
      for (let at = 0; at < labels; at++) {
        const share = from + ((at + 0.5) / labels) * (to - from);
        const step = Math.min(Math.floor(share * count), count - 1);
        const end = placed((step + 1) / count, x, width);
        if (end > x + width) continue;
        made("line", { x1: end, x2: end, y1: bottom, y2: bottom + 4, class: "axis" }, shown);
        const label = made("text", { x: end, y: bottom + 16, class: "t mid" }, shown);
        label.textContent = table.inOrder[step].cells[column].textContent;
      }
    }
  }

  // The command that made the page can be copied.
  for (const line of all(".command")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", () => {
      getSelection().selectAllChildren(line.querySelector("code"));
      document.execCommand("copy");
      getSelection().removeAllRanges();
      button.textContent = "Copied";
    });
    line.append(button);
  }

  for (const figure of all("figure")) {
    const svg = figure.querySelector(".wide > svg");
    const table = figure.querySelector("table");
    const heads = all("th", table).map(cell => cell.textContent);
    const hidden = new Set();
    const cursor = document.createElementNS(svg.namespaceURI, "line");
    cursor.setAttribute("class", "cursor off");

    for (const button of all(".legend button", figure)) {
      button.addEventListener("click", () => {
        const key = button.dataset.toggle;
        const on = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", on);
        if (on) hidden.delete(button.textContent);
        else hidden.add(button.textContent);
        all(`[data-series="${key}"]`, svg).forEach(group => group.classList.toggle("off", !on));
      });
    }

    // What is seen of the steps: all, or a part from one share of the width to another.
    const stretches = all(".steps", svg);
    const box = group =>
      ["x", "y", "width", "height"].map(name => +group.querySelector(".hit").getAttribute(name));
    const seen = { from: 0, to: 1 };
    // The place of a share of the width, and the share of a place.
    const placed = (share, x, width) => x + ((share - seen.from) / (seen.to - seen.from)) * width;
    const shareAt = (event, group) => {
      const { left, width } = group.querySelector(".hit").getBoundingClientRect();
      return seen.from + ((event.clientX - left) / width) * (seen.to - seen.from);
    };
    function see(from, to) {
      clear();
      const length = Math.min(Math.max(to - from, 4 / +stretches[0].dataset.count), 1);
      seen.from = Math.min(Math.max(from, 0), 1 - length);
      seen.to = seen.from + length;
      zoom(svg, table, stretches, seen);
    }
    if (stretches.length && +stretches[0].dataset.count >= 12) {
      clip(figure, svg, stretches, box);
      const bar = document.createElement("div");
      bar.className = "zoom";
      const by = (sign, length) => [seen.from + sign * length / 4, seen.to + sign * length / 4];
      const moves = [
        ["Zoom in", "+", length => [seen.from + length / 4, seen.to - length / 4]],
        ["Zoom out", "−", length => [seen.from - length / 2, seen.to + length / 2]],
        ["Earlier", "◀", length => by(-1, length)],
        ["Later", "▶", length => by(1, length)],
        ["Show all", "All", () => [0, 1]],
      ];
      for (const [name, sign, move] of moves) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = sign;
        button.title = name;
        button.setAttribute("aria-label", name);
        button.addEventListener("click", () => see(...move(seen.to - seen.from)));
        bar.append(button);
      }
      svg.parentNode.before(bar);
      // What is dragged over is seen; a double click shows all.
      const brush = document.createElementNS(svg.namespaceURI, "rect");
      brush.setAttribute("class", "brush off");
      let drag = null;
      svg.addEventListener("pointerdown", event => {
        const group = event.target.closest(".steps");
        if (group && event.button === 0 && event.pointerType !== "touch") {
          drag = { group, start: shareAt(event, group) };
        }
      });
      svg.addEventListener("pointermove", event => {
        if (!drag) return;
        const [x, y, width, height] = box(drag.group);
        const ends = [drag.start, shareAt(event, drag.group)].sort((a, b) => a - b);
        const [left, right] = ends.map(end => placed(end, x, width));
        const shape = { x: left, y, width: right - left, height };
        for (const [name, value] of Object.entries(shape)) brush.setAttribute(name, value);
        brush.classList.remove("off");
        drag.group.append(brush);
      });
      addEventListener("pointerup", event => {
        if (!drag) return;
        const ends = [drag.start, shareAt(event, drag.group)].sort((a, b) => a - b);
        const wide = (ends[1] - ends[0]) / (seen.to - seen.from) > 0.02;
        drag = null;
        brush.classList.add("off");
        if (wide) see(...ends);
      });
      svg.addEventListener("dblclick", () => see(0, 1));
    }

    // A mark has its own title; a step of a group of lines is described by a row of the table.
    const marks = all(".mark, .cell", svg).filter(mark => mark.querySelector("title"));
    for (const mark of marks) {
      const title = mark.querySelector("title");
      mark.said = title.textContent;
      title.remove();
    }
    let places = [];
    for (const group of stretches) {
      const count = +group.dataset.count;
      for (let at = 0; at < count; at++) places.push({ group, at, count });
    }
    places = places.concat(marks.map(mark => ({ mark })));
    let place = -1;

    function clear() {
      // The box may belong to another chart by now.
      if (ending !== clear) return;
      ending = null;
      tip.hidden = true;
      cursor.classList.add("off");
      marks.forEach(mark => mark.classList.remove("now"));
    }
    function tell(index) {
      if (ending) ending();
      ending = clear;
      place = index;
      const { group, at, count, mark } = places[index];
      if (mark) {
        mark.classList.add("now");
        show(mark.said, mark.getBoundingClientRect());
        return;
      }
      // The arrow keys lead out of what is seen, which then follows.
      const middleOf = (at + 0.5) / count;
      if (middleOf < seen.from || middleOf > seen.to) {
        const half = (seen.to - seen.from) / 2;
        see(middleOf - half, middleOf + half);
        ending = clear;
        place = index;
      }
      const [x, y, width, height] = box(group);
      const middle = placed(middleOf, x, width);
      const ends = { x1: middle, x2: middle, y1: y, y2: y + height };
      for (const [name, end] of Object.entries(ends)) cursor.setAttribute(name, end);
      cursor.classList.remove("off");
      group.append(cursor);
      const row = table.inOrder[+group.dataset.first + at];
      const line = (head, at) => [head, row.cells[at].textContent, value(row, at)];
      const shown = heads.map(line).filter(([head, text]) => text !== "" && !hidden.has(head));
      // With very many series only the largest are shown; the table has all.
      const [keys, others] = [shown.slice(0, 2), shown.slice(2)];
      const listed = others.length > 14 ? [...others].sort((a, b) => b[2] - a[2]) : others;
      const text = keys.concat(listed.slice(0, 14)).map(([head, text]) => `${head}: ${text}`);
      if (listed.length > 14) text.push(`and ${listed.length - 14} more`);
      show(text.join("\n"), cursor.getBoundingClientRect());
    }

    svg.addEventListener("pointermove", event => {
      const mark = event.target.closest(".mark, .cell");
      if (mark && mark.said !== undefined) {
        tell(places.findIndex(place => place.mark === mark));
        return;
      }
      const group = event.target.closest(".steps");
      if (!group || !places.length) return clear();
      const count = +group.dataset.count;
      const at = Math.floor(shareAt(event, group) * count);
      const first = places.findIndex(place => place.group === group);
      if (first < 0) return clear();
      tell(first + Math.min(Math.max(at, 0), count - 1));
    });
    svg.addEventListener("pointerleave", clear);
    svg.addEventListener("blur", clear);
    svg.addEventListener("keydown", event => {
      const moves = {
        ArrowRight: 1, ArrowLeft: -1, ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10,
      };
      const key = event.key;
      if (key === "Escape") return clear();
      if (!places.length || !(key in moves || key === "Home" || key === "End")) return;
      event.preventDefault();
      const last = places.length - 1;
      const wanted = key === "Home" ? 0 : key === "End" ? last : place < 0 ? 0 : place + moves[key];
      tell(Math.min(Math.max(wanted, 0), last));
    });
  }
})();

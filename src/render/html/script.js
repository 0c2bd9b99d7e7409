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

    // A mark has its own title; a step of a group of lines is described by a row of the table.
    const marks = all(".mark, .cell", svg).filter(mark => mark.querySelector("title"));
    for (const mark of marks) {
      const title = mark.querySelector("title");
      mark.said = title.textContent;
      title.remove();
    }
    const stretches = all(".steps", svg);
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
      const hit = group.querySelector(".hit");
      const [x, y, width, height] = ["x", "y", "width", "height"].map(
        name => +hit.getAttribute(name)
      );
      const middle = x + (width * (at + 0.5)) / count;
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
      const box = group.querySelector(".hit").getBoundingClientRect();
      const count = +group.dataset.count;
      const at = Math.floor(((event.clientX - box.left) / box.width) * count);
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

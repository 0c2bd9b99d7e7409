// Opens a page of `balloonist report` in a real browser and uses it: hovers, toggles, sorts, steps,
// saves. A console error or a request that leaves the file is a failure.
//
// node check.mjs PAGE.html [FOLDER FOR SCREENSHOTS]
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fits, shoot, test } from "./page.mjs";

const tip = page => page.locator("#tip");
async function told(page) {
  assert.ok(await tip(page).isVisible(), "something is told");
  return tip(page).textContent();
}

/** Hovering over every picture tells what is there. */
async function hovers(page) {
  const figures = page.locator("figure");
  const count = await figures.count();
  assert.ok(count > 0, "the page has pictures");
  for (let at = 0; at < count; at++) {
    const figure = figures.nth(at);
    const area = figure.locator(".wide > svg .hit, .wide > svg .mark, .wide > svg .cell").first();
    await area.scrollIntoViewIfNeeded();
    await area.hover({ force: true });
    const text = await told(page);
    assert.match(text, /\d/, `${await figure.getAttribute("id")} tells numbers`);
  }
  await page.mouse.move(0, 0);
}

/** A picture with steps tells, at its right end, the last row of its table. */
async function tellsItsTable(page) {
  const figure = page.locator("figure:has(.steps)").first();
  if (!(await figure.count())) return;
  const hit = figure.locator(".hit").first();
  await hit.scrollIntoViewIfNeeded();
  const box = await hit.boundingBox();
  await page.mouse.move(box.x + box.width - 2, box.y + box.height / 2);
  const text = await told(page);
  const count = await figure.locator(".steps").first().getAttribute("data-count");
  const cells = figure.locator(`tbody tr:nth-child(${count}) td`);
  for (const cell of (await cells.allTextContents()).slice(0, 10)) {
    assert.ok(text.includes(cell), `${cell} in ${text}`);
  }
}

/** The arrow keys step through a picture, and escape ends it. */
async function steps(page) {
  await page.mouse.move(0, 0);
  const svg = page.locator("figure .wide > svg").first();
  await svg.focus();
  await page.keyboard.press("Home");
  const first = await told(page);
  await page.keyboard.press("ArrowRight");
  const second = await told(page);
  await page.keyboard.press("End");
  await told(page);
  await page.keyboard.press("Home");
  assert.equal(await told(page), first, "home is the first step");
  assert.notEqual(first, second, "a step right goes on");
  await page.keyboard.press("Escape");
  assert.ok(!(await tip(page).isVisible()), "escape ends the telling");
}

/** A button of a legend hides its series and shows it again, by mouse and by keyboard. */
async function toggles(page) {
  const figure = page.locator("figure:has(.legend)").first();
  if (!(await figure.count())) return;
  const button = figure.locator(".legend button").first();
  const series = figure.locator('[data-series="0"]').first();
  await button.click();
  assert.equal(await button.getAttribute("aria-pressed"), "false");
  assert.ok(await series.evaluate(group => getComputedStyle(group).display === "none"));
  await button.focus();
  await page.keyboard.press("Enter");
  assert.equal(await button.getAttribute("aria-pressed"), "true");
  assert.ok(await series.evaluate(group => getComputedStyle(group).display !== "none"));
}

/** A click on a heading sorts by numbers, a second one turns the order around. */
async function sorts(page) {
  const table = page.locator("section table").first();
  const faults = await table.locator('th[data-column="demand_faults"]').count();
  const head = table.locator(`th[data-column="${faults ? "demand_faults" : "overcommit"}"]`);
  const column = await head.evaluate(cell => cell.cellIndex);
  const numbers = () =>
    table.locator("tbody tr").evaluateAll(
      (rows, at) => rows.map(row => +row.cells[at].textContent.replaceAll(",", "")), column);
  const ascending = (await numbers()).sort((a, b) => a - b);
  await head.locator("button").click();
  assert.equal(await head.getAttribute("aria-sort"), "ascending");
  assert.deepEqual(await numbers(), ascending);
  await head.locator("button").click();
  assert.equal(await head.getAttribute("aria-sort"), "descending");
  assert.deepEqual(await numbers(), ascending.reverse());
}

/** A saved table has a line for each row, in the order of the file. */
async function saves(page) {
  const link = page.locator("section .csv").first();
  const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
  const lines = readFileSync(await download.path(), "utf8").trimEnd().split("\n");
  const table = page.locator("section table").first();
  assert.equal(lines.length, 1 + (await table.locator("tbody tr").count()));
  const columns = await table.locator("th").evaluateAll(all => all.map(th => th.dataset.column));
  assert.equal(lines[0], columns.join(","));
}

/** Every link of the contents leads to a part of the page, and the command can be copied. */
async function leads(page) {
  const links = await page.locator(".contents a").evaluateAll(all => all.map(link => link.hash));
  for (const hash of links) assert.equal(await page.locator(hash).count(), 1, `${hash} is there`);
  const copy = page.locator(".command button");
  if (!(await copy.count())) return;
  await copy.click();
  assert.equal(await copy.textContent(), "Copied");
}

/** Zooming in shows fewer steps, with ticks of their own; a drag does too, and all come back. */
async function zooms(page) {
  const figure = page.locator("figure:has(.zoom)").first();
  if (!(await figure.count())) return;
  const named = name => figure.getByRole("button", { name, exact: true });
  const zoomed = figure.locator(".zoomed text").first();
  const hit = figure.locator(".hit").first();
  const count = +(await figure.locator(".steps").first().getAttribute("data-count"));
  const leftmost = async () => {
    const box = await hit.boundingBox();
    await page.mouse.move(box.x + 1, box.y + box.height / 2);
    return told(page);
  };
  await hit.scrollIntoViewIfNeeded();
  const before = await leftmost();
  await named("Zoom in").click();
  await zoomed.waitFor({ state: "attached" });
  assert.ok(!(await figure.locator(".ticks").first().isVisible()), "the round ticks are gone");
  assert.notEqual(await leftmost(), before, `the first of ${count} steps is out of sight`);
  for (let step = 0; step < 2; step++) await named("Earlier").click();
  assert.equal(await leftmost(), before, "and in sight again");
  await named("Show all").click();
  assert.equal(await zoomed.count(), 0);
  const box = await hit.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width - 3, box.y + 30, { steps: 4 });
  await page.mouse.up();
  await zoomed.waitFor({ state: "attached" });
  await hit.dblclick({ force: true });
  assert.equal(await zoomed.count(), 0);
  await page.mouse.move(0, 0);
}

/** Hovering over every cell of a map tells its values, and the label in it is no obstacle. */
async function mapsTell(page) {
  for (const map of await page.locator("figure:has(.cell)").all()) {
    const cells = await map.locator(".cell").all();
    assert.ok(cells.length > 1, "a map has cells");
    for (const cell of cells) {
      await cell.scrollIntoViewIfNeeded();
      await cell.hover();
      assert.match(await told(page), / % faults/);
    }
  }
  await page.mouse.move(0, 0);
}

/** On paper nothing is cut off: what is wider than the sheet on the screen fits, tables are whole. */
async function prints(page) {
  await page.emulateMedia({ media: "print" });
  // A4 between margins of 12 mm, upright and turned.
  for (const [width, inside] of [[703, ":not(:has(.broad)) > "], [1031, ""]]) {
    await page.setViewportSize({ width, height: 1000 });
    const cut = await page.evaluate(inside => [...document.querySelectorAll(`main > ${inside}*`)]
      .filter(part => part.checkVisibility() && part.scrollWidth > part.clientWidth + 1)
      .map(part => `${part.textContent.slice(0, 40)}: ${part.scrollWidth - part.clientWidth}`), inside);
    assert.deepEqual(cut, [], `nothing is wider than ${width} pixels`);
  }
  const clipped = await page.evaluate(() => [...document.querySelectorAll(".wide")]
    .filter(part => part.checkVisibility() && part.scrollHeight > part.clientHeight + 1).length);
  assert.equal(clipped, 0, "no table is cut off below");
  await page.setViewportSize({ width: 1400, height: 900 });
  await page.emulateMedia({ media: null });
}

await test([leads, hovers, mapsTell, tellsItsTable, steps, zooms, toggles, sorts, saves, prints], async (page, name) => {
  await fits(page);
  await shoot(page, name);
});

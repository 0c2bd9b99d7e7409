// What the checks of all pages share: a browser, pages that may neither complain nor ask anything of
// the network, and the widths and colours that every page must be fit for.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [file, shots] = process.argv.slice(2);
const address = pathToFileURL(resolve(file)).href;
const troubles = [];
let browser;

export async function open(options) {
  const context = await browser.newContext({ acceptDownloads: true, ...options });
  const page = await context.newPage();
  page.on("console", message => {
    if (["error", "warning"].includes(message.type())) troubles.push(message.text());
  });
  page.on("pageerror", error => troubles.push(error.message));
  page.on("request", request => {
    const url = request.url();
    if (url !== address && !/^(data|blob):/.test(url)) troubles.push(`request of ${url}`);
  });
  await page.goto(address);
  return page;
}

/** Nothing is wider than the window but what scrolls by itself. */
export async function fits(page) {
  const wide = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `the page is ${wide} pixels wider than the window`);
}

/** A picture of the page, where somebody wants to look at it. */
export async function shoot(page, name) {
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });
}

/** Light and dark differ, and a button changes over. */
export async function themes(page) {
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const before = await paper();
  await page.locator("#theme").click();
  assert.notEqual(await paper(), before);
  await page.locator("#theme").click();
  assert.equal(await paper(), before);
}

/** What everybody finds who cannot see the page: one main part and one heading of the first rank,
    ranks that leave none out, and a name for whatever can be worked or looked at. */
export async function isNamed(page) {
  const text = await page.locator("body").ariaSnapshot();
  const nodes = text.split("\n").map(line => line.match(/^ *- ([a-z]+)(?: "((?:[^"\\]|\\.)*)")?(.*)$/));
  const found = nodes.filter(Boolean).map(([, role, name, rest]) => ({ role, name, rest }));
  const of = role => found.filter(node => node.role === role);
  assert.equal(of("main").length, 1, "one main part");
  const ranks = of("heading").map(({ rest }) => +rest.match(/level=(\d)/)[1]);
  assert.equal(ranks.filter(rank => rank === 1).length, 1, "one heading of the first rank");
  ranks.forEach((rank, at) => assert.ok(rank <= (ranks[at - 1] ?? 0) + 1, `heading ${at}: ${rank}`));
  for (const role of ["button", "link", "img", "slider", "table", "columnheader"]) {
    for (const node of of(role)) assert.ok(node.name, `a nameless ${role}`);
  }
}

/** The checks one after the other on one page, then the page at every width, light and dark. */
export async function test(checks, atEveryWidth) {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });
  try {
    const page = await open({ viewport: { width: 1400, height: 900 } });
    for (const check of [...checks, isNamed, themes]) {
      await check(page);
      console.log(`${check.name}: ok`);
    }
    await page.context().close();
    for (const width of [360, 800, 1400]) {
      for (const colorScheme of ["light", "dark"]) {
        const page = await open({ viewport: { width, height: 900 }, colorScheme });
        await atEveryWidth(page, `${width}-${colorScheme}`);
        await page.context().close();
      }
    }
    console.log("fits at three widths, light and dark: ok");
    assert.deepEqual(troubles, [], "no console error, no request leaves the file");
    console.log("no console error, no request: ok");
  } finally {
    await browser.close();
  }
}

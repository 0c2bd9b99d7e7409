// Opens a page of `walk --html` in a real browser and steps through it by button, key and slider. A
// console error or a request that leaves the file is a failure.
//
// node lesson.mjs PAGE.html [FOLDER FOR SCREENSHOTS]
import assert from "node:assert/strict";
import { fits, shoot, test } from "./page.mjs";

/** What is to be seen of a step. */
const seen = page => page.locator("main").evaluate(main =>
  ["#say", "#vms", "#checkpoint:not([hidden])"].map(part => main.querySelector(part)?.innerHTML));
const data = page => page.evaluate(() => JSON.parse(document.getElementById("data").textContent));

/** Forwards through all steps by button, and back by key: every step looks the same both ways. */
async function bothWays(page) {
  const { steps } = await data(page);
  const forwards = [await seen(page)];
  for (let at = 1; at < steps.length; at++) {
    await page.locator("#next").click();
    forwards.push(await seen(page));
    assert.notDeepEqual(forwards[at], forwards[at - 1], `step ${at} shows something else`);
  }
  await page.locator("#next").click({ force: true }); // It is marked as disabled.
  assert.deepEqual(await seen(page), forwards.at(-1), "nothing is behind the last step");
  for (let at = steps.length - 2; at >= 0; at--) {
    await page.keyboard.press("ArrowLeft");
    assert.deepEqual(await seen(page), forwards[at], `back at step ${at}`);
  }
  await page.locator("#last").click();
  assert.deepEqual(await seen(page), forwards.at(-1));
  await page.locator("#back").click();
  assert.deepEqual(await seen(page), forwards.at(-2));
  await page.keyboard.press("Home");
  assert.deepEqual(await seen(page), forwards[0]);
  await page.locator("#slider").fill("3");
  assert.deepEqual(await seen(page), forwards[3]);
  await page.locator("#first").click();
  assert.deepEqual(await seen(page), forwards[0]);
}

/**
 * Every VM has as many boxes of frames as frames, but for those empty ones of which it is said how
 * many they are, and the page accessed is among them.
 */
async function draws(page) {
  const { vms, steps } = await data(page);
  const frames = vms.map(() => 0);
  for (const [at, step] of steps.entries()) {
    for (const { vm, frames: held } of step.drawn) frames[vm] = held;
    const drawn = await page.locator(".vm").evaluateAll(all =>
      all.map(vm => {
        const count = boxes => vm.querySelectorAll(boxes).length;
        const more = vm.querySelector(".more");
        const said = more ? Number(more.textContent.replaceAll(/\D/g, "")) : 0;
        return [count(".box:not(.ghost)") + said, count(".box.empty") <= 40];
      }));
    assert.deepEqual(drawn, frames.map(held => [held, true]), `the frames of step ${at}`);
    if (step.page !== undefined) {
      assert.equal(await page.locator(".box.touched").textContent(), String(step.page));
    }
    const table = page.locator("#checkpoint");
    assert.equal(await table.isVisible(), step.saw !== undefined);
    if (step.saw) assert.equal(await table.locator("tbody tr").count(), step.saw.length);
    await page.keyboard.press("ArrowRight");
  }
}

/** Each VM shows its accesses so far with their outcomes, counted, and none of those to come. */
async function counts(page) {
  const { vms, steps } = await data(page);
  const past = vms.map(() => []);
  for (const step of steps) {
    if (step.kind) past[step.vm].push(step.kind === "hit" ? "hit" : "fault");
    const shown = await page.locator(".vm").evaluateAll(all => all.map(vm => [
      vm.querySelector(".counts b.fault")?.textContent ?? "F 0",
      vm.querySelector(".counts b.hit")?.textContent ?? "✓ 0",
      [...vm.querySelectorAll(".string li:not(.ahead)")].map(li => li.classList[0]),
    ]));
    assert.deepEqual(shown.map(([fault, hit]) => [fault, hit]), past.map(kinds => [
      `F ${kinds.filter(kind => kind === "fault").length}`,
      `✓ ${kinds.filter(kind => kind === "hit").length}`,
    ]));
    shown.forEach(([, , kinds], vm) => {
      assert.deepEqual(kinds, past[vm].slice(past[vm].length - kinds.length));
    });
    await page.keyboard.press("ArrowRight");
  }
}

/** A step is a round if so chosen; with one VM chosen, only what concerns it is stepped through. */
async function chosen(page) {
  const { vms, steps } = await data(page);
  await page.locator("#pace").selectOption("round");
  for (let at = 0; at < steps.length - 1;) {
    const { round } = steps[at + 1];
    while (at + 1 < steps.length && steps[at + 1].round === round) at += 1;
    await page.keyboard.press("ArrowRight");
    assert.equal(await page.locator("#count").textContent(), `${at} / ${steps.length - 1}`);
  }
  await page.locator("#pace").selectOption("access");
  assert.equal(await page.locator("#which").isVisible(), vms.length > 1);
  if (vms.length === 1) return;
  await page.locator("#vm").selectOption("1");
  await page.keyboard.press("Home");
  for (const [at, step] of steps.entries()) {
    const concerns = step.saw || step.drawn.some(({ vm }) => vm === 1);
    if (at === 0 || at === steps.length - 1 || !concerns) continue;
    await page.locator("#next").click();
    assert.equal(await page.locator("#count").textContent(), `${at} / ${steps.length - 1}`);
    assert.equal(await page.locator(".vm").count(), 1);
  }
  await page.locator("#vm").selectOption("");
}

/** Each check begins at the first step. */
const fromTheStart = check => Object.defineProperty(async page => {
  await page.keyboard.press("Home");
  await check(page);
}, "name", { value: check.name });

await test([bothWays, draws, counts, chosen].map(fromTheStart), async (page, name) => {
  const { steps } = await data(page);
  const wanted = { miss: s => s.kind === "miss", checkpoint: s => s.moves?.length && s.saw };
  for (const [what, is] of Object.entries(wanted)) {
    const at = steps.findIndex(is);
    if (at < 0) continue;
    await page.locator("#slider").fill(String(at));
    await fits(page);
    await shoot(page, `${what}-${name}`);
  }
});

// Drives the browser through sign-in and prints what it saw, as one JSON object.
// Takes its task as JSON on standard input: see test_sign_in_browser.py.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const task = JSON.parse(readFileSync(0, 'utf8'));
const { resolve } = createRequire(`${task.clients}/package.json`);
const { default: puppeteer } = await import(resolve('puppeteer-core'));

const browser = await puppeteer.launch({
  executablePath: task.chromium,
  headless: true,
  userDataDir: task.profile,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
  ],
});

const text = (page) => page.$eval('body', (body) => body.innerText);
const press = (page, selector) => Promise.all([page.waitForNavigation(), page.click(selector)]);
const allow = 'button[value=approve]';

async function result(page) {
  await page.waitForFunction(() => document.getElementById('result')?.textContent);
  return JSON.parse(await page.$eval('#result', (node) => node.textContent));
}

async function start(page, tenant) {
  await page.goto(`${task.app}/?tenant=${tenant}`);
  await press(page, '#start');
}

async function shots(page, name) {
  if (!task.shots) return;
  for (const [kind, width, height] of [['desktop', 1280, 860], ['phone', 390, 844]]) {
    await page.setViewport({ width, height });
    await page.screenshot({ path: `${task.shots}/${name}-${kind}.png` });
  }
}

// The tenant's issuer asks the user; then the consent page, the app, the key, the answer.
async function byIssuer(page) {
  await start(page, task.issuerTenant);
  const before = await text(page);
  await press(page, 'a.main');
  const atIssuer = new URL(page.url()).origin;
  await press(page, '#in');
  const consent = await text(page);
  await shots(page, 'consent');
  const violations = [];
  page.on('console', (line) => line.type() === 'error' && violations.push(line.text()));
  await press(page, allow);
  const found = await result(page);
  return { before, atIssuer, consent, violations: [...violations], ...found };
}

// A user without an issuer opens the tenant's link, and starts again from the app.
async function byLink(page) {
  await start(page, task.linkTenant);
  const before = await text(page);
  await page.goto(task.link);
  await press(page, 'button.main');
  const opened = await text(page);
  await start(page, task.linkTenant);
  const consent = await text(page);
  await press(page, allow);
  return { before, opened, consent, ...await result(page) };
}

async function denied(page) {
  await start(page, task.linkTenant);
  await press(page, 'button[value=deny]');
  return { ...await result(page), url: page.url() };
}

// What an app is told that comes with a code once more, too late, or without its verifier.
async function refusals(page, used) {
  await page.goto(`${task.app}/`);
  const ask = (body) => page.evaluate((given) => window.exchange(given), body);
  const told = {
    reuse: await ask({ code: used.code, code_verifier: used.verifier }),
    expired: await ask({ code: task.expired, code_verifier: task.verifier }),
    wrong: await ask({ code: task.fresh, code_verifier: 'w'.repeat(43) }),
    after: await ask({ code: task.fresh, code_verifier: task.verifier }),
    plain: await ask({ code: task.plain, code_challenge_method: 'plain' }),
  };
  await page.goto(task.foreign);
  return { ...told, foreign: { url: page.url(), text: await text(page) } };
}

try {
  const page = await browser.newPage();
  page.setDefaultTimeout(20_000);
  const issuer = await byIssuer(page);
  const link = await byLink(page);
  const seen = { issuer, link, denied: await denied(page), refused: await refusals(page, issuer) };
  console.log(JSON.stringify(seen));
} finally {
  await browser.close();
}

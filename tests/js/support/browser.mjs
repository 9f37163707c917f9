// A headless Chromium, and pages that note everything that goes wrong in them.

import { existsSync } from 'node:fs';

import { chromium } from 'playwright-core';

import { BOUND_MS } from './server.mjs';

const CANDIDATES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

export async function launch(context) {
  const executablePath = process.env.CHROMIUM ?? CANDIDATES.find(existsSync);
  if (!executablePath) throw new Error('there is no Chromium: run tests/install.sh');
  // Chromium has no sandbox for root.
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  context.after(() => browser.close());
  return browser;
}

/** A page of its own whose `problems` are failed requests, console errors and uncaught errors. */
export async function newPage(t, browser, { withoutIcon = false } = {}) {
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(BOUND_MS);
  page.problems = [];
  page.on('console', (message) => {
    const { url } = message.location();
    if (withoutIcon && url.endsWith('/favicon.ico')) return;
    if (['error', 'warning'].includes(message.type())) page.problems.push(`${message.text()} ${url}`);
  });
  page.on('pageerror', (error) => page.problems.push(String(error)));
  page.on('response', (response) => {
    if (response.status() >= 400) page.problems.push(`${response.status()} ${response.url()}`);
  });
  return page;
}

/** Waits until the text of `selector` matches and returns it. */
export async function textOf(page, selector, pattern) {
  const handle = await page.waitForFunction(
    ([at, source]) => {
      const text = document.querySelector(at)?.textContent ?? '';
      return new RegExp(source).test(text) && text;
    },
    [selector, pattern.source],
  );
  return handle.jsonValue();
}

/** Waits until the text of `selector` is another than `text` and returns it. */
export async function changedText(page, selector, text) {
  const handle = await page.waitForFunction(
    ([at, old]) => {
      const now = document.querySelector(at)?.textContent ?? old;
      return now !== old && now;
    },
    [selector, text],
  );
  return handle.jsonValue();
}

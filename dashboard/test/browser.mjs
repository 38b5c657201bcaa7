// A real headless Chromium with a folder of its own, and what tests need around it.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const QUIET = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
];

const STARTED = {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: QUIET,
};

/** Starts Chromium without a page; each context that it is asked for knows nothing of the others. */
export const start = () => chromium.launch(STARTED);

/** Starts Chromium; `close` ends it and removes its folder. */
export async function browse(options = {}) {
    const folder = mkdtempSync(join(tmpdir(), 'thalweg-chromium-'));
    const context = await chromium.launchPersistentContext(folder, { ...STARTED, ...options });
    return {
        context,
        close: async () => {
            await context.close();
            rmSync(folder, { recursive: true, force: true });
        },
    };
}

/** Starts a program that prints one line of JSON once it is ready, and ends with its input. */
export async function serve(command, ...args) {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout });
    const ended = new Promise((done) => child.once('exit', done));
    const first = new Promise((done) => lines.once('line', done));
    const early = ended.then((code) => {
        throw new Error(`${command} ended with ${code}`);
    });
    early.catch(() => {});
    const told = JSON.parse(await Promise.race([first, early]));
    return {
        ...told,
        stop: () => {
            child.stdin.end();
            return ended;
        },
    };
}

/** A page that is let in by a token. Errors of the page and of its policy are collected. */
export async function open(context, address, token) {
    const page = await context.newPage();
    const errors = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    page.on('console', (message) => {
        const denied = /status of (401|403|404|409|502|503)/.test(message.text());
        if (message.type() === 'error' && !denied) errors.push(message.text());
    });
    await page.goto(address);
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Enter' }).click();
    await page.getByRole('heading', { name: 'Topologies' }).waitFor();
    return { page, errors };
}

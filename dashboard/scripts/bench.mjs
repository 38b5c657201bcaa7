// Measures the server and the dashboard over a large engine: node bench.mjs PROGRAM TOPOLOGIES RECORDS. Prints JSON.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { serve, start } from '../test/browser.mjs';

const [program, topologies, records] = process.argv.slice(2);
const LOADS = 9;
const REQUESTS = 25;
const SCROLL_MS = 8000;

const sorted = (values) => [...values].sort((a, b) => a - b);
const rounded = (value) => Math.round(value * 10) / 10;
const quantile = (values, share) => {
    const all = sorted(values);
    return all.length === 0 ? null : rounded(all[Math.min(all.length - 1, Math.floor(all.length * share))]);
};
const spread = (values) => ({
    median_ms: quantile(values, 0.5),
    p95_ms: quantile(values, 0.95),
    most_ms: quantile(values, 1),
});

/** How long the server takes for one path, asked anew and asked with the tag of what is known. */
async function endpoint(sample, path) {
    const headers = { Authorization: `Bearer ${sample.token}` };
    const whole = [];
    const same = [];
    let bytes = 0;
    for (let turn = 0; turn < REQUESTS; turn++) {
        let begun = performance.now();
        const response = await fetch(sample.address + path, { headers });
        bytes = (await response.arrayBuffer()).byteLength;
        whole.push(performance.now() - begun);
        if (response.status !== 200) throw new Error(`${path}: ${response.status}`);
        const tag = response.headers.get('etag');
        if (!tag) continue;
        begun = performance.now();
        const again = await fetch(sample.address + path, { headers: { ...headers, 'If-None-Match': tag } });
        await again.arrayBuffer();
        // What changed meanwhile is no answer of this kind.
        if (again.status === 304) same.push(performance.now() - begun);
    }
    return { path, bytes, ...spread(whole), not_modified_median_ms: quantile(same, 0.5) };
}

/** What a page notes of itself from its beginning. */
function observe(token) {
    sessionStorage.setItem('thalweg-token', token);
    window.seen = { tasks: [] };
    new PerformanceObserver((list) => {
        for (const one of list.getEntries()) window.seen.tasks.push([one.startTime, one.duration]);
    }).observe({ type: 'longtask', buffered: true });
}

/** A page in a browser that has nothing of it. */
async function fresh(browser, token, work) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    try {
        await context.addInitScript(observe, token);
        return await work(await context.newPage());
    } finally {
        await context.close();
    }
}

/** Opens a page, and says when there was something to see, when its content was there, and what held it up. */
async function load(page, address, ready) {
    await page.goto(address);
    return page.evaluate(
        (selector) =>
            new Promise((done) => {
                const look = () => {
                    if (!document.querySelector(selector)) return requestAnimationFrame(look);
                    // The frame after the one in which it is there has been shown.
                    return requestAnimationFrame(() => {
                        const paint = performance.getEntriesByName('first-contentful-paint')[0];
                        done({
                            paint: paint?.startTime ?? null,
                            usable: performance.now(),
                            tasks: window.seen.tasks.map(([, took]) => took),
                        });
                    });
                };
                look();
            }),
        ready,
    );
}

/** Scrolls up and down with the wheel, and looks at every frame. */
async function scroll(page) {
    await page.mouse.move(720, 500);
    await page.evaluate(() => {
        window.seen.tasks = [];
        window.frames = [];
        const note = (at) => {
            window.frames.push(at);
            window.noting = requestAnimationFrame(note);
        };
        window.noting = requestAnimationFrame(note);
    });
    const until = Date.now() + SCROLL_MS;
    let down = true;
    while (Date.now() < until) {
        await page.mouse.wheel(0, down ? 120 : -120);
        await page.waitForTimeout(30);
        const place = await page.evaluate(() => [
            scrollY,
            document.documentElement.scrollHeight - innerHeight,
        ]);
        if (place[0] >= place[1] - 1) down = false;
        if (place[0] <= 0) down = true;
    }
    const { frames, tasks, height, elements } = await page.evaluate(() => {
        cancelAnimationFrame(window.noting);
        const tasks = window.seen.tasks.map(([, took]) => took);
        const root = document.documentElement;
        const elements = document.querySelectorAll('*').length;
        return { frames: window.frames, tasks, height: root.scrollHeight, elements };
    });
    const gaps = frames.slice(1).map((at, number) => at - frames[number]);
    const dropped = gaps.reduce((sum, gap) => sum + Math.max(0, Math.round((gap * 60) / 1000) - 1), 0);
    return {
        height_px: height,
        elements,
        frames: frames.length,
        dropped_frames: dropped,
        dropped_percent: rounded((100 * dropped) / (frames.length + dropped)),
        longest_frame_ms: rounded(Math.max(...gaps)),
        long_tasks: tasks.length,
        longest_task_ms: rounded(Math.max(0, ...tasks)),
    };
}

async function pageOf(browser, sample, { name, path, ready }) {
    const loads = [];
    for (let turn = 0; turn < LOADS; turn++) {
        loads.push(await fresh(browser, sample.token, (page) => load(page, sample.address + path, ready)));
    }
    const tasks = loads.map((one) => one.tasks.reduce((sum, took) => sum + took, 0));
    const scrolled = await fresh(browser, sample.token, async (page) => {
        await load(page, sample.address + path, ready);
        return scroll(page);
    });
    return {
        page: name,
        first_paint: spread(loads.map((one) => one.paint)),
        usable: spread(loads.map((one) => one.usable)),
        long_tasks: spread(tasks),
        scrolling: scrolled,
    };
}

/** From a key or a click until what was asked for is shown. */
async function answers(browser, sample) {
    return fresh(browser, sample.token, async (page) => {
        const measured = {};
        const timed = async (name, act, shown) => {
            const begun = performance.now();
            await act();
            await shown();
            measured[name] = rounded(performance.now() - begun);
        };
        const pager = (text) => page.getByText(text, { exact: false }).waitFor();
        await load(page, sample.address, 'tbody tr');
        await timed(
            'overview_next_page_ms',
            () => page.getByRole('button', { name: 'Next' }).click(),
            () => pager('51–100 of'),
        );
        await timed(
            'overview_search_ms',
            () => page.getByPlaceholder('Search by name').fill('0777'),
            () => pager('1–1 of 1'),
        );
        await load(page, `${sample.address}/history`, 'tbody tr');
        await timed(
            'history_next_page_ms',
            () => page.getByRole('button', { name: 'Next' }).click(),
            () => pager('51–100 of'),
        );
        const row = page.locator('tbody tr').first();
        await timed(
            'history_search_ms',
            () => page.getByPlaceholder('Search names').fill('sin-0004'),
            () => row.filter({ hasText: 'sin-0004' }).waitFor(),
        );
        await timed(
            'history_kind_ms',
            () => page.getByLabel('Kind').selectOption('outcome'),
            () => row.filter({ hasText: 'outcome' }).waitFor(),
        );
        return measured;
    });
}

/** Memory of the process and processor time that it has taken, in MiB and s. */
function process_(pid) {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const ticks = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return {
        resident_mib: Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024),
        cpu_s: (Number(ticks[11]) + Number(ticks[12])) / 100,
    };
}

const sample = await serve(program, topologies, records);
const browser = await start();
try {
    const list = await fetch(`${sample.address}/v1/topologies?limit=1`, {
        headers: { Authorization: `Bearer ${sample.token}` },
    }).then((answer) => answer.json());
    const { engine, id, name } = list.items[0];
    const topology = `/v1/engines/${engine}/topologies/${id}`;
    const before = process_(sample.pid);
    await new Promise((done) => setTimeout(done, 30_000));
    const after = process_(sample.pid);
    const endpoints = [];
    for (const path of [
        '/v1/engines',
        '/v1/topologies?limit=50',
        '/v1/topologies?limit=50&sort=busy',
        '/v1/topologies?limit=50&q=fra',
        topology,
        `${topology}/series`,
        '/v1/plans?limit=20',
        '/v1/history?limit=50',
        '/v1/history?limit=50&q=expected',
        `/v1/history?limit=50&engine=${engine}&topology=${id}`,
        '/metrics',
    ]) {
        endpoints.push(await endpoint(sample, path));
    }
    const pages = [];
    for (const page of [
        { name: 'overview', path: '/', ready: 'tbody tr' },
        { name: 'topology', path: `/topologies/${engine}/${id}`, ready: '.places li' },
        { name: 'plans', path: '/plans', ready: '.diff tr' },
        { name: 'history', path: '/history', ready: 'tbody tr' },
    ]) {
        pages.push(await pageOf(browser, sample, page));
    }
    const chromium = execFileSync(process.env.CHROMIUM ?? '/usr/bin/chromium', ['--version'], {
        encoding: 'utf8',
    });
    console.log(
        JSON.stringify({
            topologies: Number(topologies),
            records: Number(records),
            chromium: chromium.trim(),
            shown_topology: name,
            all_topologies_known_s: rounded(sample.all_topologies_known_s),
            all_records_known_s: rounded(sample.all_records_known_s),
            server_and_engine: {
                resident_mib: after.resident_mib,
                idle_cpu_percent: rounded(((after.cpu_s - before.cpu_s) * 100) / 30),
            },
            endpoints,
            pages,
            interactions: await answers(browser, sample),
        }),
    );
} finally {
    await browser.close();
    await sample.stop();
}

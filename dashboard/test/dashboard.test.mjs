// Every flow in a real browser, against real engines that watch simulated jobs.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import { browse, open, serve } from './browser.mjs';

const SAMPLE = new URL('../../target/debug/examples/sample', import.meta.url).pathname;
const WITHIN = { timeout: 30_000 };

let sample;
let browser;
let page;
let errors;

before(async () => {
    sample = await serve(SAMPLE);
    browser = await browse();
    const outside = [];
    browser.context.on('request', (request) => {
        if (!request.url().startsWith(sample.address)) outside.push(request.url());
    });
    ({ page, errors } = await open(browser.context, sample.address, sample.all));
    errors.outside = outside;
});

after(async () => {
    await browser?.close();
    await sample?.stop();
});

async function toTopology() {
    await page.goto(sample.address);
    await page.getByRole('link', { name: 'wordcount' }).click(WITHIN);
    await page.getByRole('heading', { name: 'wordcount', level: 1 }).waitFor();
}

test('a token that is not known is refused, and one that is lets in', async () => {
    const context = await browse();
    try {
        const other = await context.context.newPage();
        await other.goto(sample.address);
        await other.getByLabel('Token').fill('wrong');
        await other.getByRole('button', { name: 'Enter' }).click();
        await other.getByText('this token is not known').waitFor();
        await other.getByLabel('Token').fill(sample.reader);
        await other.getByRole('button', { name: 'Enter' }).click();
        await other.getByText('rita').waitFor();
        await other.getByRole('link', { name: 'wordcount' }).click(WITHIN);
        const pause = other.getByRole('button', { name: 'Pause' });
        await pause.waitFor();
        assert.ok(await pause.isDisabled(), 'who only reads gives no orders');
    } finally {
        await context.close();
    }
});

test('the overview lists topologies of all engines, and names an engine that is gone', async () => {
    await page.goto(sample.address);
    for (const name of ['wordcount', 'ad-events', 'bids-by-auction', 'taxi-trips']) {
        await page.getByRole('link', { name }).waitFor(WITHIN);
    }
    await page.getByText('No answer from: storm-old').waitFor();
    await page.getByPlaceholder('Search by name').fill('taxi');
    await page.getByRole('link', { name: 'wordcount' }).waitFor({ state: 'detached' });
    assert.match(page.url(), /q=taxi/, 'what was searched for is in the address');
    await page.getByPlaceholder('Search by name').fill('');
    await page.getByLabel('Order by').selectOption('busy');
    await page.getByRole('row').nth(4).waitFor();
});

test('figures change without a reload', async () => {
    await toTopology();
    await page.evaluate(() => {
        window.here = true;
    });
    const plot = page.getByRole('img', { name: 'Tuples per second' });
    await plot.waitFor(WITHIN);
    const until = Date.now() + WITHIN.timeout;
    const before = await page.locator('.figures').textContent();
    while ((await page.locator('.figures').textContent()) === before) {
        assert.ok(Date.now() < until, 'nothing changes');
        await page.waitForTimeout(50);
    }
    assert.ok(await page.evaluate(() => window.here), 'it is the same document');
});

test('the graph marks the bottleneck and is used by keyboard', async () => {
    await toTopology();
    const node = page.getByRole('button', { name: /^split, operator/ });
    await node.waitFor(WITHIN);
    await page.getByRole('button', { name: /the bottleneck/ }).waitFor(WITHIN);
    await node.focus();
    await page.keyboard.press('Enter');
    await page.getByText(/of at most 16 executors/).waitFor();
    assert.equal(await node.getAttribute('aria-pressed'), 'true');
});

test('what was predicted is drawn beside what came', async () => {
    await page.goto(sample.address);
    await page.getByRole('link', { name: 'bids-by-auction' }).click(WITHIN);
    const chart = (name) => page.getByRole('img', { name });
    // The load that was forecast for now, and what is forecast for the time at which an action would take effect.
    await chart(
        /^Tuples per second, predicted and realised\. realised: last [^;]*; predicted: last \d/,
    ).waitFor(WITHIN);
    await toTopology();
    await chart(/^Latency, predicted and realised\..*predicted: last \d/).waitFor(WITHIN);
    await chart(/^Busiest executor, predicted and realised\..*predicted: last \d+ %/).waitFor(WITHIN);
    const outcomes = page.getByRole('region', { name: 'What came of plans' });
    await outcomes
        .getByText(/^predicted \d+ %$/)
        .first()
        .waitFor(WITHIN);
});

test('how it was decided is told step by step, and stays open while figures change', async () => {
    await toTopology();
    await page.getByText('How it was decided').click(WITHIN);
    const why = page.getByRole('region', { name: /^Why/ });
    await why.getByRole('heading', { name: 'Measured' }).waitFor(WITHIN);
    await why
        .getByText(/^split: busy/)
        .first()
        .waitFor(WITHIN);
    const before = await page.locator('.figures').textContent();
    const until = Date.now() + WITHIN.timeout;
    while ((await page.locator('.figures').textContent()) === before) {
        assert.ok(Date.now() < until, 'nothing changes');
        await page.waitForTimeout(50);
    }
    assert.ok(await page.locator('details.chain[open]').isVisible());
});

test('what was done is in the history with its reasons', async () => {
    await page.goto(`${sample.address}/history`);
    await page.getByLabel('Kind').selectOption('action');
    await page.getByText('finished').first().waitFor(WITHIN);
    await page.getByLabel('Kind').selectOption('decision');
    await page.locator('summary').first().click(WITHIN);
    await page.locator('details[open] code').first().waitFor();
    await page.getByPlaceholder('Search names').fill('no such thing');
    await page.getByText('No record fits.').waitFor();
});

test('plans show what they change, and placement where executors run', async () => {
    await page.goto(`${sample.address}/plans`);
    await page
        .getByText(/(→|to) \d+ executors/)
        .first()
        .waitFor(WITHIN);
    await toTopology();
    await page.getByText('host-00', { exact: true }).waitFor(WITHIN);
    await page
        .getByText(/split × \d/)
        .first()
        .waitFor();
});

// A plan of the topology `wordcount` as the interface shows one.
const place = (node, port) => ({ host: `host-0${node}`, node: `node-0${node}`, port });
const PLAN = {
    ...{ id: 'p', engine: 'storm-fra', topology: 'wordcount-1', name: 'wordcount', kind: 'move' },
    ...{ state: 'preparing', since: Date.now(), strategy: null, changes: [], stay: 7, workers: 6 },
    moves: [{ component: 'split', executors: 1, from: place(0, 6703), to: place(1, 6701) }],
    ...{ expected_busy: 0.4, stages_left: 0, no_room_beside: false, steps: [], code: null, offer: null },
};

/** Shows plans that no engine made until what is given is done. */
async function withPlan(plan, action) {
    const ofEngines = (url) => url.pathname.startsWith('/v1/engines/');
    await page.route(ofEngines, async (route) => {
        const response = await route.fetch();
        const shown = response.status() === 200 ? await response.json() : {};
        // Not with the answer's headers, as its length is another.
        await route.fulfill(shown.summary ? { json: { ...shown, plan: plan() } } : { response });
    });
    await action();
    // With whatever is being answered at this moment.
    await page.unrouteAll({ behavior: 'wait' });
}

test('places of a plan are named by their hosts, as people know them', async () => {
    await withPlan(
        () => PLAN,
        async () => {
            await toTopology();
            await page.getByText('host-00:6703').waitFor(WITHIN);
            await page.getByText('host-01:6701').waitFor();
            await page.getByText('expected to be busy 40 % of').waitFor();
            await page.getByText('Ids of the nodes').click();
            await page.getByText('host-01 is node-01').waitFor();
        },
    );
});

test('what somebody is about to say is not lost when the plan is gone meanwhile', async () => {
    let gone = false;
    const plan = () => (gone ? null : { ...PLAN, state: 'waiting' });
    await withPlan(plan, async () => {
        await toTopology();
        const approve = page.locator('.card').getByRole('button', { name: 'Approve' });
        await approve.click(WITHIN);
        const why = page.getByRole('dialog', { name: /^Approve/ }).getByLabel(/Why/);
        await why.fill('a test');
        gone = true;
        await page.locator('.card', { has: approve }).waitFor({ state: 'detached', ...WITHIN });
        assert.equal(await why.inputValue(), 'a test');
        await page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click();
        await page.getByRole('dialog').getByRole('alert').waitFor(WITHIN);
        await page.keyboard.press('Escape');
    });
});

test('a plan that its engine does not know any more is rejected in vain, and the page says so', async () => {
    await withPlan(
        () => ({ ...PLAN, state: 'waiting' }),
        async () => {
            await toTopology();
            await page.locator('.card').getByRole('button', { name: 'Reject' }).click(WITHIN);
            const dialog = page.getByRole('dialog', { name: /^Reject/ });
            await dialog.getByLabel(/Why/).fill('a test');
            await dialog.getByRole('button', { name: 'Reject' }).click();
            await dialog.getByRole('alert').filter({ hasText: PLAN.id }).waitFor(WITHIN);
            await page.keyboard.press('Escape');
        },
    );
});

test('an order reaches its engine, and its answer is shown', async () => {
    await toTopology();
    await page.getByRole('button', { name: 'Undo last plan' }).click();
    const dialog = page.getByRole('dialog', { name: /Undo the last plan/ });
    await dialog.getByLabel(/Why/).fill('a test');
    await dialog.getByRole('button', { name: 'Undo it' }).click();
    await Promise.race([page.getByText('Done.').waitFor(WITHIN), dialog.getByRole('alert').waitFor(WITHIN)]);
    await page.keyboard.press('Escape');
    assert.ok(!(await dialog.isVisible()));
});

test('markup in a name is text wherever it is shown', async () => {
    const other = await browse();
    const hostile = '<img src=x onerror="window.harmed=1"><script>window.harmed=1</script>{{7*7}}';
    try {
        const { page: shown, errors: wrong } = await open(other.context, sample.address, sample.all);
        // Each answer as if the author of the topology had called it so.
        await shown.route(/\/v1\/(?!events)/, async (route) => {
            const response = await route.fetch();
            const body = (await response.text()).replaceAll(
                'wordcount',
                JSON.stringify(hostile).slice(1, -1),
            );
            await route.fulfill({ response, body });
        });
        for (const path of ['', 'plans', 'history']) {
            await shown.goto(`${sample.address}/${path}`);
            await shown.getByText(hostile).first().waitFor(WITHIN);
        }
        await shown.goto(sample.address);
        await shown.getByRole('link', { name: hostile }).click(WITHIN);
        await shown.getByRole('heading', { name: hostile, level: 1 }).waitFor(WITHIN);
        assert.equal(await shown.evaluate(() => window.harmed), undefined);
        assert.equal(await shown.locator('img[src=x]').count(), 0);
        assert.deepEqual(wrong, []);
    } finally {
        await other.close();
    }
});

test('an engine is examined', async () => {
    await page.goto(`${sample.address}/engines`);
    await page
        .getByRole('region', { name: 'storm-fra' })
        .getByRole('button', { name: 'Examine' })
        .click(WITHIN);
    await page.locator('.found').filter({ hasText: /./ }).first().waitFor(WITHIN);
});

// UPDATE_DOCS=1 takes them anew. Two are never the same to the pixel, so that they are there and whole is all that is held.
test('the pictures of the documentation are of pages that are there', async () => {
    const folder = new URL('../../docs/images/', import.meta.url).pathname;
    await page.setViewportSize({ width: 1200, height: 800 });
    await page.emulateMedia({ colorScheme: 'light' });
    await toTopology();
    if (process.env.UPDATE_DOCS) {
        // What is shown comes to the present while the sample is simulated.
        await page.getByText(/judged \d+ s ago/).waitFor({ timeout: 120_000 });
    }
    const pictures = { overview: '/', topology: page.url().slice(sample.address.length) };
    for (const [name, path] of Object.entries(pictures)) {
        await page.goto(sample.address + path);
        await page.getByText('live', { exact: true }).waitFor();
        await page.getByRole('heading', { level: 1 }).waitFor();
        const file = `${folder}${name}.png`;
        if (process.env.UPDATE_DOCS) {
            mkdirSync(folder, { recursive: true });
            await page.screenshot({ path: file });
        }
        const picture = readFileSync(file);
        assert.equal(picture.toString('latin1', 1, 4), 'PNG', file);
        assert.equal(picture.readUInt32BE(16), 1200, file);
    }
});

for (const colorScheme of ['light', 'dark']) {
    for (const width of [1440, 1024, 390]) {
        test(`axe finds nothing, ${colorScheme} at ${width} px`, async () => {
            await page.setViewportSize({ width, height: 900 });
            await page.emulateMedia({ colorScheme });
            await toTopology();
            const topology = page.url().slice(sample.address.length);
            for (const path of ['/', topology, '/plans', '/history', '/engines', '/nothing']) {
                await page.goto(sample.address + path);
                await page.getByRole('heading', { level: 1 }).waitFor();
                await page.getByText('live', { exact: true }).waitFor();
                const { violations } = await new AxeBuilder({ page }).analyze();
                const found = violations.map(
                    (one) => `${one.id}: ${one.nodes.map((node) => node.html).join()}`,
                );
                assert.deepEqual(found, [], path);
                const wide = await page.evaluate(() => document.documentElement.scrollWidth);
                assert.ok(wide <= width, `${path} is ${wide} px wide`);
            }
        });
    }
}

test('nothing comes from outside, and the page has no error', () => {
    assert.deepEqual(errors.outside, []);
    assert.deepEqual([...errors], []);
});

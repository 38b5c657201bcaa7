// What operators do in the browser, against the engines of a real Storm and a real Flink. Started by a test that has
// both clusters, with a topology `words` on one and a job `flow` on the other whose plans wait for a word.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import { browse, open } from './browser.mjs';

const ADDRESS = process.env.THALWEG_ADDRESS;
const SLOWLY = { timeout: 120_000 };
const JOBS = { words: 'storm', flow: 'flink' };

let browser;
let page;
let errors;

before(async () => {
    browser = await browse();
    ({ page, errors } = await open(browser.context, ADDRESS, process.env.THALWEG_TOKEN));
});

after(async () => {
    await browser?.close();
});

async function toTopology(name) {
    await page.goto(ADDRESS);
    await page.getByRole('link', { name }).click(SLOWLY);
    await page.getByRole('heading', { name, level: 1 }).waitFor();
}

/** Confirms what is asked, and waits until the engine has taken it; what it says against that is an error. */
async function confirm(dialog, word) {
    await dialog.getByLabel(/Why/).fill('tried in a browser');
    await dialog.getByRole('button', { name: word }).click();
    const refusal = dialog.getByRole('alert');
    await page.getByText('Done.').or(refusal).waitFor(SLOWLY);
    assert.ok(!(await refusal.isVisible()), `refused: ${await refusal.textContent().catch(() => '')}`);
}

/** Gives a word on the plan for a topology, once one waits for it. One that others replace meanwhile is refused; then on that. */
async function say(word, name, tries = 5) {
    await page.goto(`${ADDRESS}/plans`);
    const card = page.getByRole('region', { name: new RegExp(`for ${name}$`) });
    await card.getByRole('button', { name: word }).click(SLOWLY);
    try {
        await confirm(page.getByRole('dialog', { name: `${word} the plan for ${name}?` }), word);
    } catch (error) {
        if (tries === 1 || !/was replaced or withdrawn/.test(error.message)) throw error;
        await say(word, name, tries - 1);
    }
}

/** The history of one kind of record shows these words about a topology. */
async function isTold(kind, name, words) {
    await page.goto(`${ADDRESS}/history`);
    await page.getByLabel('Kind').selectOption(kind);
    await page.getByPlaceholder('Search names').fill(name);
    const ofIt = page.getByRole('row').filter({ has: page.getByRole('link', { name }) });
    await ofIt.getByText(words).first().waitFor(SLOWLY);
}

for (const [name, engine] of Object.entries(JOBS)) {
    test(`${name} on ${engine} is shown with its graph, its rates and where it runs`, async () => {
        await toTopology(name);
        for (const component of ['split', 'count']) {
            await page.getByRole('button', { name: new RegExp(`^${component}, operator`) }).waitFor(SLOWLY);
        }
        const rate = page.locator('.figures dd').first();
        await rate.filter({ hasText: /^[1-9]/ }).waitFor(SLOWLY);
        await page
            .getByText(/split × \d/)
            .first()
            .waitFor(SLOWLY);
        const { violations } = await new AxeBuilder({ page }).analyze();
        assert.deepEqual(
            violations.map((one) => one.id),
            [],
        );
    });

    test(`a pause of ${name} reaches ${engine}, and is taken back`, async () => {
        for (const [word, state] of [
            ['Pause', 'visible'],
            ['Resume', 'detached'],
        ]) {
            await toTopology(name);
            await page.getByRole('button', { name: word }).click();
            await confirm(page.getByRole('dialog'), word);
            await page.goto(`${ADDRESS}/engines`);
            const card = page.getByRole('region', { name: engine });
            await card.getByText(/answers/).waitFor(SLOWLY);
            await card.getByText(new RegExp(`^Paused: ${name}`)).waitFor({ state, ...SLOWLY });
        }
    });

    test(`${engine} is examined`, async () => {
        await page.goto(`${ADDRESS}/engines`);
        const card = page.getByRole('region', { name: engine });
        await card.getByRole('button', { name: 'Examine' }).click(SLOWLY);
        await card.locator('.found').filter({ hasText: /./ }).first().waitFor(SLOWLY);
    });

    test(`a plan for ${name} is approved of and carried out by ${engine}`, async () => {
        await say('Approve', name);
        await isTold('action', name, 'finished');
    });
}

test('the page has no error', () => {
    assert.deepEqual(errors, []);
});

// Pictures of every page in three widths and both schemes, for people to look at: node scripts/shots.mjs
import { mkdirSync } from 'node:fs';
import { browse, open, serve } from '../test/browser.mjs';

const sample = await serve('../target/debug/examples/sample');
const browser = await browse();
const folder = new URL('../shots', import.meta.url).pathname;
mkdirSync(folder, { recursive: true });
const only = process.argv.slice(2);
try {
    const { page, errors } = await open(browser.context, sample.address, sample.all);
    await page.waitForTimeout(20_000);
    const id = await page.getByRole('link', { name: 'wordcount' }).getAttribute('href');
    const pages = { overview: '/', topology: id, plans: '/plans', history: '/history', engines: '/engines' };
    for (const [name, path] of Object.entries(pages)) {
        for (const width of [1440, 1024, 390]) {
            for (const colorScheme of ['light', 'dark']) {
                const shot = `${name}-${width}-${colorScheme}`;
                if (only.length > 0 && !only.some((part) => shot.includes(part))) continue;
                await page.setViewportSize({ width, height: 900 });
                await page.emulateMedia({ colorScheme });
                await page.goto(sample.address + path);
                await page.getByText('live', { exact: true }).waitFor();
                await page.waitForTimeout(400);
                await page.screenshot({ path: `${folder}/${shot}.png`, fullPage: true });
            }
        }
    }
    if (errors.length > 0) console.log(errors);
} finally {
    await browser.close();
    await sample.stop();
}

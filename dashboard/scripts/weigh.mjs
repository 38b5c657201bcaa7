// Compresses what was built, and fails where all of it together is heavier than it may be.
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const MOST = 100_000;
const dist = new URL('../dist', import.meta.url).pathname;

const files = readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .map((name) => join(dist, name))
    .filter((path) => statSync(path).isFile());
let sum = 0;
for (const path of files) {
    const packed = gzipSync(readFileSync(path), { level: 9 });
    writeFileSync(`${path}.gz`, packed);
    rmSync(path);
    sum += packed.length;
}
console.log(`dashboard: ${sum} bytes compressed, at most ${MOST}`);
process.exitCode = sum <= MOST ? 0 : 1;

// A real Prometheus scrapes a real server; every expression of the dashboard for Grafana and of the alerts answers.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { serve } from './browser.mjs';

const ROOT = new URL('../../', import.meta.url).pathname;
const RULES = `${ROOT}docs/operating/prometheus/alerts.yml`;

let sample;
let folder;
let child;
let place;

async function freePort() {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((done) => server.once('listening', done));
    const { port } = server.address();
    await new Promise((done) => server.close(done));
    return port;
}

async function ask(path) {
    const response = await fetch(`http://${place}/api/v1/${path}`);
    const answer = await response.json();
    assert.equal(answer.status, 'success', JSON.stringify(answer));
    return answer.data;
}

async function until(what, fits) {
    const end = Date.now() + 60_000;
    for (;;) {
        const found = await fits().catch(() => null);
        if (found) return found;
        assert.ok(Date.now() < end, `waited too long for ${what}`);
        await new Promise((done) => setTimeout(done, 200));
    }
}

before(async () => {
    sample = await serve(`${ROOT}target/debug/examples/sample`);
    folder = mkdtempSync(join(tmpdir(), 'thalweg-prometheus-'));
    place = `127.0.0.1:${await freePort()}`;
    const config = {
        global: { scrape_interval: '1s', evaluation_interval: '1s' },
        rule_files: [RULES],
        scrape_configs: [
            {
                job_name: 'thalweg',
                authorization: { credentials: sample.reader },
                static_configs: [{ targets: [sample.address.replace('http://', '')] }],
            },
        ],
    };
    // JSON is YAML.
    writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config));
    const given = [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`];
    child = spawn('prometheus', [...given, `--web.listen-address=${place}`], { stdio: 'ignore' });
    await until('a scrape', async () => {
        const { result } = await ask('query?query=thalweg_topology_process_latency_seconds');
        return result.length >= 3;
    });
});

after(async () => {
    if (child) {
        const ended = new Promise((done) => child.once('exit', done));
        child.kill();
        await ended;
    }
    await sample?.stop();
    if (folder) rmSync(folder, { recursive: true, force: true });
});

test('promtool finds the rules right', () => {
    const said = execFileSync('promtool', ['check', 'rules', RULES], { encoding: 'utf8' });
    assert.match(said, /SUCCESS/);
});

test('every expression of the dashboard has data', async () => {
    const board = JSON.parse(readFileSync(`${ROOT}docs/operating/prometheus/grafana.json`, 'utf8'));
    const queries = board.panels.flatMap((panel) => panel.targets ?? []).map((target) => target.expr);
    assert.ok(queries.length > 15);
    for (const query of queries) {
        const expr = query.replaceAll('$engine', '.*').replaceAll('$topology', '.*');
        await until(
            expr,
            async () => (await ask(`query?query=${encodeURIComponent(expr)}`)).result.length > 0,
        );
    }
});

test('rules are loaded and evaluated, and an engine that is gone is told', async () => {
    const rules = await until('rules', async () => {
        const all = (await ask('rules')).groups.flatMap((group) => group.rules);
        return all.length > 0 && all.every((rule) => rule.health === 'ok') ? all : null;
    });
    const pages = readFileSync(`${ROOT}docs/operating/alerts.md`, 'utf8');
    for (const rule of rules) assert.ok(pages.includes(`## ${rule.name}\n`), `${rule.name} has no page`);
    await until('the alert', async () => {
        const { alerts } = await ask('alerts');
        return alerts.some(
            (one) => one.labels.alertname === 'ThalwegEngineDown' && one.labels.engine === 'storm-old',
        );
    });
});

test('what promtool finds of the exposition is nothing', async () => {
    const response = await fetch(`${sample.address}/metrics`, {
        headers: { Authorization: `Bearer ${sample.reader}` },
    });
    const said = execFileSync('promtool', ['check', 'metrics'], {
        input: await response.text(),
        encoding: 'utf8',
    });
    assert.equal(said, '');
});

import { useLive } from '../api';
import { compact, millis, rate } from '../format';
import { ask, place, topologyPath } from '../route';
import type { Engine, Page, Summary } from '../types';
import { Badge, Empty, Fault, Heading, Meter, Pager, usePages } from '../ui';

const SORTS: [string, string][] = [
    ['', 'name'],
    ['busy', 'busiest executor'],
    ['latency', 'latency'],
    ['throughput', 'throughput'],
];

export function Overview() {
    const { query } = place.value;
    const wanted = new URLSearchParams({ limit: '50' });
    for (const key of ['q', 'engine', 'sort', 'plan']) {
        const value = query.get(key);
        if (value) wanted.set(key, value);
    }
    const filtered = ['q', 'engine', 'plan'].some((key) => wanted.has(key));
    const pages = usePages(wanted.toString());
    if (pages.cursor) wanted.set('cursor', pages.cursor);
    const list = useLive<Page<Summary>>(`/topologies?${wanted}`);
    const engines = useLive<Engine[]>('/engines');
    const names = (of: Engine[] | undefined) => of?.map((one) => one.name).join(', ') ?? '';
    const down = names(engines.data?.filter((one) => !one.up));
    const wrong = names(engines.data?.filter((one) => one.problems.length > 0));
    return (
        <>
            <div class="head">
                <Heading>Topologies</Heading>
                <search class="fields">
                    <label>
                        <span class="sr">Search by name</span>
                        <input
                            type="search"
                            placeholder="Search by name"
                            value={query.get('q') ?? ''}
                            onInput={(event) => ask({ q: event.currentTarget.value })}
                        />
                    </label>
                    <label>
                        Engine
                        <select
                            value={query.get('engine') ?? ''}
                            onChange={(event) => ask({ engine: event.currentTarget.value })}
                        >
                            <option value="">all</option>
                            {engines.data?.map((one) => (
                                <option key={one.name}>{one.name}</option>
                            ))}
                        </select>
                    </label>
                    <label>
                        Order by
                        <select
                            value={query.get('sort') ?? ''}
                            onChange={(event) => ask({ sort: event.currentTarget.value })}
                        >
                            {SORTS.map(([value, text]) => (
                                <option key={value} value={value}>
                                    {text}
                                </option>
                            ))}
                        </select>
                    </label>
                    <label>
                        <input
                            type="checkbox"
                            checked={query.has('plan')}
                            onChange={(event) => ask({ plan: event.currentTarget.checked ? 'any' : null })}
                        />
                        with a plan
                    </label>
                </search>
            </div>
            <Fault text={list.fault} />
            {down ? (
                <p class="note bad">
                    No answer from: {down}. <a href="/engines">See engines</a>
                </p>
            ) : null}
            {wrong ? (
                <p class="note warn">
                    Settings are wrong, so nothing is changed: {wrong}. <a href="/engines">See engines</a>
                </p>
            ) : null}
            <section class="card flush" aria-label="Topologies">
                {list.data?.items.length === 0 ? (
                    <Empty>{filtered ? 'No topology fits.' : 'No topology has been seen yet.'}</Empty>
                ) : (
                    <table class="fold">
                        <caption class="sr">Topologies of all engines with their figures</caption>
                        <thead>
                            <tr>
                                <th scope="col">Topology</th>
                                <th scope="col" class="num">
                                    Tuples/s
                                </th>
                                <th scope="col" class="num">
                                    Latency
                                </th>
                                <th scope="col" class="num">
                                    Busiest executor
                                </th>
                                <th scope="col">Bottleneck</th>
                                <th scope="col" class="num">
                                    Executors
                                </th>
                                <th scope="col" class="num">
                                    Backlog
                                </th>
                                <th scope="col">Decision</th>
                            </tr>
                        </thead>
                        <tbody>
                            {list.data?.items.map((one) => (
                                <Row key={`${one.engine}/${one.id}`} one={one} />
                            ))}
                        </tbody>
                    </table>
                )}
            </section>
            {list.data ? <Pager page={list.data} pages={pages} /> : null}
        </>
    );
}

function Row({ one }: { one: Summary }) {
    return (
        <tr>
            <th scope="row" class="wide">
                <a href={topologyPath(one.engine, one.id)}>{one.name}</a>
                <div class="muted">
                    {one.engine} {one.status && one.status !== 'active' ? <Badge of={one.status} /> : null}
                </div>
            </th>
            <td class="num" data-label="Tuples/s">
                {rate(one.throughput)}
            </td>
            <td class="num" data-label="Latency">
                {millis(one.latency)}
            </td>
            <td class="num" data-label="Busiest executor">
                <Meter value={one.busy} />
            </td>
            <td data-label="Bottleneck">{one.bottleneck ?? '–'}</td>
            <td class="num" data-label="Executors">
                {one.executors}
            </td>
            <td class="num" data-label="Backlog">
                {compact(one.backlog)}
            </td>
            <td class="wide">
                <Badge of={one.plan === 'none' ? one.verdict : one.plan} />{' '}
                <span class="muted">{one.reason?.text ?? ''}</span>
            </td>
        </tr>
    );
}

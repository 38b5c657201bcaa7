import { useLive } from '../api';
import { compact, millis, rate } from '../format';
import { ask, place, topologyPath } from '../route';
import type { Engine, Page, Summary } from '../types';
import {
    Badge,
    type Column,
    Empty,
    Fault,
    Heading,
    Meter,
    Options,
    Pager,
    SearchField,
    Table,
    usePages,
} from '../ui';

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
                    <SearchField of="by name" value={query.get('q') ?? ''} />
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
                            <Options of={SORTS} />
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
                    <Table
                        of={list.data?.items ?? []}
                        named={(one) => `${one.engine}/${one.id}`}
                        columns={COLUMNS}
                        caption="Topologies of all engines with their figures"
                    />
                )}
            </section>
            {list.data ? <Pager page={list.data} pages={pages} /> : null}
        </>
    );
}

const COLUMNS: Column<Summary>[] = [
    {
        head: 'Topology',
        as: 'name',
        cell: (one) => (
            <>
                <a href={topologyPath(one.engine, one.id)}>{one.name}</a>
                <div class="muted">
                    {one.engine} {one.status && one.status !== 'active' ? <Badge of={one.status} /> : null}
                </div>
            </>
        ),
    },
    { head: 'Tuples/s', as: 'num', cell: (one) => rate(one.throughput) },
    { head: 'Latency', as: 'num', cell: (one) => millis(one.latency) },
    { head: 'Busiest executor', as: 'num', cell: (one) => <Meter value={one.busy} /> },
    { head: 'Bottleneck', as: 'word', cell: (one) => one.bottleneck ?? '–' },
    { head: 'Executors', as: 'num', cell: (one) => one.executors },
    { head: 'Backlog', as: 'num', cell: (one) => compact(one.backlog) },
    {
        head: 'Decision',
        as: 'wide',
        cell: (one) => (
            <>
                <Badge of={one.plan === 'none' ? one.verdict : one.plan} />{' '}
                <span class="muted">{one.reason?.text ?? ''}</span>
            </>
        ),
    },
];

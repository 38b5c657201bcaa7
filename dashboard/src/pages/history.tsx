import { useLive } from '../api';
import { time } from '../format';
import { ask, place, topologyPath } from '../route';
import type { HistoryRecord, Page } from '../types';
import { Badge, Empty, Fault, Heading, Pager, Reasons, SearchField, usePages } from '../ui';

const KINDS = ['decision', 'action', 'outcome', 'order', 'approval', 'operator', 'config'];

export function History() {
    const { query } = place.value;
    const q = query.get('q') ?? '';
    const kind = query.get('kind') ?? '';
    const wanted = new URLSearchParams({ limit: '50' });
    if (q) wanted.set('q', q);
    if (kind) wanted.set('kind', kind);
    const pages = usePages(wanted.toString());
    if (pages.cursor) wanted.set('cursor', pages.cursor);
    const list = useLive<Page<HistoryRecord>>(`/history?${wanted}`);
    return (
        <>
            <div class="head">
                <Heading>History</Heading>
                <search class="fields">
                    <SearchField of="names, texts, codes" value={q} />
                    <label>
                        Kind
                        <select value={kind} onChange={(event) => ask({ kind: event.currentTarget.value })}>
                            <option value="">all</option>
                            {KINDS.map((one) => (
                                <option key={one}>{one}</option>
                            ))}
                        </select>
                    </label>
                </search>
            </div>
            <Fault text={list.fault} />
            <section class="card flush" aria-label="Records">
                {list.data?.items.length === 0 ? (
                    <Empty>{q || kind ? 'No record fits.' : 'Nothing is recorded yet.'}</Empty>
                ) : (
                    <Records of={list.data?.items ?? []} named />
                )}
            </section>
            {list.data ? <Pager page={list.data} pages={pages} /> : null}
        </>
    );
}

export function Records({ of, named }: { of: HistoryRecord[]; named: boolean }) {
    return (
        <table class="fold">
            <caption class="sr">Records, the newest first</caption>
            <thead>
                <tr>
                    <th scope="col">When</th>
                    {named ? <th scope="col">Topology</th> : null}
                    <th scope="col">What</th>
                    <th scope="col">Why</th>
                </tr>
            </thead>
            <tbody>
                {of.map((one) => (
                    <tr key={`${one.engine}/${one.seq}`}>
                        <td class="when">{time(one.at)}</td>
                        {named ? (
                            <th scope="row">
                                <a href={topologyPath(one.engine, one.topology || one.name)}>
                                    {one.name || one.topology}
                                </a>
                                <div class="muted">{one.engine}</div>
                            </th>
                        ) : null}
                        <td>
                            {one.kind} <Badge of={one.result} />
                        </td>
                        <td class="wide">
                            {one.reasons.length > 0 ? (
                                <details>
                                    <summary>{one.text}</summary>
                                    <Reasons of={one.reasons} />
                                </details>
                            ) : (
                                one.text
                            )}
                        </td>
                    </tr>
                ))}
            </tbody>
        </table>
    );
}

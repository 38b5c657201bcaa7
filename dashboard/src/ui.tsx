import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { share, words } from './format';
import { ask } from './route';
import type { Page, Reason } from './types';

export function tone(busy: number | null): string {
    if (busy === null) return 'unknown';
    return busy >= 0.9 ? 'bad' : busy >= 0.7 ? 'warn' : 'good';
}

/** A share as a bar with its figure. */
export function Meter({ value }: { value: number | null }) {
    return (
        <span class={`meter ${tone(value)}`}>
            <svg viewBox="0 0 48 6" preserveAspectRatio="none" aria-hidden="true">
                <rect width={48 * Math.min(1, value ?? 0)} height="6" />
            </svg>
            <span>{share(value)}</span>
        </span>
    );
}

const TONES: Record<string, string> = {
    act: 'accent',
    advise: 'accent',
    under_way: 'accent',
    proposed: 'accent',
    propose: 'warn',
    waiting: 'warn',
    finished: 'good',
    helped: 'good',
    ok: 'good',
    'given up': 'bad',
    given_up: 'bad',
    'did not help': 'warn',
    warning: 'warn',
    error: 'bad',
    rebalancing: 'warn',
    inactive: 'warn',
    killed: 'bad',
    paused: 'warn',
};

export function Badge({ of, tone }: { of: string; tone?: string }) {
    return <span class={`badge ${tone ?? TONES[of] ?? ''}`}>{words(of)}</span>;
}

/** What a select offers: values and what they are called. */
export function Options({ of }: { of: readonly (readonly [string, string])[] }) {
    return (
        <>
            {of.map(([value, text]) => (
                <option key={value} value={value}>
                    {text}
                </option>
            ))}
        </>
    );
}

/** A column of a table: its heading, which a narrow screen shows beside figures, and what stands in it. */
export interface Column<T> {
    head: string;
    cell: (one: T) => ComponentChildren;
    /** A figure, a labelled word, the name of the row, or a text as wide as a narrow screen. */
    as?: 'num' | 'word' | 'name' | 'wide';
}

/** A table whose rows fold into cards on a narrow screen. */
export function Table<T>({
    of,
    named,
    columns,
    caption,
}: {
    of: T[];
    named: (one: T) => string;
    columns: Column<T>[];
    caption?: string;
}) {
    return (
        <table class="fold">
            {caption ? <caption class="sr">{caption}</caption> : null}
            <thead>
                <tr>
                    {columns.map(({ head, as }) => (
                        <th key={head} scope="col" class={as === 'num' ? 'num' : undefined}>
                            {head}
                        </th>
                    ))}
                </tr>
            </thead>
            <tbody>
                {of.map((one) => (
                    <tr key={named(one)}>
                        {columns.map((column) => (
                            <Cell key={column.head} column={column} of={one} />
                        ))}
                    </tr>
                ))}
            </tbody>
        </table>
    );
}

function Cell<T>({ column: { head, cell, as }, of }: { column: Column<T>; of: T }) {
    switch (as) {
        case 'name':
            return (
                <th scope="row" class="wide">
                    {cell(of)}
                </th>
            );
        case 'num':
            return (
                <td class="num" data-label={head}>
                    {cell(of)}
                </td>
            );
        case 'word':
            return <td data-label={head}>{cell(of)}</td>;
        default:
            return <td class={as}>{cell(of)}</td>;
    }
}

export function Heading({ children }: { children: ComponentChildren }) {
    return <h1 tabIndex={-1}>{children}</h1>;
}

export function Fault({ text }: { text: string | null }) {
    return text ? (
        <p class="note bad" role="alert">
            {text}
        </p>
    ) : null;
}

export function Empty({ children }: { children: ComponentChildren }) {
    return <p class="empty">{children}</p>;
}

/** A number with three digits that count. */
export function figure(value: number): string {
    return String(Number(value.toPrecision(3)));
}

export function Reasons({ of }: { of: Reason[] }) {
    return (
        <ul class="reasons">
            {of.map((reason) => (
                <li key={reason.code + reason.text}>
                    <div>{reason.text}</div>
                    <code>
                        {reason.code}
                        {reason.measured === null ? '' : ` · ${figure(reason.measured)}`}
                        {reason.limit === null ? '' : ` against ${figure(reason.limit)}`}
                        {reason.setting ? ` · ${reason.setting}` : ''}
                    </code>
                </li>
            ))}
        </ul>
    );
}

export interface Pages {
    cursor: string | null;
    first: number;
    next: (cursor: string, size: number) => void;
    back: (() => void) | null;
}

/** The pages of a list one has come by; a list that asks for something else begins anew. */
export function usePages(list: string): Pages {
    const begin = [{ cursor: null as string | null, first: 0 }];
    const [state, set] = useState({ list, trail: begin });
    const trail = state.list === list ? state.trail : begin;
    const { cursor, first } = trail.at(-1) ?? { cursor: null, first: 0 };
    return {
        cursor,
        first,
        next: (to, size) => set({ list, trail: [...trail, { cursor: to, first: first + size }] }),
        back: trail.length > 1 ? () => set({ list, trail: trail.slice(0, -1) }) : null,
    };
}

/** A field whose text is what the page's list is searched for. */
export function SearchField({ of, value }: { of: string; value: string }) {
    const label = `Search ${of}`;
    return (
        <label>
            <span class="sr">{label}</span>
            <input
                type="search"
                placeholder={label}
                value={value}
                onInput={(event) => ask({ q: event.currentTarget.value })}
            />
        </label>
    );
}

export function Pager({ page, pages }: { page: Page<unknown>; pages: Pages }) {
    const { items, next, total } = page;
    const count = total.toLocaleString();
    return (
        <div class="head">
            <span class="muted" role="status">
                {items.length === 0 ? 'none' : `${pages.first + 1}–${pages.first + items.length} of ${count}`}
            </span>
            <div>
                <button type="button" disabled={!pages.back} onClick={() => pages.back?.()}>
                    Previous
                </button>
                <button type="button" disabled={!next} onClick={() => next && pages.next(next, items.length)}>
                    Next
                </button>
            </div>
        </div>
    );
}

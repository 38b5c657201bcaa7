import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { order } from './api';
import { share, words } from './format';
import { ask } from './route';
import type { Page, Reason } from './types';

export function tone(busy: number): string {
    return busy >= 0.9 ? 'bad' : busy >= 0.7 ? 'warn' : 'good';
}

/** A share as a bar with its figure. */
export function Meter({ value }: { value: number }) {
    return (
        <span class={`meter ${tone(value)}`}>
            <svg viewBox="0 0 48 6" preserveAspectRatio="none" aria-hidden="true">
                <rect width={48 * Math.min(1, value)} height="6" />
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

function figure(value: number): string {
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

export interface Ask {
    title: string;
    text: string;
    confirm: string;
    danger?: boolean;
    fields?: { name: string; label: string; options: [string, string][] }[];
    /** The path and body of the order. */
    give: (why: string, values: Record<string, string>) => [string, unknown, string?];
}

/** A button that asks for a reason before it gives an order. */
export function OrderButton({
    ask,
    label,
    kind,
    disabled,
}: {
    ask: Ask;
    label: string;
    kind?: string;
    disabled?: string;
}) {
    const dialog = useRef<HTMLDialogElement>(null);
    const [fault, setFault] = useState<string | null>(null);
    const [sent, setSent] = useState(false);
    const [done, setDone] = useState('');
    useEffect(() => {
        if (!done) return;
        const timer = setTimeout(() => setDone(''), 6000);
        return () => clearTimeout(timer);
    }, [done]);
    async function submit(event: SubmitEvent) {
        event.preventDefault();
        const data = new FormData(event.currentTarget as HTMLFormElement);
        const values = Object.fromEntries([...data].map(([key, value]) => [key, String(value)]));
        const [path, body, method] = ask.give(values.why ?? '', values);
        setSent(true);
        try {
            await order(path, body, method);
            dialog.current?.close();
            setDone('Done.');
        } catch (error) {
            setFault((error as Error).message);
        } finally {
            setSent(false);
        }
    }
    return (
        <>
            <button
                type="button"
                class={kind ?? ''}
                disabled={disabled !== undefined}
                title={disabled ?? ''}
                onClick={() => {
                    setFault(null);
                    dialog.current?.showModal();
                }}
            >
                {label}
            </button>
            <span role="status" class={done ? 'badge good' : 'sr'}>
                {done}
            </span>
            <dialog ref={dialog} aria-label={ask.title}>
                <form onSubmit={submit}>
                    <h2>{ask.title}</h2>
                    <p>{ask.text}</p>
                    {ask.fields?.map((field) => (
                        <label key={field.name}>
                            {field.label}
                            <select name={field.name}>
                                <Options of={field.options} />
                            </select>
                        </label>
                    ))}
                    <label>
                        Why (kept in the history)
                        <input name="why" maxLength={300} autocomplete="off" />
                    </label>
                    <Fault text={fault} />
                    <div class="fields">
                        <button type="button" onClick={() => dialog.current?.close()}>
                            Cancel
                        </button>
                        <button type="submit" class={ask.danger ? 'danger' : 'main'} disabled={sent}>
                            {ask.confirm}
                        </button>
                    </div>
                </form>
            </dialog>
        </>
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

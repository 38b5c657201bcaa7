// Orders: a button asks for a reason before it gives one. The dialog belongs to the page and not to the button, which may
// be gone before one has read it: plans are replaced, and topologies end.

import { signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { order } from './api';
import { Fault, Options } from './ui';

export interface Ask {
    title: string;
    text: string;
    confirm: string;
    danger?: boolean;
    fields?: { name: string; label: string; options: [string, string][] }[];
    /** The path and body of the order. */
    give: (why: string, values: Record<string, string>) => [string, unknown, string?];
}

const asked = signal<Ask | null>(null);
/** What the last order came to, for as long as it is shown. */
const answer = signal('');
const SHOWN_MILLIS = 6000;

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
    return (
        <button
            type="button"
            class={kind ?? ''}
            disabled={disabled !== undefined}
            title={disabled ?? ''}
            onClick={() => {
                answer.value = '';
                asked.value = ask;
            }}
        >
            {label}
        </button>
    );
}

/** What is asked at present, and what the last order came to. What one leaves the page without answering is not asked again. */
export function Asking() {
    const ask = asked.value;
    const done = answer.value;
    useEffect(
        () => () => {
            asked.value = null;
        },
        [],
    );
    useEffect(() => {
        if (!done) return;
        const timer = setTimeout(() => {
            answer.value = '';
        }, SHOWN_MILLIS);
        return () => clearTimeout(timer);
    }, [done]);
    return (
        <>
            <p role="status" class={done ? 'answer' : 'sr'}>
                {done}
            </p>
            {ask ? <Question key={ask.title} ask={ask} /> : null}
        </>
    );
}

function Question({ ask }: { ask: Ask }) {
    const dialog = useRef<HTMLDialogElement>(null);
    const [fault, setFault] = useState<string | null>(null);
    const [sent, setSent] = useState(false);
    useEffect(() => dialog.current?.showModal(), []);
    async function submit(event: SubmitEvent) {
        event.preventDefault();
        const data = new FormData(event.currentTarget as HTMLFormElement);
        const values = Object.fromEntries([...data].map(([key, value]) => [key, String(value)]));
        const [path, body, method] = ask.give(values.why ?? '', values);
        setSent(true);
        setFault(null);
        try {
            await order(path, body, method);
            dialog.current?.close();
            answer.value = 'Done.';
        } catch (error) {
            setFault((error as Error).message);
        } finally {
            setSent(false);
        }
    }
    return (
        <dialog
            ref={dialog}
            aria-label={ask.title}
            aria-describedby="asked"
            onCancel={(event) => {
                // Its answer is yet to come.
                if (sent) event.preventDefault();
            }}
            onClose={() => {
                asked.value = null;
                // The button that it was opened with may be gone.
                if (document.activeElement === document.body)
                    document.querySelector<HTMLElement>('h1')?.focus();
            }}
        >
            <form onSubmit={submit}>
                <h2>{ask.title}</h2>
                <p id="asked">{ask.text}</p>
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
                    <button type="button" disabled={sent} onClick={() => dialog.current?.close()}>
                        Cancel
                    </button>
                    <button type="submit" class={ask.danger ? 'danger' : 'main'} disabled={sent}>
                        {ask.confirm}
                    </button>
                </div>
            </form>
        </dialog>
    );
}

import './style.css';
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { enter, follow as followEvents, live, locked, me } from './api';
import { Asking } from './asking';
import { Engines } from './pages/engines';
import { History } from './pages/history';
import { Overview } from './pages/overview';
import { Plans } from './pages/plans';
import { TopologyPage } from './pages/topology';
import { follow, place } from './route';
import { Fault, Heading } from './ui';

const PAGES: [string, string][] = [
    ['', 'Topologies'],
    ['plans', 'Plans'],
    ['history', 'History'],
    ['engines', 'Engines'],
];

const THEMES = ['auto', 'light', 'dark'];

function ThemeButton() {
    const [theme, set] = useState(localStorage.getItem('thalweg-theme') ?? 'auto');
    useEffect(() => {
        if (theme === 'auto') delete document.documentElement.dataset.theme;
        else document.documentElement.dataset.theme = theme;
        localStorage.setItem('thalweg-theme', theme);
        dispatchEvent(new Event('themechange'));
    }, [theme]);
    const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'auto';
    return (
        <button type="button" class="plain" onClick={() => set(next)}>
            <span class="sr">Colours: </span>
            {theme === 'auto' ? 'Auto' : theme === 'light' ? 'Light' : 'Dark'}
        </button>
    );
}

function Login() {
    const [fault, setFault] = useState<string | null>(null);
    return (
        <section class="card login">
            <Heading>A token is needed</Heading>
            <form
                class="fields"
                onSubmit={(event) => {
                    event.preventDefault();
                    const given = new FormData(event.currentTarget).get('token');
                    enter(String(given)).catch((error: Error) => setFault(error.message));
                }}
            >
                <label>
                    Token
                    <input name="token" type="password" autocomplete="off" required size={32} />
                </label>
                <button type="submit" class="main">
                    Enter
                </button>
            </form>
            <p class="muted">
                It is kept until this tab is closed. The command thalweg serve token makes one.
            </p>
            <Fault text={fault} />
        </section>
    );
}

function Shown() {
    const [page, engine, id] = place.value.parts;
    if (page === undefined) return <Overview />;
    if (page === 'topologies' && engine && id) return <TopologyPage engine={engine} id={id} />;
    if (page === 'plans') return <Plans />;
    if (page === 'history') return <History />;
    if (page === 'engines') return <Engines />;
    return (
        <section class="card">
            <Heading>There is no such page</Heading>
            <p>
                <a href="/">All topologies</a>
            </p>
        </section>
    );
}

function App() {
    const page = place.value.parts[0] ?? '';
    const here = page === 'topologies' ? '' : page;
    const title = place.value.parts[2] ?? PAGES.find(([path]) => path === page)?.[1] ?? 'Thalweg';
    useEffect(() => {
        document.title = `${title} – Thalweg`;
    }, [title]);
    return (
        <>
            <a class="skip" href="#content">
                To the content
            </a>
            <header class="top">
                <div>
                    <a class="brand" href="/">
                        <svg
                            viewBox="0 0 24 24"
                            fill="none"
                            stroke-width="2.4"
                            stroke-linecap="round"
                            aria-hidden="true"
                        >
                            <path d="M2 6c5 0 5 4 10 4s5-4 10-4M2 13c5 0 5 6 10 6s5-6 10-6" />
                        </svg>
                        Thalweg
                    </a>
                    <nav aria-label="Pages">
                        {PAGES.map(([path, name]) => (
                            <a
                                key={path}
                                href={`/${path}`}
                                {...(here === path ? { 'aria-current': 'page' as const } : {})}
                            >
                                {name}
                            </a>
                        ))}
                    </nav>
                    <div class="side">
                        <span role="status">
                            <span class={live.value ? 'dot on' : 'dot'} aria-hidden="true" />{' '}
                            {live.value ? 'live' : 'not live'}
                        </span>
                        {me.value ? <span>{me.value.name}</span> : null}
                        <ThemeButton />
                    </div>
                </div>
            </header>
            <main id="content">{locked.value ? <Login /> : <Shown />}</main>
            {locked.value ? null : <Asking key={place.value.parts.join('/')} />}
        </>
    );
}

document.addEventListener('click', follow);
render(<App />, document.body);
void followEvents();

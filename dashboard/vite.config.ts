import { defineConfig } from 'vite';

export default defineConfig({
    build: {
        target: 'es2022',
        modulePreload: { polyfill: false },
        // Everything is a file of its own: the page's policy allows nothing inline.
        assetsInlineLimit: 0,
        reportCompressedSize: false,
    },
    // THALWEG_SERVE=http://127.0.0.1:7480 npx vite serves the sources with a running server's data.
    server: { proxy: { '/v1': process.env.THALWEG_SERVE ?? 'http://127.0.0.1:7480' } },
});

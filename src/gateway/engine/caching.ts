import type { Plugin } from 'graphql-yoga';

/** What is answered to one caller is kept by no cache on the way, nor by a browser (RFC 9111). */
export const NOT_CACHED = 'private, no-store';

/**
 * What an event stream needs on its way: a proxy that compresses or gathers it holds back items that are there. nginx goes by
 * `X-Accel-Buffering`, others by `no-transform` (RFC 9111, section 5.2.2.6).
 */
const STREAMED = { 'cache-control': `${NOT_CACHED}, no-transform`, 'x-accel-buffering': 'no' } as const;

/** Tells caches and proxies what they may do with the answers of Yoga's path; the fast path does so by itself. */
export function cachingHeaders(): Plugin {
  return {
    onResponse({ response: { headers } }) {
      const type = headers.get('content-type') ?? '';
      const isStream = type.startsWith('text/event-stream') || type.startsWith('multipart/mixed');
      if (!isStream) headers.set('cache-control', NOT_CACHED);
      else for (const [name, value] of Object.entries(STREAMED)) headers.set(name, value);
    },
  };
}

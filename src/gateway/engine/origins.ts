import type { CORSOptions, Plugin } from 'graphql-yoga';

/** Which web pages may call from another origin than the gateway's own. */
export interface OriginRules {
  /** As browsers write them: `https://app.example`, `http://localhost:5173`. */
  readonly allowed: readonly string[];
  /** Whether pages that this machine serves are allowed too: development mode. */
  readonly loopback: boolean;
}

/** Headers that a page may send. */
const ALLOWED_HEADERS = ['authorization', 'content-type', 'x-api-key', 'traceparent', 'x-correlation-id'];
/** How long a browser may go by the answer to a preflight request; Chromium takes two hours at the most. */
const PREFLIGHT_SECONDS = 7_200;

/** True where pages of this origin may call; `null`, the origin of pages that have none, never is. */
export function isAllowedOrigin({ allowed, loopback }: OriginRules, origin: string): boolean {
  if (allowed.includes(origin)) return true;
  return loopback && URL.canParse(origin) && isLoopbackHost(new URL(origin).host);
}

/**
 * Whether a socket may be opened. Browsers let every page open sockets anywhere and only say where the page is from
 * (RFC 6455, section 10.2), so the server has to look. What sends no Origin is no browser.
 */
export function mayOpenSocket(
  rules: OriginRules,
  { origin, host }: { readonly origin?: string | undefined; readonly host?: string | undefined },
): boolean {
  return origin === undefined || isOwnOrigin(origin, host) || isAllowedOrigin(rules, origin);
}

/** True for a page that came from the host that it calls. http or https is up to the proxy that ends TLS before us. */
function isOwnOrigin(origin: string, host: string | undefined): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, host: own } = new URL(origin);
  const called = `${protocol}//${host}`;
  return own !== '' && URL.canParse(called) && new URL(called).host === own;
}

/** The CORS headers of answers to pages (Fetch Standard, section 3.2). Credentials are off: callers send a token, no cookies. */
export function corsOf(rules: OriginRules): (request: Request) => CORSOptions {
  return (request) => {
    const origin = request.headers.get('origin');
    if (origin === null || !isAllowedOrigin(rules, origin)) return false;
    return {
      origin: [origin],
      methods: ['GET', 'POST'],
      allowedHeaders: ALLOWED_HEADERS,
      credentials: false,
      maxAge: PREFLIGHT_SECONDS,
    };
  };
}

/** Keeps caches from answering one origin with the headers of another. */
export function varyByOrigin(): Plugin {
  return { onResponse: ({ response }) => response.headers.append('vary', 'origin') };
}

/** True for a host, with or without a port, that names this machine: `localhost:4000`, `127.0.0.1`, `[::1]`. */
export function isLoopbackHost(host: string | null | undefined): boolean {
  return /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])(:\d+)?$/i.test(host ?? '');
}

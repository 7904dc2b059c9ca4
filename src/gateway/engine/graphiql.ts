import { randomBytes } from 'node:crypto';
import type { GraphiQLOptions, Plugin } from 'graphql-yoga';

/** What the page shows at first: something to ask, something to watch and something to do. Lines fit its editor. */
export const FIRST_DOCUMENT = `# Waybill, in development mode. The button runs one
# of these; Ctrl-Enter runs the one at the cursor.
#
# The headers below hold a token: dispatcher of the
# tenant "demo". To be someone else, put another
# there: npx waybill token --help

query Board {
  tenders(first: 10) {
    nodes {
      id
      status
      offers { carrierId status expiresAt }
    }
  }
}

# Stays open: the tenders there are, then changes.
subscription Live {
  tenderChanges {
    __typename
    ... on Change { cursor }
    ... on TendersSnapshot {
      complete
      tenders { id status }
    }
    ... on TenderUpdated {
      event { type }
      tender { id status }
    }
    ... on TenderLeft { id }
  }
}

# Run it in a second window: Live shows it at once.
mutation Create {
  createTender(input: {
    reference: "PO-4711"
    stops: [
      {
        kind: PICKUP, name: "Mill Road 7"
        longitude: -97.7431, latitude: 30.2672
      }
      {
        kind: DELIVERY, name: "Harbour Street 2"
        longitude: -97.7209, latitude: 30.2849
      }
    ]
  }) {
    __typename
    ... on TenderPayload { tender { id status } }
    ... on Refusal { code message }
  }
}
`;

/** What the GraphQL page of development mode begins with. Subscriptions run over SSE, with the same headers. */
export function graphiqlOptions(token: string | undefined): GraphiQLOptions {
  return {
    title: 'Waybill',
    defaultQuery: FIRST_DOCUMENT,
    // Kept headers would outlive their token; every load of the page brings a new one.
    shouldPersistHeaders: false,
    ...(token === undefined
      ? {}
      : { headers: JSON.stringify({ Authorization: `Bearer ${token}` }, null, 2) }),
  };
}

/**
 * GraphiQL looks for the tab of the document that was edited last. Where none was, it would open an empty tab when
 * the page is loaded again.
 */
const LAST_EDITED = `
  try { localStorage.getItem('graphiql:query') ?? localStorage.setItem('graphiql:query', ${JSON.stringify(FIRST_DOCUMENT)}); } catch {}
`;

/** The options of one page that is sent, with the word that its own scripts are known by. */
interface PageOptions extends GraphiQLOptions {
  readonly nonce: string;
}

/**
 * What the page may do, for it holds a token: run its own scripts and the workers that these make, call this host, be shown in
 * no frame of another page, be kept nowhere, and tell nobody its address. Its editor puts styles in place as it goes.
 */
function pageHeaders(nonce: string): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    'worker-src blob:',
    "style-src 'unsafe-inline'",
    'img-src data:',
    'font-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    'content-security-policy': policy.join('; '),
    'cache-control': 'no-store',
    'cross-origin-opener-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  };
}

/**
 * Serves the page of development mode.
 * @param tokenFor gives the token that the page is to hold, or none
 */
export function servePage(tokenFor: (headers: Headers) => Promise<string | undefined>) {
  /** Between a page that is made and its head that is sent. */
  const nonces = new WeakMap<Request, string>();
  const optionsOf = async (request: Request): Promise<PageOptions> => {
    const nonce = randomBytes(18).toString('base64');
    nonces.set(request, nonce);
    return { ...graphiqlOptions(await tokenFor(request.headers)), nonce };
  };
  const guardPage: Plugin = {
    onResponse({ request, response }) {
      const nonce = nonces.get(request);
      if (nonce === undefined) return;
      for (const [name, value] of Object.entries(pageHeaders(nonce))) response.headers.set(name, value);
    },
  };
  return { optionsOf, guardPage };
}

/** The page, all in one piece: it asks nothing from other hosts. */
export async function renderPage(options: GraphiQLOptions | undefined): Promise<string> {
  // Several megabytes of script: loaded when the page is first asked for, never in production.
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const { nonce = '', ...shown } = { ...options } as Partial<PageOptions>;
  const script = `<script nonce="${nonce}">`;
  return renderGraphiQL(shown).replace(
    /<div id="root"><\/div>\s*<script>/,
    () => `<div id="root"></div>${script}${LAST_EDITED}</script>${script}`,
  );
}

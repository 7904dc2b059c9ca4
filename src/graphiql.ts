import type { GraphiQLOptions } from 'graphql-yoga';

const FIRST_QUERY = `# Waybill, in development mode. Requests from this page carry a token: dispatcher of the tenant "demo".
# To be someone else, put another into the headers below: { "Authorization": "Bearer …" }
# \`npx waybill token --help\` says how to get one.

query Board {
  tenders(first: 10) {
    nodes {
      id
      status
      offers { carrierId status expiresAt }
    }
  }
}

# Stays open: first the tenders there are, then every change.
subscription Live {
  tenderChanges {
    __typename
    cursor
    ... on TendersSnapshot { complete tenders { id status } }
    ... on TenderUpdated { event { type } tender { id status } }
    ... on TenderLeft { id }
  }
}
`;

/** What the GraphQL page of development mode begins with. Subscriptions run over SSE, with the same headers. */
export function graphiqlOptions(token: string | undefined): GraphiQLOptions {
  return {
    title: 'Waybill',
    defaultQuery: FIRST_QUERY,
    // Kept headers would outlive their token; the additional ones come with every load of the page.
    shouldPersistHeaders: false,
    ...(token === undefined ? {} : { additionalHeaders: { Authorization: `Bearer ${token}` } }),
    ...(token === undefined
      ? {}
      : { headers: JSON.stringify({ Authorization: `Bearer ${token}` }, null, 2) }),
  };
}

/** True for a Host header that names this machine: the token is not for a page that another name has led here. */
export function isLoopbackHost(host: string | null | undefined): boolean {
  return /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])(:\d+)?$/i.test(host ?? '');
}

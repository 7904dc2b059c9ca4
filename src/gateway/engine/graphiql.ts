import type { GraphiQLOptions } from 'graphql-yoga';

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
const LAST_EDITED = `<script>
  try { localStorage.getItem('graphiql:query') ?? localStorage.setItem('graphiql:query', ${JSON.stringify(FIRST_DOCUMENT)}); } catch {}
</script>`;

/** The page, all in one piece: it asks nothing from other hosts. */
export async function renderPage(options: GraphiQLOptions | undefined): Promise<string> {
  // Several megabytes of script: loaded when the page is first asked for, never in production.
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  return renderGraphiQL(options).replace('<div id="root">', (root) => `${LAST_EDITED}${root}`);
}

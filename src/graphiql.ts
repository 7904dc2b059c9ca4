import type { GraphiQLOptions } from 'graphql-yoga';

/** What the page shows at first: something to ask, something to watch and something to do. Lines fit its editor. */
export const FIRST_DOCUMENT = `# Waybill, in development mode. The button runs one of these;
# so does Ctrl-Enter, the one that the cursor is in.
#
# The headers below hold a token: dispatcher of tenant "demo".
# To be someone else, put another there: npx waybill token --help

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
    ... on Change { cursor }
    ... on TendersSnapshot { complete tenders { id status } }
    ... on TenderUpdated { event { type } tender { id status } }
    ... on TenderLeft { id }
  }
}

# Run it from a second window: the first shows it at once.
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
    // Kept headers would outlive their token; the additional ones come with every load of the page.
    shouldPersistHeaders: false,
    ...(token === undefined ? {} : { additionalHeaders: { Authorization: `Bearer ${token}` } }),
    ...(token === undefined
      ? {}
      : { headers: JSON.stringify({ Authorization: `Bearer ${token}` }, null, 2) }),
  };
}

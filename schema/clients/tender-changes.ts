/** What each of the examples asks for. `after` is where to go on; without it, the tenders come first. */
export const TENDER_CHANGES = /* GraphQL */ `
  subscription TenderChanges($filter: TenderFilter, $after: String) {
    tenderChanges(filter: $filter, after: $after) {
      __typename
      ... on Change { cursor }
      ... on TendersSnapshot { complete tenders { id status } }
      ... on TenderUpdated { event { id type sequence } tender { id status } }
      ... on TenderLeft { id }
    }
  }
`;

/** One item of the subscription: a part of the snapshot, a change, a gap or a heartbeat. */
export interface TenderChange {
  readonly __typename: string;
  /** Where to go on after this item. */
  readonly cursor?: string;
  readonly complete?: boolean;
  readonly tenders?: readonly { readonly id: string; readonly status: string }[];
  readonly event?: { readonly id: string; readonly type: string; readonly sequence: number };
  readonly tender?: { readonly id: string; readonly status: string };
  readonly id?: string;
}

/** What each of the examples is given. */
export interface Follow {
  /** `https://waybill.example/graphql` */
  readonly url: string;
  /** Asked before each connection, so that it may be a new one. */
  token(): string | Promise<string>;
  /** A cursor that was kept, to go on from. */
  readonly after?: string;
  onChange(change: TenderChange): void;
  /** It is over: the gateway refuses the token or the subscription. Everything else is tried again. */
  onEnd(error: unknown): void;
}

import {
  type Client,
  createClient,
  type FormattedExecutionResult,
  type Sink,
  type SubscribePayload,
} from 'graphql-ws';
import WebSocket from 'ws';
import { type Follow, TENDER_CHANGES, type TenderChange } from './tender-changes.ts';

/** From the first to the longest wait before another attempt. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 10_000;

/** A graphql-ws client that always comes back, and whose subscriptions go on where they were. */
export function connect({ url, token }: Pick<Follow, 'url' | 'token'>): Client {
  const client = createClient({
    url: url.replace(/^http/, 'ws'),
    // In a browser, leave this out.
    webSocketImpl: WebSocket,
    connectionParams: async () => ({ authorization: `Bearer ${await token()}` }),
    retryAttempts: Number.POSITIVE_INFINITY,
    // Without this, a gateway that cannot be reached for a moment is given up.
    shouldRetry: () => true,
    // By chance, so that a thousand screens do not come back in the same instant.
    retryWait: (retries) => {
      const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** retries);
      return new Promise((resolve) => setTimeout(resolve, longest * (0.5 + Math.random() / 2)));
    },
  });
  return { ...client, subscribe: resuming(client) };
}

/**
 * graphql-ws subscribes anew after each reconnect, and writes the same payload again as it is by then. So the variable
 * `after` need only be what it is by then: the cursor of the last item.
 */
function resuming(client: Client): Client['subscribe'] {
  return <Data, Extensions>(
    payload: SubscribePayload,
    sink: Sink<FormattedExecutionResult<Data, Extensions>>,
  ) => {
    let cursor: unknown = payload.variables?.after ?? undefined;
    const variables = {
      ...payload.variables,
      get after() {
        return cursor;
      },
    };
    return client.subscribe<Data, Extensions>(
      { ...payload, variables },
      {
        next(result) {
          sink.next(result);
          for (const item of Object.values<{ cursor?: string }>(result.data ?? {}))
            cursor = item.cursor ?? cursor;
        },
        error: (error) => sink.error(error),
        complete: () => sink.complete(),
      },
    );
  };
}

/** Follows the tenders. @returns how to stop */
export function followTenders({ onChange, onEnd, after, ...gateway }: Follow): () => void {
  const client = connect(gateway);
  client.subscribe<{ tenderChanges: TenderChange }>(
    { query: TENDER_CHANGES, variables: { after } },
    {
      next: ({ data }) => data && onChange(data.tenderChanges),
      error: onEnd,
      complete: () => undefined,
    },
  );
  return () => void client.dispose();
}

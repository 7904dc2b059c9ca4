import { createClient } from 'graphql-sse';
import { type Follow, TENDER_CHANGES, type TenderChange } from './tender-changes.ts';

/** From the first to the longest wait before another attempt. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 10_000;

/** Follows the tenders over Server-Sent Events. @returns how to stop */
export function followTenders({ url, token, after, onChange, onEnd }: Follow): () => void {
  let cursor = after;
  let refusal: Error | undefined;
  const client = createClient({
    url,
    // Asked before each connection. Last-Event-ID does what the argument `after` does.
    headers: async () => ({
      authorization: `Bearer ${await token()}`,
      ...(cursor === undefined ? {} : { 'last-event-id': cursor }),
    }),
    retryAttempts: Number.POSITIVE_INFINITY,
    // graphql-sse tries again whatever the status: what will not change is for `onEnd`.
    fetchFn: async (endpoint: string, init: RequestInit) => {
      const response = await fetch(endpoint, init);
      const isFinal = response.status >= 400 && response.status < 500 && response.status !== 429;
      if (isFinal) refusal = new Error(await response.text());
      return response;
    },
    retry: async (retries) => {
      if (refusal !== undefined) throw refusal;
      const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** retries);
      await new Promise((resolve) => setTimeout(resolve, longest * (0.5 + Math.random() / 2)));
    },
  });
  client.subscribe<{ tenderChanges: TenderChange }>(
    { query: TENDER_CHANGES },
    {
      next({ data, errors }) {
        if (!data) return onEnd(errors);
        onChange(data.tenderChanges);
        cursor = data.tenderChanges.cursor ?? cursor;
      },
      error: onEnd,
      complete: () => undefined,
    },
  );
  return () => client.dispose();
}

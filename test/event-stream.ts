/** How an event stream is asked for. */
export interface EventStreamOptions {
  readonly token?: string;
  readonly apiKey?: string;
  readonly lastEventId?: string | undefined;
  readonly signal?: AbortSignal;
}

/** Subscribes over Server-Sent Events. */
export function eventStream(
  url: string,
  query: string,
  { token, apiKey, lastEventId, signal }: EventStreamOptions = {},
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(apiKey === undefined ? {} : { 'x-api-key': apiKey }),
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
    body: JSON.stringify({ query }),
    ...(signal === undefined ? {} : { signal }),
  });
}

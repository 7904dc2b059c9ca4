import { Client, subscriptionExchange } from '@urql/core';
import { connect } from './graphql-ws.ts';
import { type Follow, TENDER_CHANGES, type TenderChange } from './tender-changes.ts';

/** Follows the tenders with urql. @returns how to stop */
export function followTenders({ onChange, onEnd, after, ...gateway }: Follow): () => void {
  const socket = connect(gateway);
  const client = new Client({
    url: gateway.url,
    exchanges: [
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => {
            const next = (result: object): void => sink.next(result);
            return { unsubscribe: socket.subscribe({ query, variables }, { ...sink, next }) };
          },
        }),
      }),
    ],
  });
  const { unsubscribe } = client
    .subscription<{ tenderChanges: TenderChange }>(TENDER_CHANGES, { after })
    .subscribe(({ data, error }) => {
      if (error !== undefined) onEnd(error);
      else if (data !== undefined) onChange(data.tenderChanges);
    });
  return () => {
    unsubscribe();
    void socket.dispose();
  };
}

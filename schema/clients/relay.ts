import relay, { type GraphQLResponse } from 'relay-runtime';
// What relay-compiler made of the document in `tender-changes.ts`.
import tenders, { type relayTendersSubscription } from './__generated__/relayTendersSubscription.graphql.ts';
import { connect } from './graphql-ws.ts';
import type { Follow } from './tender-changes.ts';

const { Environment, Network, Observable, RecordSource, Store, requestSubscription } = relay;

/** Follows the tenders with Relay's runtime. @returns how to stop */
export function followTenders({ onChange, onEnd, after, ...gateway }: Follow): () => void {
  const socket = connect(gateway);
  const environment = new Environment({
    store: new Store(new RecordSource()),
    network: Network.create(
      () => Promise.reject(new Error('This example only subscribes.')),
      ({ text }, variables) =>
        Observable.create((sink) =>
          socket.subscribe(
            { query: text ?? '', variables },
            {
              next: (result) => sink.next(result as GraphQLResponse),
              error: (error) => sink.error(error as Error),
              complete: () => sink.complete(),
            },
          ),
        ),
    ),
  });
  const { dispose } = requestSubscription<relayTendersSubscription>(environment, {
    subscription: tenders,
    variables: { after },
    onNext: (data) => data && onChange(data.tenderChanges),
    onError: onEnd,
  });
  return () => {
    dispose();
    void socket.dispose();
  };
}

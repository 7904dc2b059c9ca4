import { ApolloClient, gql, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { connect } from './graphql-ws.ts';
import { type Follow, TENDER_CHANGES, type TenderChange } from './tender-changes.ts';

/** Follows the tenders with Apollo Client. @returns how to stop */
export function followTenders({ onChange, onEnd, after, ...gateway }: Follow): () => void {
  const socket = connect(gateway);
  const client = new ApolloClient({ link: new GraphQLWsLink(socket), cache: new InMemoryCache() });
  const changes = client.subscribe<{ tenderChanges: TenderChange }>({
    query: gql(TENDER_CHANGES),
    variables: { after },
    // Changes are not answers to be kept: what they are of is.
    fetchPolicy: 'no-cache',
  });
  const subscription = changes.subscribe({
    next: ({ data, error }) => (data ? onChange(data.tenderChanges) : onEnd(error)),
    error: onEnd,
  });
  return () => {
    subscription.unsubscribe();
    client.stop();
    void socket.dispose();
  };
}

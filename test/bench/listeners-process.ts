import { type Listeners, openListeners, type Subscription } from './listeners.ts';
import { type Served, serveParent } from './server-process.ts';

/** Whom this process listens to, and what for. */
export interface ListenersMessage {
  readonly url: string;
  readonly count: number;
  readonly marker: string;
  readonly subscription?: Omit<Subscription, 'variables'>;
  /** Of each socket. */
  readonly variables?: readonly object[];
}

/** What it is told: to count from now on, then to say when so many have been heard. */
export type ListenersOrder = { readonly expect: number } | 'wait';

serveParent((message) => listen(message as ListenersMessage));

/** Listeners in a process of their own, so that what they take is nobody else's. */
async function listen(message: ListenersMessage): Promise<Served> {
  const { url, count, marker, subscription, variables } = message;
  const listeners: Listeners = await openListeners(
    url,
    count,
    marker,
    subscription && { ...subscription, variables: (index) => variables?.[index] ?? {} },
  );
  let heard: Promise<void> = Promise.resolve();
  return {
    url,
    tell(order) {
      const told = order as ListenersOrder;
      if (told === 'wait') return heard;
      heard = listeners.heard(told.expect);
      return undefined;
    },
    close: async () => listeners.close(),
  };
}

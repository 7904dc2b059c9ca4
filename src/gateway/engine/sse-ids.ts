import type { ExecutionResult } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Context } from '../../graphql/context.ts';
import type { Transport } from '../fan-out/transport.ts';

/** A result that may have its text already; Yoga asks for it by this name. */
interface TextResult extends ExecutionResult {
  readonly stringify?: (result: ExecutionResult) => string;
}

/**
 * Puts the cursor of each item of an event stream behind its data, as `id`: browsers, and other clients of Server-Sent
 * Events, give the last one back as `Last-Event-ID` when they connect again.
 */
export function sseIds(): Plugin<Transport & Context> {
  return {
    onSubscribe({ args }) {
      const { transport, feed } = args.contextValue as Transport & Context;
      if (transport !== 'http') return undefined;
      return {
        onSubscribeResult: () => ({
          onNext({ result, setResult }) {
            const cursor = feed.lastCursor();
            if (cursor !== undefined) setResult(withId(result, cursor));
          },
        }),
      };
    },
  };
}

/** Yoga writes a result as one line `data: …`; what comes behind a line feed is a field of its own. */
function withId(result: TextResult, cursor: string): TextResult {
  const { stringify = JSON.stringify } = result;
  const { data, errors, extensions } = result;
  return {
    ...(data === undefined ? {} : { data }),
    ...(errors === undefined ? {} : { errors }),
    ...(extensions === undefined ? {} : { extensions }),
    stringify: (shown) => `${stringify(shown)}\nid: ${cursor}`,
  };
}

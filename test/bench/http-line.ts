import { connect, type Socket } from 'node:net';

/** A kept HTTP connection that is asked one thing at a time. */
export interface Line {
  /** Sends the bytes of a request; resolves with its answer. */
  ask(request: Buffer): Promise<Answer>;
  /** True while it may be used again. */
  isOpen(): boolean;
  close(): void;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

const HEAD_END = '\r\n\r\n';

/**
 * Opens one, with no more of HTTP than our servers' answers need: Node's own client takes as long for a request as a
 * fast server for the answer, and would be what is measured.
 */
export function openLine(host: string, port: number): Line {
  const socket = connect(port, host).setNoDelay();
  let told = '';
  let waiting: { resolve(answer: Answer): void; reject(error: Error): void } | undefined;
  socket.on('data', (chunk) => {
    told += chunk.toString('latin1');
    const answer = answerIn(told);
    if (answer === undefined) return;
    told = '';
    const asker = waiting;
    waiting = undefined;
    asker?.resolve(answer);
  });
  const fail = (error: Error): void => {
    const asker = waiting;
    waiting = undefined;
    asker?.reject(error);
  };
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('The server has closed the connection.')));
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        socket.write(request);
      }),
    isOpen: () => isUsable(socket),
    close: () => socket.destroy(),
  };
}

function isUsable(socket: Socket): boolean {
  return !socket.destroyed && socket.writable && !socket.readableEnded;
}

/** Undefined while the answer is not whole; its bytes stand as so many characters. */
function answerIn(told: string): Answer | undefined {
  const end = told.indexOf(HEAD_END);
  if (end === -1) return undefined;
  const head = told.slice(0, end).toLowerCase();
  const status = Number(head.slice(9, 12));
  const rest = told.slice(end + HEAD_END.length);
  const length = /\r\ncontent-length: (\d+)/.exec(head)?.[1];
  if (length === undefined) {
    if (!rest.endsWith(`0${HEAD_END}`)) return undefined;
    return { status, text: utf8(joined(rest)) };
  }
  return rest.length < Number(length) ? undefined : { status, text: utf8(rest) };
}

/** The chunks of a body without their sizes. */
function joined(chunks: string): string {
  let text = '';
  let at = 0;
  for (;;) {
    const start = chunks.indexOf('\r\n', at);
    const size = Number.parseInt(chunks.slice(at, start), 16);
    if (!(size > 0)) return text;
    text += chunks.slice(start + 2, start + 2 + size);
    at = start + 4 + size;
  }
}

function utf8(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

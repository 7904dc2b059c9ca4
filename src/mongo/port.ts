import { createServer } from 'node:net';

/** The embedded server listens here and nowhere else. */
export const LOOPBACK = '127.0.0.1';

/**
 * Ports to choose from. Below the range that systems hand out to outgoing connections (Linux from 32768, others from
 * 49152), so that a port is likely to be free again at the next start.
 */
const FIRST_PORT = 27_100;
const PORTS = 4_900;
const TRIES = 50;

/** True if nobody listens on this port of the loopback interface. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** The preferred port if it is free, else another one that is. */
export async function choosePort(preferred?: number): Promise<number> {
  if (preferred !== undefined && (await isFree(preferred))) return preferred;
  for (let i = 0; i < TRIES; i++) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if (port !== preferred && (await isFree(port))) return port;
  }
  throw new Error(`no free port between ${FIRST_PORT} and ${FIRST_PORT + PORTS}`);
}

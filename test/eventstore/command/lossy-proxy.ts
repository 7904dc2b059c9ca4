import { connect, createServer, type Socket } from 'node:net';

/** A wire to mongod that can lose the reply to a command after mongod has carried it out. */
export interface LossyProxy {
  readonly port: number;
  /** Cuts the connection instead of passing on the reply to each of the next `times` commands named so. */
  loseReplies(command: string, times: number): void;
  /** How many replies were lost. */
  readonly lost: number;
  close(): Promise<void>;
}

/** Opens a proxy on loopback to a mongod on `port`. */
export async function openLossyProxy(port: number): Promise<LossyProxy> {
  let command = '';
  let times = 0;
  let lost = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    let doomed = false;
    const cut = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', cut);
      socket.on('close', () => {
        sockets.delete(socket);
        cut();
      });
    }
    client.on('data', (bytes) => {
      // The command's name is the first field of its document, after the message header and the section's kind.
      if (times > 0 && bytes.indexOf(`${command}\0`) > 0) {
        doomed = true;
        times -= 1;
      }
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (!doomed) {
        client.write(bytes);
        return;
      }
      lost += 1;
      cut();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port.');
  return {
    port: address.port,
    loseReplies(name, count) {
      command = name;
      times = count;
    },
    get lost() {
      return lost;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

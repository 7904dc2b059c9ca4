import type { Server } from 'node:http';
import { StartupError } from '../mongo/startup-error.ts';

/**
 * Begins to listen; port 0 takes a free one.
 * @returns the port
 * @throws StartupError when the address cannot be listened on
 */
export function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

/** `http://127.0.0.1:4000`, or `https://…` over TLS */
export function addressOf(host: string, port: number, tls?: object): string {
  return `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const where = `${host}:${port}`;
  switch (error.code) {
    case 'EADDRINUSE':
      return new StartupError(`${where} is taken by another process; set PORT to a free one (0 finds one).`);
    case 'EACCES':
      return new StartupError(`This user may not listen on ${where}; ports below 1024 need a privilege.`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new StartupError(`${host} is no address of this machine; set HOST to one that is.`);
    default:
      return error;
  }
}

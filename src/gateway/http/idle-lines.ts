import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Knows which connections of a server are without a request. Node's `closeIdleConnections` leaves out those that have never
 * sent one; clients open such in advance, and each would make a stop wait until its deadline.
 * @returns closes them all
 */
export function trackIdleLines(server: Server): () => void {
  const idle = new Set<Socket>();
  server.on('connection', (line) => {
    idle.add(line);
    line.once('close', () => idle.delete(line));
  });
  server.on('request', (request, response) => {
    // A request whose body was given up has no socket any more when its response closes.
    const { socket } = request;
    idle.delete(socket);
    response.once('close', () => {
      if (!socket.destroyed) idle.add(socket);
    });
  });
  // From here on it is a WebSocket, and closed as such.
  server.on('upgrade', (request) => idle.delete(request.socket));
  return () => {
    for (const line of idle) line.destroy();
  };
}

import { createRequire } from 'node:module';

// The driver (7.9.0, `Connection.writeCommand`) does not look whether a socket is closing. A command that is written in the
// moment between the socket's 'end' and its 'close' waits for a 'drain' that never comes, and its caller waits for ever, since
// nothing in the driver bounds that. When a primary is killed under load, a busy gateway meets this every few times
// (`waybill drill failover` found it). The remedy: a socket emits 'drain' when its connection is given up; the driver then
// goes on, finds the connection closed, and reports that as it does otherwise.

interface DriverConnection {
  readonly socket: { emit(event: 'drain'): boolean };
}

type Cleanup = (this: DriverConnection, error: unknown) => void;

interface ConnectionPrototype {
  cleanup: Cleanup;
}

let mended = false;

/** Mends the driver for every client of this process; where it is built otherwise by now, leaves it as it is. */
export function mendClosingSockets(): void {
  if (mended) return;
  mended = true;
  const loaded: unknown = createRequire(import.meta.url)('mongodb/lib/cmap/connection.js');
  const prototype = prototypeOf(loaded);
  if (prototype === undefined) return;
  const { cleanup } = prototype;
  prototype.cleanup = function (error) {
    cleanup.call(this, error);
    this.socket.emit('drain');
  };
}

function prototypeOf(loaded: unknown): ConnectionPrototype | undefined {
  if (typeof loaded !== 'object' || loaded === null || !('Connection' in loaded)) return undefined;
  const { Connection } = loaded;
  if (typeof Connection !== 'function') return undefined;
  const prototype: unknown = Connection.prototype;
  return isPrototype(prototype) ? prototype : undefined;
}

function isPrototype(prototype: unknown): prototype is ConnectionPrototype {
  return (
    typeof prototype === 'object' &&
    prototype !== null &&
    'cleanup' in prototype &&
    typeof prototype.cleanup === 'function'
  );
}

import { describe, expect, it } from 'vitest';
import type { Mongod } from '../../src/mongo/launch.ts';
import type { Exit } from '../../src/mongo/launch-options.ts';
import { supervise } from '../../src/mongo/supervise.ts';
import { silent } from './embedded-folder.ts';

const KILLED: Exit = { code: null, signal: 'SIGKILL', stderr: '' };

/** A process that ends at once, whatever one does. */
function shortLived(port: number): Mongod {
  return { pid: 1, port, uri: '', exited: Promise.resolve(KILLED), stop: async () => undefined };
}

describe('a mongod that dies again and again', () => {
  it('is restarted on its port five times, then given up, which is told once', async () => {
    const ports: number[] = [];
    const lost = await new Promise<Error>((resolve) => {
      const start = async (port: number) => {
        ports.push(port);
        return shortLived(port);
      };
      supervise(shortLived(27_100), start, silent, resolve);
    });
    expect(ports).toEqual(Array(5).fill(27_100));
    expect(lost.message).toBe('mongod ended more than 5 times within 10 minutes');
  });

  it('is not restarted once it was stopped', async () => {
    let starts = 0;
    const start = async (port: number) => {
      starts++;
      return shortLived(port);
    };
    const guard = supervise(shortLived(27_100), start, silent);
    await guard.stop();
    expect(starts).toBe(0);
  });
});

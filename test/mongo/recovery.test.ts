import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { lock } from '../../src/mongo/lock.ts';
import { isFree, LOOPBACK } from '../../src/mongo/port.ts';
import { awaitEnd, isAlive, isEnding } from '../../src/mongo/processes.ts';
import { readState, writeState } from '../../src/mongo/state.ts';
import { eventually, untilTrue } from '../eventually.ts';
import { type Folder, makeFolder } from './embedded-folder.ts';

let folder: Folder;
beforeEach(async () => {
  folder = await makeFolder();
});
afterEach(() => folder.remove());

describe('an embedded server that was closed', () => {
  it('has gone, keeps its data and its port', async () => {
    const first = await folder.open();
    await first.db.collection('kept').insertOne({ n: 1 });
    const pid = folder.mongodPid();
    await first.close();
    expect(isAlive(pid)).toBe(false);
    const second = await folder.open();
    expect(await second.db.collection('kept').countDocuments()).toBe(1);
    expect(second.uri).toBe(first.uri);
  });

  it('takes another port if its own is taken meanwhile, and is primary there', async () => {
    const first = await folder.open();
    await first.db.collection('kept').insertOne({ n: 1 });
    await first.close();
    const squatter = await squat(readState(folder.path)?.port ?? 0);
    const second = await folder.open();
    expect(second.uri).not.toBe(first.uri);
    await second.db.collection('kept').insertOne({ n: 2 });
    expect(await second.db.collection('kept').countDocuments()).toBe(2);
    squatter.close();
  });
});

describe('an embedded server whose port somebody holds for a moment', () => {
  it('waits for it: others know it there and nowhere else', async () => {
    const first = await folder.open();
    await first.close();
    const squatter = await squat(readState(folder.path)?.port ?? 0);
    const opening = folder.open();
    // Later than the first look, and not long after it.
    setTimeout(() => squatter.close(), 200);
    expect((await opening).uri).toBe(first.uri);
  });
});

describe('a process that uses the server of another', () => {
  it('is told when that runs on another port by now', async () => {
    await folder.open();
    const told: string[] = [];
    await folder.open({}, { join: true, onLost: ({ message }) => void told.push(message) });
    const state = readState(folder.path);
    if (state === undefined) throw new Error('Nothing runs.');
    writeState(folder.path, { ...state, port: state.port + 1 });
    await eventually(() =>
      expect(told).toEqual(['The shared mongod runs on another port by now. Start this process again.']),
    );
    writeState(folder.path, state);
  });
});

describe('a process whose first thread has ended, while others go on', () => {
  // Its main thread calls exit, and not exit_group, which ends all.
  const script = `import ctypes, socket, threading, time
threading.Thread(target=lambda: time.sleep(600)).start()
s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); print(s.getsockname()[1], flush=True)
ctypes.CDLL(None).syscall(60, 0)`;

  it.skipIf(process.platform !== 'linux' || process.arch !== 'x64' || !has('python3'))(
    'is alive, since it keeps its ports',
    async () => {
      const child = spawn('python3', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
      onTestFinished(() => void child.kill('SIGKILL'));
      const [line] = await once(child.stdout, 'data');
      const pid = child.pid ?? Number.NaN;
      await untilTrue(() => isEnding(pid));
      expect(isAlive(pid)).toBe(true);
      expect(await isFree(Number(String(line)))).toBe(false);
      child.kill('SIGKILL');
      await awaitEnd(pid);
      expect(isAlive(pid)).toBe(false);
      expect(await isFree(Number(String(line)))).toBe(true);
    },
  );
});

function has(program: string): boolean {
  return spawnSync(program, ['--version']).status === 0;
}

describe('mongod killed by kill -9 while the gateway runs', () => {
  it('is started again on the same port, with every acknowledged write', async () => {
    const { db } = await folder.open();
    await db.collection('kept').insertOne({ n: 1 });
    const pid = folder.mongodPid();
    process.kill(pid, 'SIGKILL');
    await untilTrue(() => readState(folder.path)?.ready && folder.mongodPid() !== pid);
    await eventually(async () => expect(await db.collection('kept').countDocuments()).toBe(1));
    await db.collection('kept').insertOne({ n: 2 });
  });

  it('is stopped for good by a close that comes during the restart', async () => {
    const mongo = await folder.open();
    const pid = folder.mongodPid();
    process.kill(pid, 'SIGKILL');
    await untilTrue(() => folder.mongodPid() !== pid);
    const second = folder.mongodPid();
    await mongo.close();
    expect(isAlive(second)).toBe(false);
  });
});

describe('Ctrl-C in the terminal, which signals the whole process group', () => {
  it('leaves mongod to the gateway, which writes its last and stops it', async () => {
    const { child } = await folder.hold();
    const mongod = folder.mongodPid();
    process.kill(-(child.pid ?? Number.NaN), 'SIGINT');
    await once(child, 'exit');
    expect(isAlive(mongod)).toBe(false);
    const next = await folder.open();
    expect(await next.db.collection('kept').countDocuments({ last: true })).toBe(1);
  });
});

describe('a gateway killed by kill -9', () => {
  it('leaves a mongod that the next start replaces, with every acknowledged write', async () => {
    const { child } = await folder.hold();
    const orphan = folder.mongodPid();
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isAlive(orphan)).toBe(true);
    const next = await folder.open();
    expect(isAlive(orphan)).toBe(false);
    expect(folder.mongodPid()).not.toBe(orphan);
    expect(await next.db.collection('acknowledged').countDocuments()).toBe(1);
  });

  it('together with its mongod is recovered from too', async () => {
    const { child } = await folder.hold();
    process.kill(folder.mongodPid(), 'SIGKILL');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const next = await folder.open();
    expect(await next.db.collection('acknowledged').countDocuments()).toBe(1);
    await next.db.collection('acknowledged').insertOne({ n: 2 });
  });

  it('is found by mongod’s own lock file if the gateway died before it noted the pid', async () => {
    const { child } = await folder.hold();
    const orphan = folder.mongodPid();
    child.kill('SIGKILL');
    await once(child, 'exit');
    writeState(folder.path, { pid: null, port: 27_099, version: '6.0.5', ready: false });
    await folder.open();
    expect(isAlive(orphan)).toBe(false);
  });
});

describe('a pid that another process was given meanwhile', () => {
  it('is not stopped, and does not keep the folder', async () => {
    const bystander = process.ppid;
    writeState(folder.path, { pid: bystander, port: 27_098, version: '6.0.5', ready: true });
    lock(folder.path, 'gateway').release();
    await folder.open();
    expect(isAlive(bystander)).toBe(true);
  });
});

async function squat(port: number): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  server.listen(port, LOOPBACK);
  await once(server, 'listening');
  return server;
}

import { setTimeout as pause } from 'node:timers/promises';
import { ALL_FIELDS, type ChangingTenders, makeChangingTenders } from './client/changing-tenders.ts';
import { openSubscribedSocket, openSubscribedSockets, type SubscribedSocket } from './client/socket.ts';
import { openTenderReaders, type TenderReaders } from './client/tender-readers.ts';
import type { Scratch } from './drill.ts';
import { type GatewayFigures, type GatewayProcess, startGateway } from './process/gateway.ts';
import { count, type DrillReport, mib } from './report.ts';

export interface StalledDrill {
  /** So many read nothing, so many one byte a second, and so many as they should. */
  readonly sockets: number;
  readonly seconds: number;
  readonly changesPerSecond: number;
  /** Whether memory and times are judged; of small numbers they say little. */
  readonly figures: boolean;
}

/** What is promised of each, and of the others. */
const MOST_BYTES_EACH = 1_048_576;
const MOST_TIMES_SLOWER = 2;
/** The part of the time without stalled ones, which the rest is compared with. */
const ALONE_SHARE = 0.25;
/** So many changes wait for each who has stalled. */
const BEHIND = 3;
const LOOK_MS = 500;
/** How long the last of them may stay after the time: as long as a socket may be silent. */
const GRACE_MS = 60_000;

interface Parts {
  readonly scratch: Scratch;
  readonly drill: StalledDrill;
  readonly gateway: GatewayProcess;
  readonly tenders: ChangingTenders;
  readonly readers: TenderReaders;
}

/** What was measured while it went on. */
interface Phase {
  readonly p99Ms: number;
  readonly residentBytes: number;
  readonly heapBytes: number;
}

/** Readers that stall beside readers that do not: each costs little and is closed, and the others notice little. */
export async function drillStalled(
  scratch: Scratch,
  drill: StalledDrill,
  report: DrillReport,
): Promise<void> {
  const { sockets, seconds } = drill;
  const room = String(3 * sockets);
  const most = { WAYBILL_MAX_SOCKETS_PER_TENANT: room, WAYBILL_MAX_SOCKETS_PER_CALLER: room };
  const gateway = await startGateway(scratch, most);
  const tenders = await makeChangingTenders(gateway, scratch.signal);
  const readers = await openTenderReaders(gateway, sockets, report);
  scratch.onClose(() => readers.cut());
  const parts: Parts = { scratch, drill, gateway, tenders, readers };

  const aloneUntil = performance.now() + seconds * 1_000 * ALONE_SHARE;
  const alone = await measure(parts, () => performance.now() < aloneUntil);
  report.say(`${count(sockets)} readers alone: ${describe(alone)}`);

  const stalled = await openStalled(gateway, sockets);
  scratch.onClose(() => {
    for (const socket of stalled) socket.cut();
  });
  const until = performance.now() + seconds * 1_000;
  const anyLeft = ({ sockets: open }: GatewayFigures): boolean => open > sockets;
  const isOver = (): boolean => performance.now() >= until + GRACE_MS;
  // Until the system's buffers for them are full, they are readers like others, and served like them.
  const filling = await measure(
    parts,
    (now) => anyLeft(now) && now.waiting < BEHIND * stalled.length && !isOver(),
  );
  report.say(`while ${count(stalled.length)} others begin to stall: ${describe(filling)}`);
  const beside = await measure(parts, (now) => anyLeft(now) && !isOver());
  report.say(
    `beside ${count(sockets)} that read nothing and ${count(sockets)} that read one byte a second: ${describe(beside)}`,
  );
  await checkClosed(parts, stalled, report);
  const after = await measure(parts, () => performance.now() < until);
  report.say(`${count(sockets)} readers alone again: ${describe(after)}`);
  await readers.settle(tenders.changed);
  report.say(`${count(tenders.changed)} changes were told to ${count(sockets)} readers each`);
  if (drill.figures) judge(alone, beside, stalled.length, report);
}

/** Makes changes for as long as it is asked to, and measures. */
async function measure(
  { scratch, drill, gateway, tenders, readers }: Parts,
  goOn: (now: GatewayFigures) => boolean,
): Promise<Phase> {
  const end = new AbortController();
  const changing = tenders.change(drill.changesPerSecond, end.signal);
  changing.catch(() => end.abort());
  let [residentBytes, heapBytes] = [0, 0];
  readers.takeTimes();
  for (;;) {
    const figures = await gateway.figures();
    residentBytes = Math.max(residentBytes, figures.residentBytes);
    heapBytes = Math.max(heapBytes, figures.heapBytes);
    if (!goOn(figures) || end.signal.aborted) break;
    await pause(LOOK_MS, undefined, { signal: scratch.signal });
  }
  end.abort();
  await changing;
  return { p99Ms: readers.takeTimes().percentileMs(0.99), residentBytes, heapBytes };
}

/** Opens those that stall, as many of each kind. */
async function openStalled({ url, token }: GatewayProcess, each: number): Promise<SubscribedSocket[]> {
  const open = async (index: number): Promise<SubscribedSocket> => {
    const socket = await openSubscribedSocket({ url, token, query: ALL_FIELDS });
    if (index % 2 === 0) socket.stall();
    else socket.crawl(1);
    return socket;
  };
  return openSubscribedSockets(Array.from({ length: 2 * each }), (_, index) => open(index));
}

/** Looks from both sides whether each was closed, and for being slow. */
async function checkClosed(
  { gateway, drill }: Parts,
  stalled: readonly SubscribedSocket[],
  report: DrillReport,
): Promise<void> {
  const { sockets } = await gateway.figures();
  if (sockets > drill.sockets)
    report.problem(`${count(sockets - drill.sockets)} sockets that do not read are still open.`);
  for (const socket of stalled) socket.resume();
  const codes = new Map<number, number>();
  for (const code of await Promise.all(stalled.map(({ closed }) => closed)))
    codes.set(code, (codes.get(code) ?? 0) + 1);
  const words = [...codes].map(([code, times]) => `${code}: ${count(times)}`).join(', ');
  report.say(`each was closed (${words}; 1006 is a line that was cut)`);
  for (const code of codes.keys())
    if (code !== 4408 && code !== 1006)
      report.problem(`a socket that does not read was closed with ${code}.`);
}

function judge(alone: Phase, beside: Phase, stalled: number, report: DrillReport): void {
  const bytesEach = (beside.residentBytes - alone.residentBytes) / stalled;
  report.say(
    `each of the ${count(stalled)} cost ${(bytesEach / 1_024).toFixed(0)} KiB of the gateway's memory`,
  );
  if (bytesEach > MOST_BYTES_EACH) report.problem('each costs more than 1 MiB.');
  const slower = beside.p99Ms / alone.p99Ms;
  report.say(`the others' p99 was ${slower.toFixed(2)} times what it is alone`);
  if (slower > MOST_TIMES_SLOWER) report.problem('the p99 of the others has more than doubled.');
}

function describe({ p99Ms, residentBytes, heapBytes }: Phase): string {
  return `p99 ${p99Ms.toFixed(1)} ms from sending a change to being told; memory up to ${mib(residentBytes)} MiB, of which heap and buffers ${mib(heapBytes)} MiB`;
}

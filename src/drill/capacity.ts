import { setTimeout as pause } from 'node:timers/promises';
import { graphqlClient } from '../client/graphql-client.ts';
import { type FixSender, openFixSender, type SendOutcome } from './client/fix-sender.ts';
import { type Maps, openMaps } from './client/maps.ts';
import { randomFor } from './data/commands.ts';
import { registerFleet } from './data/fleet.ts';
import type { Scratch } from './drill.ts';
import { type GatewayFigures, type GatewayProcess, startGateway } from './process/gateway.ts';
import { count, type DrillReport, mib, rate } from './report.ts';

export interface CapacityDrill {
  readonly vehicles: number;
  /** Each vehicle reports every so many seconds. */
  readonly every: number;
  readonly maps: number;
  readonly framesPerSecond: number;
  readonly seconds: number;
  /** How often the rate is raised by a quarter afterwards, at most. */
  readonly steps: number;
  readonly stepSeconds: number;
  /** Whether times, rates and memory are judged; of small numbers they say little. */
  readonly figures: boolean;
  readonly seed: string;
}

/** What is promised: p99 from a fix's acknowledgement to its frame, the wait for the frame's turn included. */
const MOST_MS = 2_000;
/** Of what is sent, so much must be acknowledged in time. */
const SUSTAINED_SHARE = 0.99;
/** Growth of the memory, from the second third of the time to the last, that is still flat. */
const FLAT = { share: 1.1, bytes: 32 * 1_048_576 } as const;
/** Of the vehicles, each map shows about this share. */
const IN_VIEW = 0.02;
const RAISE = 1.25;
const LOOK_MS = 1_000;
const PATIENCE_MS = 30_000;

interface Parts {
  readonly scratch: Scratch;
  readonly gateway: GatewayProcess;
  readonly sender: FixSender;
  readonly maps: Maps;
}

/** What came of sending at a rate. */
interface Run {
  readonly perSecond: number;
  readonly sent: SendOutcome;
  readonly medianMs: number;
  readonly p99Ms: number;
  /** Of the gateway, over the time. */
  readonly residentBytes: readonly number[];
  /** Cores that the gateway kept busy. */
  readonly cores: number;
}

/** A fleet that reports and maps that show it, then more and more of it until it is too much. */
export async function drillCapacity(
  scratch: Scratch,
  drill: CapacityDrill,
  report: DrillReport,
): Promise<void> {
  const { signal } = scratch;
  const gateway = await startGateway(scratch, {
    WAYBILL_MAX_SOCKETS_PER_TENANT: String(drill.maps + 10),
    WAYBILL_MAX_SOCKETS_PER_CALLER: String(drill.maps + 10),
  });
  const client = graphqlClient({ ...gateway, patienceMs: PATIENCE_MS, signal });
  const fleet = await report.timed(
    () => registerFleet(client, drill.vehicles, randomFor(drill.seed, 'fleet')),
    (made, seconds) => `registered ${count(made.length)} vehicles (${rate(made.length, seconds)})`,
  );
  const sender = openFixSender(client, fleet);
  await sender.sendFromAll();
  const maps = await report.timed(
    () =>
      openMaps({
        ...{ gateway, fleet, report, random: randomFor(drill.seed, 'maps') },
        ...{ screens: drill.maps, share: IN_VIEW, framesPerSecond: drill.framesPerSecond },
      }),
    () => `opened ${count(drill.maps)} maps, each of another box,`,
  );
  scratch.onClose(() => maps.cut());
  // Work that making the fleet has left behind does not count for the rate.
  await maps.settle();

  const parts: Parts = { scratch, gateway, sender, maps };
  const run = await runAt(parts, drill.vehicles / drill.every, drill.seconds);
  report.say(describe(run));
  await report.timed(
    () => maps.settle(),
    () => 'every map was looked at, whether it shows what was sent last,',
  );
  if (run.sent.refused > 0) report.problem(`${count(run.sent.refused)} fixes were refused.`);
  if (drill.figures) judge(run, report);
  await saturate(parts, run.perSecond, drill, report);
}

/** Sends at a rate for some time. */
async function runAt(
  { scratch, gateway, sender, maps }: Parts,
  perSecond: number,
  seconds: number,
): Promise<Run> {
  maps.takeTimes();
  const over = new AbortController();
  const end = AbortSignal.any([scratch.signal, over.signal]);
  const timer = setTimeout(() => over.abort(), seconds * 1_000);
  const first = await gateway.figures();
  const seen: GatewayFigures[] = [];
  const sending = sender.sendAtRate(perSecond, end);
  const sampling = sampleFigures(gateway, end, seen);
  const sent = await sending.finally(() => {
    clearTimeout(timer);
    over.abort();
  });
  await sampling;
  scratch.signal.throwIfAborted();
  const last = await gateway.figures();
  const times = maps.takeTimes();
  return {
    perSecond,
    sent,
    medianMs: times.percentileMs(0.5),
    p99Ms: times.percentileMs(0.99),
    residentBytes: seen.map(({ residentBytes }) => residentBytes),
    cores: (last.cpuSeconds - first.cpuSeconds) / sent.seconds,
  };
}

async function sampleFigures(
  gateway: GatewayProcess,
  end: AbortSignal,
  seen: GatewayFigures[],
): Promise<void> {
  while (!end.aborted) {
    seen.push(await gateway.figures());
    await pause(LOOK_MS, undefined, { signal: end }).catch(() => undefined);
  }
}

function judge(run: Run, report: DrillReport): void {
  if (!isSustained(run))
    report.problem(`${count(run.perSecond)} fixes a second are more than are acknowledged.`);
  if (run.p99Ms > MOST_MS) report.problem('the p99 from an acknowledged fix to its frame is above 2 s.');
  const third = Math.floor(run.residentBytes.length / 3);
  const [before, after] = [run.residentBytes.slice(third, 2 * third), run.residentBytes.slice(2 * third)].map(
    median,
  );
  if (before !== undefined && after !== undefined && after > before * FLAT.share + FLAT.bytes)
    report.problem(`memory grows: from ${mib(before)} to ${mib(after)} MiB.`);
}

function isSustained({ perSecond, sent }: Run): boolean {
  return sent.acknowledged >= perSecond * sent.seconds * SUSTAINED_SHARE;
}

/** Raises the rate step by step until it is too much, and says where. */
async function saturate(
  parts: Parts,
  from: number,
  { steps, stepSeconds }: CapacityDrill,
  report: DrillReport,
): Promise<void> {
  let good = from;
  for (let step = 1; step <= steps; step++) {
    const run = await runAt(parts, from * RAISE ** step, stepSeconds);
    report.say(describe(run));
    if (!isSustained(run) || run.p99Ms > MOST_MS) {
      report.say(`saturated between ${count(good)} and ${count(run.perSecond)} fixes a second`);
      return;
    }
    good = run.perSecond;
  }
  if (steps > 0) report.say(`not saturated at ${count(good)} fixes a second`);
}

function describe({ perSecond, sent, medianMs, p99Ms, residentBytes, cores }: Run): string {
  const late = sent.skipped === 0 ? '' : `, ${count(sent.skipped)} were not sent for want of answers`;
  return [
    `${count(perSecond)} fixes a second for ${count(sent.seconds)} s: ${rate(sent.acknowledged, sent.seconds)} acknowledged${late}`,
    `from there to a frame ${count(medianMs)} ms, p99 ${count(p99Ms)} ms`,
    `gateway ${mib(residentBytes[0] ?? 0)} to ${mib(residentBytes.at(-1) ?? 0)} MiB, ${cores.toFixed(2)} cores`,
  ].join('; ');
}

function median(values: readonly number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

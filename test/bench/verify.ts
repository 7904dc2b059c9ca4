import { totalOf } from '../../src/eventstore/verify/finding.ts';
import { verifyProjection } from '../../src/eventstore/verify/verify.ts';
import type { Mongo } from '../../src/mongo/mongo.ts';
import { fleetStatus } from '../../src/vehicle/projection.ts';
import { compare, type Findings, type Plan, scaled } from './measure.ts';
import { openReplayLog, REPLAY_EVENTS, scanOf } from './replay-log.ts';

/** A verification of a read model against its log, beside a plain scan of the same log. */
export async function benchVerify(mongo: Mongo, database: string, plan: Plan): Promise<Findings> {
  const store = await openReplayLog(mongo, database, scaled(plan, REPLAY_EVENTS, 1_000));
  const verify = {
    name: 'verify',
    atLeast: 0.7,
    async run() {
      const { events, findings } = await verifyProjection(store, fleetStatus);
      if (totalOf(findings) > 0) throw new Error('Rows differ from the log.');
      return events;
    },
  };
  return { lines: await compare(scanOf(store), [verify], plan) };
}

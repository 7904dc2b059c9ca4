import fc from 'fast-check';
import type { RouteCommand } from '../../src/route/decide.ts';
import type { CommandsOfAKind } from '../random-commands.ts';

const stops = [{ name: 'Berlin', longitude: 13.4, latitude: 52.5 }];

const Route: CommandsOfAKind<RouteCommand> = {
  first: fc.constant({ type: 'PlanRoute', plan: { stops } }),
  further: fc.integer({ min: 1, max: 9 }).map((durationS) => ({
    type: 'AdjustRoute',
    changes: { durationS },
    reasonCode: 'TRAFFIC',
    source: 'DISPATCHER',
  })),
};

export const COMMANDS = { Route };

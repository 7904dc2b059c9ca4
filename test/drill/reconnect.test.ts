import { describe, expect, it } from 'vitest';
import { openDatabase } from '../database.ts';
import { expectPassedInProcess, variablesOf } from './run.ts';

describe('gateways that are killed at random', () => {
  it.concurrent.each([
    ['ws', '1'],
    ['sse', '2'],
  ])(
    'are come back to over %s, %s of them: each event is told once, in order',
    async (transport, gateways) => {
      const database = await openDatabase();
      const size = ['--subscribers', '20', '--kills', '2', '--per-second', '40'];
      const how = ['--transport', transport, '--gateways', gateways];
      const said = await expectPassedInProcess(['reconnect', ...size, ...how], variablesOf(database));
      expect(said).toMatch(/each of 20 subscribers over \w+ came to have been told [\d,]+ events/);
      await database.close();
    },
  );
});

import { describe, expect, it } from 'vitest';
import { openLog } from '../../src/process/log.ts';

/** What is written when `entry` is logged. */
function logged(entry: object): string {
  const lines: string[] = [];
  const log = openLog({ level: 'info', pretty: false, destination: { write: (line) => lines.push(line) } });
  log.info(entry, 'something');
  return lines.join('');
}

describe('a secret in what is logged', () => {
  it.each([
    { token: 'hush' },
    { apiKey: 'hush' },
    { headers: { authorization: 'hush' } },
    { headers: { 'x-api-key': 'hush' } },
    { req: { headers: { authorization: 'hush', 'x-api-key': 'hush', cookie: 'hush' } } },
    { connectionParams: { anything: 'hush' } },
  ])('is not written: %o', (entry) => {
    expect(logged(entry)).not.toContain('hush');
    expect(logged(entry)).toContain('[secret]');
  });

  it('takes nothing else with it', () => {
    expect(logged({ tenantId: 'demo', count: 3 })).toMatch(/"tenantId":"demo","count":3,"msg":"something"/);
  });
});

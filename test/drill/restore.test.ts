import { describe, expect, it } from 'vitest';
import { expectPassedInProcess } from './run.ts';

describe('a database that is restored from copies of different moments', () => {
  it('shows what its log says, says so before it is ready, and sends a gap to clients of the old one', async () => {
    const said = await expectPassedInProcess(['restore', '--streams', '20']);
    expect(said).toMatch(
      /copied [\d,]+ documents in [\d,]+ collections, while every stream was changed [\d,]+ times/,
    );
    expect(said).toMatch(
      /the gateway on the copy was ready, after it had said [1-9][\d,]* reasons why not yet/,
    );
    expect(said).toMatch(
      /6 subscribers were told of a gap, and show what the copied log says, and [\d,]+ new events/,
    );
    expect(said).toMatch(/compared [\d,]+ rows with the fold of their streams/);
  });
});

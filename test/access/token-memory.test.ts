import { describe, expect, it } from 'vitest';
import { type Authentication, refused } from '../../src/access/authenticate.ts';
import { rememberingTokens } from '../../src/access/token.ts';

const access = { tenantId: 'demo', sub: 'ann', role: 'dispatcher' } as const;

/** A proof that counts how often it is asked for. */
function counted(answer: Authentication) {
  const asked: string[] = [];
  const verify = async (token: string): Promise<Authentication> => {
    asked.push(token);
    return answer;
  };
  return { asked, verify };
}

describe('a token that was proved', () => {
  it('is not proved again by the next request', async () => {
    const { asked, verify } = counted({ access });
    const remembering = rememberingTokens(verify, () => false);
    expect(await remembering('a')).toEqual({ access });
    expect(await remembering('a')).toEqual({ access });
    expect(asked).toEqual(['a']);
  });

  it('says nothing of another', async () => {
    const { asked, verify } = counted({ access });
    const remembering = rememberingTokens(verify, () => false);
    await remembering('a');
    await remembering('b');
    expect(asked).toEqual(['a', 'b']);
  });

  it('is looked at again once it is over', async () => {
    const { asked, verify } = counted({ access });
    let over = false;
    const remembering = rememberingTokens(verify, () => over);
    await remembering('a');
    over = true;
    await remembering('a');
    expect(asked).toEqual(['a', 'a']);
  });
});

describe('a token that was refused', () => {
  it('is looked at again each time', async () => {
    const { asked, verify } = counted(refused('invalid', 'No.'));
    const remembering = rememberingTokens(verify, () => false);
    await remembering('a');
    await remembering('a');
    expect(asked).toEqual(['a', 'a']);
  });
});

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signerOf } from '../../../src/eventstore/proof/keys.ts';
import { waybill } from '../../cli/command.ts';
import { variablesOf } from '../../cli/event-files.ts';
import { type Data, startGateway, type TestGateway } from '../../gateway.ts';
import { goOn, openWorld, TENANTS, type World } from '../verify/world.ts';
import { newPem, newSigner, publish, seal } from './stage.ts';

const PEM = newPem();
const SIGNER = signerOf(PEM);
const SCRIPT = resolve(import.meta.dirname, 'check_proof.py');
const PROOF = `query ($id: ID!) { auditProof(eventId: $id) {
  eventId leaf inclusion { segment sealedAt index size path checkpoint } } }`;

let gateway: TestGateway;
let world: World;
let folder: string;
let token: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waybill-proof-'));
  gateway = await startGateway();
  world = await openWorld(gateway.store, 7);
  await publish(gateway.store, SIGNER);
  await seal(gateway.store, SIGNER, TENANTS, 13);
  token = await gateway.token({ tenant: 'acme', role: 'dispatcher' });
});
afterAll(async () => {
  await gateway.close();
  await rm(folder, { recursive: true });
});

const proofOf = async (id: string, by = token): Promise<Data> =>
  (await gateway.data(PROOF, { id }, by)).auditProof;
const idsOf = async (tenantId: string) =>
  (await gateway.store.events.find({ tenantId }).sort({ loggedAt: 1 }).toArray()).map(({ _id }) =>
    _id.toString(),
  );
const fileOf = async (proof: unknown): Promise<string> => {
  const path = join(folder, 'proof.json');
  await writeFile(path, JSON.stringify(proof));
  return path;
};
const inPython = async (proof: unknown, key = SIGNER.verifier.text): Promise<boolean> =>
  promisify(execFile)('python3', [SCRIPT, await fileOf(proof), key]).then(
    ({ stdout }) => stdout === 'proven\n',
    () => false,
  );
const offline = async (proof: unknown, ...more: string[]) =>
  waybill(['proof', await fileOf(proof), '--key', SIGNER.verifier.text, ...more]);

describe('the proof of an event', () => {
  it('leads every event of the tenant to a signature, in another language as well', async () => {
    const ids = await idsOf('acme');
    expect(ids).toHaveLength(48);
    for (const [at, id] of ids.entries()) {
      const proof = await proofOf(id);
      expect(await offline(proof)).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(
          new RegExp(`\nproven: event ${id}, sealed in segment [1-4] of acme at 20`),
        ),
      });
      if (at % 6 === 0) expect(await inPython(proof)).toBe(true);
    }
  });

  it('holds for the whole answer of a gateway, and by the key of the settings', async () => {
    const [id = ''] = await idsOf('acme');
    const answer = { data: { auditProof: await proofOf(`event_${id}`) } };
    const ended = await waybill(['proof', await fileOf(answer)], {
      ...variablesOf(gateway.database),
      WAYBILL_PROOF_KEY: PEM,
    });
    expect(ended).toMatchObject({ code: 0, stderr: '' });
  });

  it('does not hold where a byte of it is another, or by another key', async () => {
    const [, id = ''] = await idsOf('acme');
    const proof = await proofOf(id);
    const leaf = Buffer.from(proof.leaf, 'base64');
    leaf[leaf.length - 2] = (leaf.at(-2) ?? 0) ^ 1;
    const { inclusion } = proof;
    const forged = [
      { ...proof, leaf: leaf.toString('base64') },
      { ...proof, inclusion: { ...inclusion, index: inclusion.index + 1 } },
      { ...proof, inclusion: { ...inclusion, path: inclusion.path.slice(1) } },
      {
        ...proof,
        inclusion: { ...inclusion, checkpoint: inclusion.checkpoint.replace('segment 1', 'segment 2') },
      },
    ];
    for (const each of forged) {
      expect(await offline(each)).toMatchObject({ code: 2, stdout: expect.stringMatching(/^not proven: /) });
      expect(await inPython(each)).toBe(false);
    }
    const other = newSigner().verifier.text;
    expect(await waybill(['proof', await fileOf(proof), '--key', other])).toMatchObject({ code: 2 });
    expect(await inPython(proof, other)).toBe(false);
    expect(await offline({ hello: 1 })).toMatchObject({
      code: 2,
      stdout: expect.stringContaining('it is no proof'),
    });
  });

  it('is given of an event that is not sealed yet, without what is to come', async () => {
    const known = new Set(await idsOf('acme'));
    await goOn(gateway.store, world, 5);
    const fresh = (await idsOf('acme')).find((id) => !known.has(id)) ?? '';
    expect(await proofOf(fresh)).toMatchObject({ eventId: fresh, inclusion: null });
    await seal(gateway.store, SIGNER, TENANTS);
    expect(await inPython(await proofOf(fresh))).toBe(true);
  });

  it('is given to those who may read the log, of their own tenant alone', async () => {
    const [id = ''] = await idsOf('acme');
    expect(await proofOf(id, await gateway.token({ tenant: 'acme-2', role: 'admin' }))).toBeNull();
    expect(await proofOf('0199aaaa-0000-7000-8000-000000000000')).toBeNull();
    expect(await proofOf('nonsense')).toBeNull();
    const carrier = await gateway.token({ tenant: 'acme', role: 'carrier', carrierId: 'c' });
    const { errors } = await gateway.graphql(PROOF, { id }, carrier);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' });
  });

  it('is checked by a key that is published', async () => {
    expect((await gateway.data('{ proofKeys }', {}, token)).proofKeys).toEqual([SIGNER.verifier.text]);
    const ended = await waybill(['proof-key'], { MONGODB_URI: 'mongodb://nowhere', WAYBILL_PROOF_KEY: PEM });
    expect(ended.stdout).toBe(`${SIGNER.verifier.text}\n`);
    expect(await waybill(['proof-key'], { MONGODB_URI: 'mongodb://nowhere' })).toMatchObject({ code: 1 });
  });
});

describe('waybill verify on a log that is sealed', () => {
  const verify = (...args: string[]) =>
    waybill(['verify', ...args], { ...variablesOf(gateway.database), WAYBILL_PROOF_KEY: PEM });

  it('says that nothing is wrong, then names what was changed, and ends with 2', async () => {
    const right = await verify();
    expect(right).toMatchObject({ code: 0, stderr: '' });
    expect(right.stdout).toMatch(
      /log: [\d,]+ events sealed in \d+ segments, 0 not sealed yet\n {2}findings {3}none\n$/,
    );
    const [id = ''] = await idsOf('acme-2');
    const event = await gateway.store.events.findOne({ tenantId: 'acme-2' }, { sort: { loggedAt: 1 } });
    if (event === null) throw new Error('There is no event.');
    await gateway.store.events.updateOne({ _id: event._id }, { $set: { 'actor.id': 'nobody' } });
    const wrong = await verify('--tenant', 'acme-2');
    expect(wrong.code).toBe(2);
    expect(wrong.stdout).toContain(`log acme-2: changed: event ${id} (${event.aggregateType}/`);
    expect(wrong.stdout).toContain('findings   1 changed\n');
  });
});

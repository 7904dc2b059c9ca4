import type { EventProof, Inclusion } from '../eventstore/proof/prove.ts';
import { builder } from '../graphql/builder.ts';
import { toUuid } from '../graphql/global-id.ts';

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

const AuditInclusionRef = builder.objectRef<Inclusion>('AuditInclusion').implement({
  description: 'Where a sealed event is, and what leads from it to a signature.',
  fields: (t) => ({
    segment: t.exposeInt('segment', {
      description: "The segment of the tenant's log that it was sealed in, from 1.",
    }),
    sealedAt: t.expose('sealedAt', { type: 'DateTime', description: "When, by the database's clock." }),
    index: t.exposeInt('index', { description: "The leaf's place in the segment's tree, from 0." }),
    size: t.exposeInt('size', { description: "How many leaves the segment's tree has." }),
    path: t.stringList({
      description:
        "The hashes beside the leaf's way to the root, from the bottom up, each in base64 (RFC 9162, section 2.1.3).",
      resolve: ({ path }) => path.map(base64),
    }),
    checkpoint: t.exposeString('checkpoint', {
      description:
        'The signed checkpoint with the root, a signed note (c2sp.org/signed-note): lines of text, an empty line, and ' +
        'an ed25519 signature.',
    }),
  }),
});

const AuditProofRef = builder.objectRef<EventProof>('AuditProof').implement({
  description:
    'The proof that an event is in the log as it was sealed; whoever has the public key checks it without the gateway, ' +
    'as `waybill proof` does.',
  fields: (t) => ({
    eventId: t.exposeString('eventId', { description: "The event's id, a UUID." }),
    leaf: t.string({
      description:
        'The event as the database stores it, in BSON, as base64. Its hash is SHA-256 over a byte 0 and this.',
      resolve: ({ leaf }) => base64(leaf),
    }),
    inclusion: t.field({
      type: AuditInclusionRef,
      nullable: true,
      description: 'Null while the event is not sealed, which takes a minute or two.',
      resolve: ({ inclusion }) => inclusion,
    }),
  }),
});

builder.queryFields((t) => ({
  auditProof: t.field({
    type: AuditProofRef,
    nullable: true,
    authScopes: { auditor: true },
    description: 'The proof that an event is in the log; null where there is no such event.',
    args: { eventId: t.arg.id({ required: true, description: 'The id of an `Event`, or the bare UUID.' }) },
    resolve: async (_root, { eventId }, { store }) => {
      const id = toUuid('Event', eventId);
      return id === undefined ? undefined : store.proof(id);
    },
  }),
  proofKeys: t.stringList({
    authScopes: { auditor: true },
    description:
      'The public keys by which checkpoints were signed, the newest first, as `waybill proof-key` prints them. Whoever can ' +
      'write to the database can write here, too: take the key to check proofs by from the operator.',
    resolve: (_root, _args, { store }) => store.proofKeys(),
  }),
}));

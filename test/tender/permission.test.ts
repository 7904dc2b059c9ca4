import { describe, expect, it } from 'vitest';
import { ROLES, type Role } from '../../src/eventstore/event.ts';
import type { TenderCommand } from '../../src/tender/command.ts';
import {
  accept,
  acme,
  arrive,
  assign,
  at,
  bolt,
  cancel,
  complete,
  counter,
  create,
  decline,
  depart,
  dispatcher,
  expire,
  OFFER_B,
  offer,
  tenderIn,
} from './cast.ts';

const ANSWERS = [accept(dispatcher), decline(dispatcher), counter(dispatcher)];
const REPORTS: TenderCommand[] = [
  arrive(1),
  depart(1),
  { type: 'RaiseException', reasonCode: 'OTHER', ...at(9) },
];
const DISPATCH: TenderCommand[] = [
  create(),
  { type: 'AmendTender', changes: { weightKg: 3 }, ...at(9) },
  offer('BOLT', OFFER_B),
  { type: 'AnswerCounter', accepted: true, ...at(9) },
  { type: 'WithdrawOffer', ...at(9) },
  expire(60),
  assign(),
  complete,
  cancel,
];

const MAY: Readonly<Record<Role, readonly TenderCommand[]>> = {
  dispatcher: [...ANSWERS, ...REPORTS, ...DISPATCH],
  admin: [...ANSWERS, ...REPORTS, ...DISPATCH],
  system: [...ANSWERS, ...REPORTS, ...DISPATCH],
  carrier: [...ANSWERS, ...REPORTS],
  driver: REPORTS,
  rider: [],
  showroom: [],
  battery_op: [],
};

describe('who may do what', () => {
  for (const role of ROLES) {
    it(`${role}: ${MAY[role].map(({ type }) => type).join(', ') || 'nothing'}`, () => {
      const by = role === 'carrier' ? acme : { id: 'someone', role };
      for (const command of MAY.dispatcher) {
        const { refusal } = tenderIn('ASSIGNED').when({ ...command, by }).decision;
        expect(refusal?.code === 'FORBIDDEN', command.type).toBe(!MAY[role].includes(command));
      }
    });
  }

  it('a carrier without an id of its own is none', () => {
    tenderIn('OFFERED')
      .when(accept({ id: 'x', role: 'carrier' }))
      .refuses('FORBIDDEN');
  });

  it('a carrier that lost reports nothing', () => {
    const story = tenderIn('OFFERED').and(offer('BOLT', OFFER_B)).and(accept(acme));
    story.when(arrive(1, 9, bolt)).refuses('FORBIDDEN');
  });

  it('the role is looked at before the tender: nobody learns from a refusal what exists', () => {
    const by = { id: 'someone', role: 'rider' } as const;
    tenderIn('NEW')
      .when({ ...cancel, by })
      .refuses('FORBIDDEN');
    tenderIn('NEW').when(accept(acme)).refuses('NOT_FOUND');
  });
});

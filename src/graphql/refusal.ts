import type { ObjectRef } from '@pothos/core';
import { REFUSALS, type Refusal, type RefusalCode, type RefusalKind } from '../refusal.ts';
import { builder, type Types } from './builder.ts';

const CODES = Object.keys(REFUSALS) as RefusalCode[];

/** The enum of every business "no", documented by the list it is made from. */
export const RefusalCodeRef = builder.enumType('RefusalCode', {
  description: 'Why a command was refused, or what became of it.',
  values: Object.fromEntries(CODES.map((code) => [code, { description: REFUSALS[code][1] }])) as Record<
    RefusalCode,
    { description: string }
  >,
});

/** What every member but the payload of a mutation's result implements. */
export const RefusalRef = builder.interfaceRef<Refusal>('Refusal').implement({
  description: 'A business "no": nothing was changed, and the code tells a program why.',
  fields: (t) => ({
    code: t.expose('code', { type: RefusalCodeRef }),
    message: t.exposeString('message', { description: 'The same for a person.' }),
  }),
});

function refusalType(kind: RefusalKind, description: string): ObjectRef<Types, Refusal> {
  return builder.objectRef<Refusal>(kind).implement({ description, interfaces: [RefusalRef] });
}

const Conflict = refusalType(
  'Conflict',
  'It collides with what others did, or with what the same key did before.',
);
const NotFound = refusalType('NotFound', 'There is no such thing, or it is not yours to see.');
const InvalidTransition = refusalType('InvalidTransition', 'The present state does not allow it.');
const Forbidden = refusalType('Forbidden', 'The role of the caller does not allow it.');
const InvalidInput = builder.objectRef<Refusal>('InvalidInput').implement({
  description: 'A field of the input is malformed or out of range.',
  interfaces: [RefusalRef],
  fields: (t) => ({
    field: t.exposeString('field', {
      nullable: true,
      description: 'The field at fault, as a dotted path into the input.',
    }),
  }),
});

/** True for a refusal among the values that a mutation's resolver may return. */
export function isRefusal(value: unknown): value is Refusal {
  return (
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    'code' in value &&
    typeof value.code === 'string' &&
    value.code in REFUSALS
  );
}

/**
 * Declares the result of a mutation: its payload, or a refusal of any kind. The resolver returns either as it is.
 * @param name `TenderResult` …
 * @param payload the ref of `TenderPayload` …
 */
export function resultUnion<P extends object>(name: string, payload: ObjectRef<Types, P>) {
  return builder.unionType(name, {
    description: 'What came of the command: its payload, or the refusal.',
    types: [payload, Conflict, NotFound, InvalidTransition, InvalidInput, Forbidden],
    resolveType: (value) => (isRefusal(value) ? value.kind : payload.name),
  });
}

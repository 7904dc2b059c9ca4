/**
 * What protects the gateway, and where. An operation comes by one of three ways: Yoga's path, the fast path beside it, or a
 * socket. Hooks of one do not run on the others, so each protection stands where all three pass, and a test tries each
 * protection on each way. Whoever adds a protection adds it here.
 */
export const PROTECTIONS = {
  origin: 'Pages of other origins are told nothing: `origins.ts`, for answers and for upgrades.',
  size: 'Requests and messages beyond a size are not read to their end: `http/fast-path.ts`, Yoga, ws.',
  bytesInHand:
    'Requests are taken on while their bytes are few enough: `guards.ts`, before anything is done.',
  wellFormed: 'Parameters that are malformed are refused: the fast path leaves them to Yoga; graphql-ws.',
  valid: 'Documents are validated before anything else: by the engine that all of them share, `engine.ts`.',
  text: 'Documents of too many tokens, or nested too deep, are not parsed; variables nested too deep not read: `text-limits.ts`.',
  spread: 'What is asked of a document goes through each of its fragments once: `guards.ts`.',
  names:
    'Names that an object of JavaScript does not have as any other, and conditions that are null, are refused: `text-limits.ts`.',
  proof: 'A proof that is not good is refused, whatever is asked: `http/requests.ts`, `socket/connect.ts`.',
  anonymous: 'Who shows none may do nothing, nor read the schema: `guards.ts`, before each execution.',
  tenant: 'What is another tenant’s does not exist: `tenant-store.ts`, the only way to the store.',
  role: 'What a role may not is refused: scopes of the schema and `refuseUnless`, in the resolvers.',
  cost: 'What costs more than a role may ask for is not begun: `cost/costs.ts`, by `guards.ts`.',
  rate: 'Callers use no more than their share of time: `cost/rates.ts`, by `guards.ts`.',
  turns:
    'Dear queries take turns by caller, and keep nobody else waiting: `cost/turns.ts`, asked where one is executed.',
  commandsInHand: 'Commands are taken on while there are few enough: `tenant-store.ts`.',
  masking: 'Bugs are told by an id only: `masking.ts`, in whatever way an operation is executed.',
  counting: 'What is begun is counted: `guards.ts`.',
} as const;

export type Protection = keyof typeof PROTECTIONS;

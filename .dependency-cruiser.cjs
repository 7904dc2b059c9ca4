/**
 * Who may import whom, type-only imports included. Each rule says why; `npm run imports` and
 * test/facts/imports.test.ts run them. `$1` is the context that the importing file belongs to.
 */

/**
 * What Waybill is about: each context may show to clients what those before it have. `npm run context` adds to this list;
 * dispatch, where contexts meet, is none of them.
 */
const NAMES = ['tender', 'vehicle', 'route', 'rental', 'approval'];

/**
 * The rooms of the house, low to high: a file imports from its own room and from those that stand before it. Rooms on
 * one line stand beside each other, and do not know each other. The last part of a path is a file's name.
 */
const ORDER = [
  ['refusal.ts', 'gate/'],
  // The event store: its words, then how they are read, folded, shown and decided upon, then what is built on that.
  ['eventstore/(?!open-store)[^/]+.ts'],
  ['eventstore/log/'],
  ['eventstore/time/'],
  ['eventstore/projection/'],
  ['eventstore/command/'],
  [
    'eventstore/feed/',
    'eventstore/rebuild/',
    'eventstore/verify/',
    'eventstore/proof/',
    'eventstore/archive/',
    'eventstore/consumer/',
  ],
  ['eventstore/recovery/'],
  ['eventstore/open-store.ts'],
  ['mongo/'],
  ['access/'],
  ['metrics/'],
  ['protected/'],
  ['personal/'],
  ['graphql/'],
  ['audit/'],
  ...NAMES.map((name) => [`${name}/`]),
  ['dispatch/'],
  ['(model|schema).ts'],
  // How it is served.
  ['gateway/fan-out/'],
  ['gateway/cost/'],
  ['gateway/engine/'],
  ['gateway/http/', 'gateway/socket/'],
  ['gateway/[^/]+.ts'],
  ['process/'],
  ['jobs.ts'],
  ['waybill.ts'],
  // What is run beside it.
  ['client/'],
  ['simulation/', 'drill/'],
  ['cli/'],
  ['main.ts'],
];

const place = (room) => `^src/${room.replace('.ts', '\\.ts$')}`;

/** One rule a room: it reaches for nothing but what it may know. */
const DIRECTION = ORDER.flatMap((rooms, at) =>
  rooms.map((room) => ({
    name: `one-direction: ${room}`,
    comment: 'Imports go one way, so that each room can be read, and understood, by what stands before it.',
    severity: 'error',
    from: { path: place(room) },
    to: { path: '^src/', pathNot: [...ORDER.slice(0, at).flat(), room].map(place) },
  })),
);

const CONTEXT = `(${NAMES.join('|')})`;
const CONTEXTS = `^src/${CONTEXT}/`;
/** The files of a context that show it to clients; a big context has more than its graphql.ts. */
const SHOWN = '(graphql|objects|stop-objects|inputs|mutations|queries|subscription)\\.ts$';
/** The files of a context that must give the same answer for the same input, whenever and wherever they run. */
const PURE = `^src/${CONTEXT}/(?!${SHOWN})[^/]+\\.ts$`;

const npm = (name) => `(^|/)node_modules/${name}(/|$)`;
const GRAPHQL = [
  npm('graphql'),
  npm('graphql-[^/]+'),
  npm('@pothos'),
  npm('@graphql-[^/]+'),
  npm('@whatwg-node'),
];
const MONGODB = [npm('mongodb'), npm('bson'), npm('mongodb-[^/]+')];

module.exports = {
  forbidden: [
    ...DIRECTION,
    {
      name: 'no-cycles',
      comment: 'Files that need each other, be it for a type, are one thought in several places.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'What is imported exists, and is declared as a dependency that a user of the package gets.',
      severity: 'error',
      from: { path: '^src/' },
      to: { couldNotResolve: true },
    },
    {
      name: 'no-development-packages',
      comment: 'Development packages are not there when the gateway runs.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-unknown', 'npm-no-pkg'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-tests-in-the-product',
      comment: 'Tests know the product, never the other way round.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^test/' },
    },

    {
      name: 'events-know-only-their-schema',
      comment:
        'An event is a fact by itself: its file needs the schema library, field schemas and the envelope.',
      severity: 'error',
      from: { path: `^src/${CONTEXT}/events\\.ts$` },
      to: {
        pathNot: [
          npm('zod'),
          '^src/eventstore/(event|payload)\\.ts$',
          '^src/$1/(?!state|decide|projection|graphql)[^/]+\\.ts$',
        ],
      },
    },
    {
      name: 'state-knows-only-its-events',
      comment: 'State is folded from the events of its own context, by nothing but them.',
      severity: 'error',
      from: { path: `^src/${CONTEXT}/state\\.ts$` },
      to: { pathNot: ['^src/$1/(?!decide|projection|graphql)[^/]+\\.ts$', '^src/eventstore/event\\.ts$'] },
    },
    {
      name: 'decide-knows-events-state-and-refusals',
      comment: 'A decision follows from its state and its command: no clock, no database, no other context.',
      severity: 'error',
      from: { path: `^src/${CONTEXT}/decide\\.ts$` },
      to: {
        pathNot: [
          '^src/$1/(?!projection|graphql)[^/]+\\.ts$',
          '^src/refusal\\.ts$',
          '^src/eventstore/(aggregate|event|payload)\\.ts$',
          '^(node:)?util$',
        ],
      },
    },
    {
      name: 'projection-knows-its-events-and-the-fold',
      comment: 'A row is folded from the events of one stream; how it is shown is no concern of it.',
      severity: 'error',
      from: { path: `^src/${CONTEXT}/projection\\.ts$` },
      to: { pathNot: ['^src/$1/(?!decide|graphql)[^/]+\\.ts$', '^src/eventstore/(event|projection)\\.ts$'] },
    },
    {
      name: 'pure-files-touch-nothing-outside',
      comment: 'What is pure has no database, no GraphQL, no Node and no other context.',
      severity: 'error',
      from: { path: PURE },
      to: {
        path: [
          ...MONGODB,
          ...GRAPHQL,
          '^src/graphql/builder\\.ts$',
          '^src/gateway/',
          '^src/(schema|main)\\.ts$',
        ],
      },
    },
    {
      name: 'pure-files-need-no-node',
      comment:
        'Files, network, randomness and clocks come in from outside; hashes and comparisons are the exceptions.',
      severity: 'error',
      from: { path: PURE },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|util)$' },
    },
    {
      name: 'contexts-meet-in-dispatch',
      comment:
        'Rules that span contexts live in dispatch/; only a graphql.ts (and its like) may show what another context has.',
      severity: 'error',
      from: { path: PURE },
      to: { path: CONTEXTS, pathNot: '^src/$1/' },
    },
    {
      name: 'contexts-show-each-other-by-their-rows',
      comment: "A graphql.ts may use another context's object refs and rows, not its decisions.",
      severity: 'error',
      from: { path: `^src/${CONTEXT}/${SHOWN}` },
      to: { path: '^src/[^/]+/(decide|state)\\.ts$', pathNot: '^src/$1/' },
    },
    {
      name: 'graphql-never-sees-mongodb',
      comment: 'Reads and writes of the schema go through the store that is bound to the tenant.',
      severity: 'error',
      from: {
        path: [
          'graphql\\.ts$',
          `^src/${CONTEXT}/${SHOWN}`,
          '^src/graphql/',
          '^src/gateway/server\\.ts$',
          '^src/schema\\.ts$',
        ],
      },
      to: { path: MONGODB },
    },
    {
      name: 'dispatch-is-a-workflow',
      comment: 'Events in, commands out: no GraphQL, no database.',
      severity: 'error',
      from: { path: '^src/dispatch/' },
      to: { path: [...MONGODB, ...GRAPHQL, 'graphql\\.ts$'] },
    },
    {
      name: 'the-event-store-knows-no-business',
      comment: 'The machine carries any fact: it imports MongoDB and itself, no context and no GraphQL.',
      severity: 'error',
      from: { path: '^src/eventstore/' },
      to: { path: ['^src/(?!eventstore/|refusal\\.ts$)', ...GRAPHQL] },
    },
    {
      name: 'mongo-knows-only-itself',
      comment: 'Finding and running MongoDB has nothing to do with what is kept in it.',
      severity: 'error',
      from: { path: '^src/mongo/' },
      to: { path: ['^src/(?!mongo/)', ...GRAPHQL] },
    },
    {
      name: 'access-knows-no-business',
      comment: 'Who is calling is found out before anything is asked for.',
      severity: 'error',
      from: { path: '^src/access/' },
      to: {
        path: [
          '^src/(?!access/|eventstore/(?:event|admin-actions)\\.ts$|mongo/(?:startup-error|data-folder|first-file)\\.ts$)',
          ...GRAPHQL,
        ],
      },
    },
    {
      name: 'the-server-knows-no-context',
      comment: 'The server carries whatever the schema says.',
      severity: 'error',
      from: { path: '^src/gateway/' },
      to: { path: [CONTEXTS, '^src/dispatch/'] },
    },
    {
      name: 'mongodb-where-it-belongs',
      comment:
        'The driver is used by the machine, by API keys, by keys of personal data, by who opens them and by who binds them to a tenant.',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot:
          '^src/(eventstore|mongo|access|personal|drill|cli)/|^src/(main|gateway/engine/tenant-store|process/replay-worker)\\.ts$',
      },
      to: { path: MONGODB },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      mainFields: ['module', 'main'],
    },
    skipAnalysisNotInRules: true,
    cache: false,
  },
};

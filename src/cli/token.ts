import { type Command, Option } from 'commander';
import { nameSchema, tenantIdSchema } from '../access/claims.ts';
import { secretOfGateway } from '../access/development-secret.ts';
import { MAX_TOKEN_HOURS } from '../access/lifetime.ts';
import { signToken, type TokenPolicy } from '../access/token.ts';
import { ROLES, type Role } from '../eventstore/event.ts';
import { StartupError } from '../mongo/startup-error.ts';
import { tokenPolicyOf } from '../process/proof.ts';
import type { Variables } from '../process/setting.ts';
import { readSettings } from '../process/settings.ts';
import { duration, validBy } from './argument.ts';
import type { CliContext } from './context.ts';

interface Flags {
  readonly tenant: string;
  readonly role: Role;
  readonly sub?: string;
  readonly carrierId?: string;
  /** In seconds. */
  readonly expiresIn: number;
}

const EPILOG = `
The token is the last line of standard output: TOKEN=$(npx waybill token --tenant demo --role dispatcher | tail -1)

It is signed with WAYBILL_JWT_SECRET or, where that is not set, with the development secret that the gateway made in
WAYBILL_DATA: there has to be one that ran there.`;

/** Adds `waybill token`. */
export function addTokenCommand(program: Command, context: CliContext): void {
  program
    .command('token')
    .description('sign a token to call the gateway with')
    .requiredOption('--tenant <id>', 'whose data the caller works on', validBy(tenantIdSchema))
    .addOption(new Option('--role <role>', 'what the caller is').choices(ROLES).makeOptionMandatory())
    .option('--sub <name>', 'who the caller is (default: the role)', validBy(nameSchema))
    .option(
      '--carrier-id <id>',
      'which carrier the caller answers for; carriers need it',
      validBy(nameSchema),
    )
    .option('--expires-in <duration>', 'how long it is good for, as 90s, 15m, 12h or 30d', duration, 86_400)
    .addHelpText('after', EPILOG)
    .action(async (flags: Flags) => {
      context.console.log(await tokenFor(flags, context.variables));
    });
}

/** @throws StartupError where the gateway's tokens are not ours to sign, or a carrier has no id */
async function tokenFor(flags: Flags, variables: Variables): Promise<string> {
  const { tenant, role, sub = role, carrierId, expiresIn } = flags;
  if (role === 'carrier' && carrierId === undefined)
    throw new StartupError('A carrier says which carrier it is: add --carrier-id.');
  const claims = { sub, tenant, role, ...(carrierId === undefined ? {} : { carrierId }) };
  const policy = await signingPolicy(variables);
  const { maxHours = MAX_TOKEN_HOURS } = policy;
  if (expiresIn > maxHours * 3_600)
    throw new StartupError(
      `The gateway takes no token that is good for longer than ${maxHours} hours (WAYBILL_MAX_TOKEN_HOURS).`,
    );
  return signToken(policy, claims, expiresIn);
}

async function signingPolicy(variables: Variables): Promise<Extract<TokenPolicy, { kind: 'secret' }>> {
  const settings = readSettings(variables);
  const policy = await tokenPolicyOf(settings, () => secretOfGateway(settings.dataDir));
  if (policy.kind === 'secret') return policy;
  throw new StartupError(
    'Tokens are proved by the key set of WAYBILL_JWKS_URL, so the identity provider signs them, not Waybill.',
  );
}

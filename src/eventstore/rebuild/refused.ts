/** The rebuild cannot be done now, and everything is as before. The message is for the operator. */
export class RebuildRefused extends Error {
  override readonly name = 'RebuildRefused';
}

/** The log holds what this code cannot fold: rows that stop before it would take the place of those of a newer Waybill. */
export class NewerRefused extends RebuildRefused {
  constructor(projection: string, what: string) {
    super(
      `${projection} cannot be rebuilt by this Waybill: the log holds ${what}, which only a newer one can fold. The rows stay as they are.`,
    );
  }
}

/** Another process has taken the rebuild over: this one writes nothing more. */
export class RebuildLost extends Error {
  override readonly name = 'RebuildLost';

  constructor(projection: string) {
    super(`Another process has taken over the rebuild of ${projection}.`);
  }
}

/** The switch was not made, and everything is as before. The message is for the operator. */
export class SwitchRefused extends Error {
  override readonly name = 'SwitchRefused';
}

/** It would have shown less than the generation that is live. */
export class ShorterRefused extends SwitchRefused {}

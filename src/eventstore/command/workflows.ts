import type { Aggregate, Command, Workflow } from '../aggregate.ts';

/** The workflows by the type of the command that they follow. */
export type Workflows = ReadonlyMap<string, Workflow>;

/** @throws where two workflows follow one command: which of them would come first? */
export function openWorkflows(workflows: readonly Workflow[]): Workflows {
  const byCommand = new Map<string, Workflow>();
  for (const workflow of workflows) {
    for (const type of workflow.commands) {
      if (byCommand.has(type)) throw new Error(`Two workflows follow ${type}.`);
      byCommand.set(type, workflow);
    }
  }
  return byCommand;
}

/** What a command asks of other streams; undefined for one that stays on its own, as most do. */
export function workflowOf(
  workflows: Workflows,
  aggregate: Aggregate<unknown, Command>,
  command: Command,
): Workflow | undefined {
  const workflow = workflows.get(command.type);
  return workflow?.aggregateType === aggregate.type ? workflow : undefined;
}

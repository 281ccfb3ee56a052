import { SCENARIOS } from '../plan.ts';
import type { ScenarioName } from '../plan.ts';
import { cpuSeconds, machineCpuSeconds, treeCpuSeconds } from '../usage.ts';
import { Connection } from './connection.ts';
import { Inbox } from './inbox.ts';
import { measure } from './loop.ts';
import type { Scenario } from './loop.ts';
import { isOrder } from './messages.ts';
import { authClient } from './second-factor.ts';
import type { Order, Reply, Seeds, Targets, Usage } from './messages.ts';
import { createScenarios } from './scenarios.ts';

// The load generator: a process of its own, so that its CPU is not the service's. It ends with its parent.
const CONNECTIONS = 4;

interface Prepared {
  readonly targets: Targets;
  readonly scenarios: Readonly<Record<ScenarioName, Scenario>>;
}

const inbox = new Inbox();
let prepared: Prepared | undefined;

process.on('disconnect', () => process.exit());
process.on('message', (order) => {
  if (!isOrder(order)) throw new Error('This is no order');
  obey(order).then(reply, fail);
});
reply({ kind: 'listening', inboxPort: await inbox.listen() });

async function obey(order: Order): Promise<Reply> {
  if (order.kind === 'prepare') {
    prepared = prepare(order.targets, order.seeds);
    return { kind: 'prepared' };
  }
  if (prepared === undefined) throw new Error('Nothing is prepared');
  const { targets, scenarios } = prepared;
  const { scenario, warmUpMs, measureMs } = order;
  const usage = () => usageOf(targets, scenario);
  const measurement = await measure(scenarios[scenario], { warmUpMs, measureMs, usage });
  return { kind: 'measured', measurement };
}

function prepare(targets: Targets, seeds: Seeds): Prepared {
  const { serviceTestToken } = targets;
  const open = new Map<string, Connection>();
  const connectionOf = (scenario: ScenarioName, lane: number) => {
    const { server } = SCENARIOS[scenario];
    const name = `${server} ${lane % CONNECTIONS}`;
    const connection = open.get(name) ?? new Connection(targets[server].port, fail);
    open.set(name, connection);
    return connection;
  };
  return {
    targets,
    scenarios: createScenarios({
      seeds,
      inbox,
      serviceTestToken,
      connectionOf,
      authClient: authClient(targets.service.port),
    }),
  };
}

function usageOf(targets: Targets, scenario: ScenarioName): Usage {
  const { user, system } = process.cpuUsage();
  return {
    server: cpuSeconds(targets[SCENARIOS[scenario].server].pid),
    postgres: treeCpuSeconds(targets.postgresPid),
    generator: (user + system) / 1e6,
    machine: machineCpuSeconds(),
  };
}

function reply(answer: Reply): void {
  process.send?.(answer);
}

function fail(error: unknown): void {
  reply({ kind: 'failed', message: Error.isError(error) ? error.message : String(error) });
}
